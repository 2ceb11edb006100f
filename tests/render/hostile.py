"""Templates that mean harm, or are only too big, by the way in which they try it."""

from __future__ import annotations

CLIMBS = """
{{ document.__class__ }}
{{ document.__class__.__mro__ }}
{{ document.__class__.__mro__[-1].__subclasses__() }}
{{ document.subject.__class__.__base__.__subclasses__() }}
{{ ''.__class__.__mro__[1].__subclasses__()[40]('/etc/passwd').read() }}
{{ ()['__class__'] }}
{{ ""["__class__"]["__base__"] }}
{{ [].__class__.__base__ }}
{{ {}.__class__ }}
{{ (1).__class__ }}
{{ 1.0.__class__ }}
{{ document['__class__'] }}
{{ document['__init__']['__globals__'] }}
{{ document['_' ~ '_class_' ~ '_'] }}
{{ document[locale] }}
{{ document|attr('__class__') }}
{{ ''|attr('__class__')|attr('__mro__') }}
{{ lines|map(attribute='__class__')|list }}
{{ lines|map('attr', '__class__')|list }}
{{ lines|map('upper')|list }}
{{ lines|selectattr('net.__class__')|list }}
{{ lines|select('defined')|list }}
{{ lines|rejectattr('net')|list }}
{{ lines|groupby('__class__') }}
{{ lines|sort(attribute='__class__') }}
{{ lines|sum(attribute='quantity') }}
{{ lines|unique|list }}
{{ lines|min(attribute='__class__') }}
{{ lines|max }}
{{ lines|batch(2)|list }}
{{ lines|slice(10000000)|list }}
{{ document|dictsort }}
{{ document|items|list }}
{{ document|tojson }}
{{ document|xmlattr }}
{{ document|pprint }}
{{ document|string }}
{{ lines|random }}
{{ document.keys() }}
{{ document.items() }}
{{ document.get('type') }}
{{ document.update({'total': 0}) }}
{{ document.pop('total') }}
{{ document.clear() }}
{{ lines.append(1) }}
{{ lines.__iter__().__reduce__() }}
{{ document.date.today() }}
{{ document.date.__class__ }}
{{ document.date.year.__class__ }}
{{ document.total.amount.__class__ }}
{{ document.total.amount.as_tuple() }}
{{ document.subject.upper() }}
{{ document.subject.encode }}
{{ self }}
{{ self.__init__.__globals__ }}
{{ self._TemplateReference__context }}
{{ loop }}
{{ caller() }}
{{ varargs }}
{{ kwargs }}
{{ context }}
{{ environment }}
{{ request.application.__globals__ }}
{{ config.items() }}
{{ g.pop }}
{{ url_for.__globals__ }}
{{ get_flashed_messages.__globals__ }}
{{ __builtins__ }}
{{ __import__('os').system('id') }}
{{ eval('1') }}
{{ open('/etc/passwd').read() }}
{{ super() }}
{{ (run) }}
{{ undefined }}
{{ undefined.a.b.c.d }}
{{ undefined() }}
{{ undefined.__class__ }}
{{ (undefined|default('x')).__class__ }}
{% for line in lines %}{{ loop.__init__ }}{% endfor %}
{% for line in lines %}{{ loop.cycle('a', 'b') }}{% endfor %}
{% for line in lines %}{{ loop.changed(1) }}{% endfor %}
{% for line in lines %}{{ loop._iterable }}{% endfor %}
{% for line in lines %}{{ loop['__class__'] }}{% endfor %}
{% for line in lines %}{{ loop.nextitem.__class__ }}{% endfor %}
{% for a, b in document.items() %}{{ a }}{% endfor %}
{% for one in document %}{{ one }}{% endfor %}
{% for one in document.subject %}{{ one }}{% endfor %}
{% for one in 5 %}{{ one }}{% endfor %}
{% for one in [document] %}{{ one }}{% endfor %}
{% set x.y = 1 %}
{% set a, b = 1, 2 %}
{% set x %}block{% endset %}
{% if document.__class__ %}x{% endif %}
{% if document == document %}x{% endif %}
{% if lines == lines %}x{% endif %}
{% if document.__eq__ %}x{% endif %}
{{ document is callable }}
{{ document is mapping }}
{{ document is sameas document }}
{{ 4 is divisibleby 0 }}
{{ document.ｓubject }}
{{ document.ﬁeld }}
{{ document['\\x5f\\x5fclass\\x5f\\x5f'] }}
{{ document['\\u005f_class__'] }}
{{ ___ }}
{{ document.\u200bsubject }}
{{ ᵤₙ }}
"""

FORMATS = """
{{ '{0.__class__}'.format(document) }}
{{ '{0.__init__.__globals__[SECRET]}'.format(document) }}
{{ document.subject.format('{0.__class__}') }}
{{ '{x.__class__}'.format_map({'x': 1}) }}
{{ '{:1000000000d}'.format(1) }}
{{ '%s'|format(document) }}
{{ '%1000000000d'|format(1) }}
{{ '%s' % document }}
{{ '%1000000000d' % 1 }}
{{ '%*d' % (1000000000, 1) }}
{{ f'{document}' }}
{{ '{0}'|safe.format(document) }}
{{ ('{0.__class__}'|e).format(document) }}
{{ ('{0.__class__}'|escape)['format'](document) }}
{{ document.subject.__mod__(1) }}
{{ document.subject|safe }}
{{ document.subject|striptags }}
{{ document.subject|urlize }}
{{ document.subject|forceescape }}
{{ document.subject|urlencode }}
{{ document.subject|wordcount }}
{{ document.total|filesizeformat }}
{% autoescape false %}{{ document.subject }}{% endautoescape %}
{% autoescape true %}{{ document.subject }}{% endautoescape %}
"""

TOOLS = """
{{ cycler('a').__init__.__globals__.os.popen('id').read() }}
{{ cycler.__init__.__globals__ }}
{{ joiner.__init__.__globals__ }}
{{ joiner(',') }}
{{ namespace() }}
{{ namespace.__init__.__globals__ }}
{% set ns = namespace(x=1) %}{% set ns.x = 2 %}
{{ lipsum() }}
{{ lipsum(n=100000) }}
{{ lipsum.__globals__['os'].popen('id').read() }}
{{ lipsum|string }}
{{ dict(a=1) }}
{{ dict.__base__ }}
{{ range(3) }}
{{ range(10**9)|list }}
{{ range.__class__ }}
{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}
{% include '/etc/passwd' %}
{% include 'x' ignore missing %}
{% include ['a', 'b'] %}
{% include document.subject %}
{% import 'os' as os %}
{% from 'os' import popen %}
{% extends 'base' %}
{% extends document.subject %}
{% block a %}{% endblock %}
{% block a %}{{ self.a() }}{% endblock %}
{% block a scoped required %}{% endblock %}
{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}
{% macro a(x) %}{{ a(x ~ x) }}{% endmacro %}{{ a('x') }}
{% macro a() %}{{ caller() }}{% endmacro %}{% call a() %}x{% endcall %}
{% macro a() %}{{ varargs.__class__ }}{% endmacro %}{{ a() }}
{% call(x) document() %}{% endcall %}
{% filter upper %}x{% endfilter %}
{% filter center(1000000000) %}x{% endfilter %}
{% for x in lines recursive %}{{ loop(lines) }}{% endfor %}
{% do lines.append(1) %}
{% for x in lines %}{% break %}{% endfor %}
{% debug %}
{% trans %}x{% endtrans %}
{% print document %}
{{ 'x'|upper(*lines) }}
{{ 'x'|upper(**document) }}
{{ 'x'|upper(1, 2, 3) }}
{{ 'x'|replace }}
{{ 'x'|wrap(width='wide') }}
{{ 'x'|nothing }}
{{ 'x'|(each)(1) }}
"""

BOMBS = """
{{ 'A' * 1000000000 }}
{{ 1000000000 * 'A' }}
{{ [1] * 1000000000 }}
{{ (1,) * 1000000000 }}
{{ document.subject * 1000000000 }}
{{ 2 ** 1000000000 }}
{{ 9 ** 9 ** 9 ** 9 }}
{{ 10 ** 100 }}
{{ (2 ** 64) ** 64 }}
{{ -2 ** 63 }}
{{ 7 // 0 }}
{{ 7 / 0 }}
{{ 7 % 0 }}
{{ 999999999999999999999999 }}
{{ 0xffffffffffffffffffffffffffffffffffff }}
{{ 0b1111111111111111111111111111111111111111111111111111111111111111111111 }}
{{ 1e308 }}
{{ 1e999 }}
{{ -1e999 }}
{{ 1e-200 }}
{{ 1e18 * 1e18 }}
{{ 999999999999999999 * 999999999999999999 }}
{{ 'a'|center(1000000000) }}
{{ 'a'|indent(1000000000) }}
{{ 'a'|wordwrap(1) }}
{{ 'a'|truncate(5) }}
{{ 'a'|left(1000000000) }}
{{ 'a'|right(1000000000) }}
{{ 'a'|left(-1) }}
{{ 'a'|left(10.5) }}
{{ 'a'|wrap(1000000000) }}
{{ 'a'|wrap(72, 1000000000) }}
{{ 'a'|wrap(0) }}
{{ 1|round(1000000000) }}
{{ 1|round(-1000000000, 'ceil') }}
{{ 1|round(-1000000000) }}
{{ 'x'|int }}
{{ '9'|int(0, 16) }}
{{ 'a'|replace('', 'b') }}
{{ 'a'|join('b') }}
{{ lines|join(', ') }}
{{ lines }}
{{ document }}
{{ document.total|date }}
{{ document.subject|money }}
{{ document.subject|number }}
{{ document.date|date(length='endless') }}
{{ document.draft }}
{{ buyer.address }}
{{ buyer.address[99] }}
{{ lines[0:10] }}
{{ document.subject[::-1] }}
{{ document.subject[0] }}
{{ missing|first }}
{{ []|first }}
{{ []|last }}
{{ none }}
{{ 'javascript:alert(1)'|url }}
{{ 'JaVaScRiPt:alert(1)'|url }}
{{ 'data:text/html,x'|url }}
{{ 'https://x/" onclick='|url }}
{{ '\\nhttps://x'|url }}
{{ 'vbscript:x'|url }}
{{ ' https://x'|url }}
{{
{%
{% if %}
{% endif %}
{% if document %}
{% for %}
{{ 'x }}
{# never closed
{{ }}
{{ | }}
{{ a..b }}
{{ document. }}
{% elif %}
{% unknown %}
{{ ((((( }}
{{ 1 1 }}
"""


def made() -> list[str]:
    """Return the attacks that are too long to write down."""
    k = 1000
    many = "{% for a in lines %}"
    hundred = "[" + ",".join("0" for _ in range(100)) + "]"
    doubling = "{% set a = 'xxxxxxxxxxxxxxxx' %}"
    return [
        "{{ " + "(" * 5 * k + "1" + ")" * 5 * k + " }}",
        "{{ " + "[" * 5 * k + "]" * 5 * k + " }}",
        "{{ " + "{" * 5 * k + " }}",
        "{{ " + "not " * 10 * k + "1 }}",
        "{{ " + "-" * 20 * k + "1 }}",
        "{{ " + "+ " * 20 * k + "1 }}",
        "{{ 1" + " + 1" * 10 * k + " }}",
        "{{ 1" + " * 9" * 10 * k + " }}",
        "{{ 'a'" + " ~ 'a'" * 6 * k + " }}",
        "{{ 1" + " ** 9" * 5 * k + " }}",
        "{{ 1" + " < 9" * 9 * k + " }}",
        "{{ 1" + " and 1" * 9 * k + " }}",
        "{{ 1" + " if 1 else 1" * 4 * k + " }}",
        "{{ document" + ".a" * 20 * k + " }}",
        "{{ document" + "['a']" * 10 * k + " }}",
        "{{ document" + "[0" * 5 * k + "]" * 5 * k + " }}",
        "{{ 'a'" + "|upper" * 9 * k + " }}",
        "{{ 'a'" + "|replace('a','aa')" * 3 * k + " }}",
        "{{ 'a'" + "|replace('a','aaaaaaaa')" * 30 + " }}",
        "{{ '" + "a" * 20 * k + "'|replace('a', '" + "b" * 20 * k + "') }}",
        "{{ [" + "1," * 20 * k + "]|join('x') }}",
        "{{ [" + "'a'," * 1 * k + "]|join('" + "x" * 50 * k + "') }}",
        "{% if 1 %}" * 3 * k + "{% endif %}" * 3 * k,
        "{% if 1 %}" * 90 + "{% endif %}" * 90,
        "{% if 1 %}" + "{% elif 1 %}" * 4 * k + "{% endif %}",
        "{% if 1 %}" + "{% elif 1 %}" * 300 + "{% endif %}",
        "{% with %}" * 2 * k + "{% endwith %}" * 2 * k,
        many * 21 + "x" + "{% endfor %}" * 21,
        many * 1 * k + "x" + "{% endfor %}" * 1 * k,
        f"{{% for a in {hundred} %}}" * 4 + "x" + "{% endfor %}" * 4,
        f"{{% for a in {hundred} %}}" * 4 + "{% if a == 1 %}{% endif %}" + "{% endfor %}" * 4,
        f"{{% for a in {hundred} %}}" * 4 + "{% set b = a %}" + "{% endfor %}" * 4,
        f"{{% for a in {hundred} %}}" * 4 + "{% endfor %}" * 4,
        f"{{% for a in {hundred} if a == 0 %}}" * 4 + "{% endfor %}" * 4,
        f"{{% for a in {hundred} %}}{{{{ loop.last }}}}" * 4 + "{% endfor %}" * 4,
        f"{{% for a in {hundred} %}}" * 3 + "y" * 50 * k + "{% endfor %}" * 3,
        f"{{% for a in {hundred} %}}" * 2 + "{{ document.note }}" * 200 + "{% endfor %}" * 2,
        f"{{% for a in {hundred} %}}" * 2 + "{% if 'zz' in document.note %}{% endif %}" * 50 + "{% endfor %}" * 2,
        f"{{% for a in {hundred} %}}" * 2
        + "{% if document.note == document.note ~ 'x' %}{% endif %}"
        + "{% endfor %}" * 2,
        f"{{% for a in {hundred} %}}" * 2 + "{% set x = document.note | upper %}" + "{% endfor %}" * 2,
        f"{{% for a in {hundred} %}}" * 2 + "{% set x = document.note | wrap(20) %}" + "{% endfor %}" * 2,
        f"{{% for a in {hundred} %}}" * 2 + "{% for row in document.note | rows %}{% endfor %}" + "{% endfor %}" * 2,
        f"{{% for a in {hundred} %}}" * 2 + "{% set x = document.note | title %}" + "{% endfor %}" * 2,
        f"{{% for a in {hundred} %}}" * 2 + "{% set x = document.note | left(200) %}" + "{% endfor %}" * 2,
        f"{{% for a in {hundred} %}}" * 2
        + "{% set x = 'https://' ~ document.note | replace(' ', '')| url %}"
        + "{% endfor %}" * 2,
        f"{{% for a in {hundred} %}}" * 2
        + "{% set x = 7 / 3 * a | round(12) | number | length %}" * 60
        + "{% endfor %}" * 2,
        doubling + "{% set a = a ~ a %}" * 60 + "{{ a }}",
        doubling + "{% set a = a + a %}" * 60 + "{{ a }}",
        doubling + "{% set a = [a, a] %}" * 60 + "{{ a }}",
        doubling + "{% set a = a|replace('x', 'xx') %}" * 60 + "{{ a }}",
        "{% set a = 9 %}" + "{% set a = a * a %}" * 60 + "{{ a }}",
        "{% set a = 9 %}" + "{% set a = a + a %}" * 90 + "{{ a }}",
        "{% set a = 9 %}" + "{% set a = a / 7 * 3 + 1 %}" * 2 * k + "{{ a }}",
        "".join(f"{{% set a{at} = document.note ~ document.note ~ '\U0001f600' %}}" for at in range(900)),
        "".join(f"{{% set a{at} = document.note | rows %}}" for at in range(1 * k)),
        "{{ document.note }}" * 2 * k,
        "{{ " + "9" * 4 * k + " }}",
        "{{ " + "9" * 60 * k + " }}",
        "{{ " + "1_" * 20 * k + "1 }}",
        "{{ 1" + "e1_" * 10 * k + " }}",
        "{{ '" + "\\'" * 30 * k + " }}",
        "{{ '\\ud800' }}" + "x" * 66 * k,
        "x" * 70 * k,
        "{#" * 20 * k,
        "{{" * 20 * k,
        "{%" * 20 * k,
        "{% raw %}" * 5 * k,
        " " * 60 * k + "{{",
        "{{ 'x' }}" * 6 * k,
        "\n" * 60 * k + "{% x %}",
        "{{ " + " " * 60 * k + " $ }}",
        "{{ x" + "x" * 50 * k + " }}",
        "{{ _" + "_" * 50 * k + " }}",
        "{{ 'x'|" + "y" * 50 * k + " }}",
        "null \x00 {{ document.subject }}",
        "half \ud800",
        "{{ '\x00' }}",
        "\x85{{ document.subject }}",
        "{{ document\u202e.subject }}",
        "{% set é = 1 %}{{ é }}",
        "{{ document.sub\u00adject }}",
    ]


def corpus() -> list[str]:
    """Return every attack, once."""
    written = [line for block in (CLIMBS, FORMATS, TOOLS, BOMBS) for line in block.strip().splitlines()]
    return list(dict.fromkeys([*written, *made()]))


def styles() -> list[tuple[str, str]]:
    """Return style rules that mean harm, or are only too many, each with a page."""
    page, long, deep = "<p class=x>y</p>", "<p class=x>y" * 5_000, "<div class=x>" * 3_000
    barred = [
        "@import 'https://t.example/x.css';",
        "p { background: url(https://t.example/x.png) }",
        "p { background: URL ( 'https://t.example' ) }",
        "p { background: u\\72l(https://t.example) }",
        "p { background: image-set('https://t.example' 1x) }",
        "p { width: expression(alert(1)) }",
        "p { x: javascript:alert(1) }",
        "</style><script>alert(1)</script>",
        "p { color: red } <!-- ",
        "p { color: red",
        "p } {",
        "p { content: '\x00' }",
        "p { content: '\ud800' }",
        "x" * 17_000,
        "{" * 8_000 + "}" * 8_000,
        "{}" * 8_000,
        "p{" * 5_000 + "}" * 5_000,
        "@media all{" * 1_000 + "}" * 1_000,
        ":not(" * 3_000 + "{}",
        "p " * 8_000 + "{a:b}",
        "* > " * 4_000 + "{a:b}",
        "p:nth-child(2n+1)" * 900 + "{a:b}",
        "[class*='x']" * 1_200 + "{a:b}",
    ]
    many = ["".join(f"p{{a{at}:b}}" for at in range(1_500)), "".join(f"*{{a{at}:b}}" for at in range(30))]
    many += [
        "".join(f"div div div div .x{{a{at}:b}}" for at in range(60)),
        "*{" + "a:b;" * 4_000 + "}",
        "p{a:'" + "b" * 16_000 + "'}",
    ]
    return [(css, page) for css in barred] + [(css, html) for css in many + barred[-5:] for html in (long, deep)]
