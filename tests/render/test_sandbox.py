"""Templates that mean harm are stopped with a typed error, in a second, in 200 MB; what a record holds never acts."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from jinja2.exceptions import SecurityError, UndefinedError

import salespipeline as sp
from salespipeline.errors import TemplateError
from salespipeline.render.bodies import MailTemplate, render_bodies
from salespipeline.render.filters import FILTERS, Run
from salespipeline.render.sandbox import _environment

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from hostile import corpus, styles  # noqa: E402 - the worker, which is no package, takes it from the same place

BATCHES = 3


def html_of(source: str, **data: object) -> str:
    html = render_bodies(MailTemplate("t", "s", "", source, full=True), data).html
    assert html is not None
    return html


def text_of(source: str, **data: object) -> str:
    return render_bodies(MailTemplate("t", "s", source, full=True), data).text


def test_the_corpus_is_large_enough():
    assert len(corpus()) >= 300


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are asked for as Unix has them")
@pytest.mark.parametrize("first", range(BATCHES))
def test_every_attack_is_stopped_in_time(first):
    done = subprocess.run(
        [sys.executable, str(HERE / "attacked.py"), str(first), str(BATCHES)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    sources = corpus()
    bad = [
        (((sources[at][:80], sources[at][-60:]) if how != "style" else styles()[at][0][:80]), how, what)
        for at, how, what in rows
        if what != "stopped"
    ]
    assert bad == []
    assert len(rows) == 4 * len(sources[first::BATCHES]) + len(styles()[first::BATCHES]), (
        f"it died after {rows[-1:]}: {done.stderr[-500:]}"
    )


class Secretive:
    """An object with a secret, which no template may show, call or ask."""

    dsn = "postgresql://canary"

    def __repr__(self) -> str:
        return "canary"

    __str__ = __html__ = __call__ = __repr__

    def __len__(self) -> int:
        raise AssertionError("asked")

    def __eq__(self, _other: object) -> bool:
        raise AssertionError("compared")

    __hash__ = None
    __getitem__ = __iter__ = __add__ = __radd__ = __mul__ = __float__ = __int__ = __eq__


ASKED = ["{{ it }}", "{{ it.dsn }}", "{{ it['dsn'] }}", "{{ it() }}", "{{ it ~ '' }}", "{{ it + 1 }}", "{{ 1 * it }}",
         "{{ -it }}", "{% if it == 1 %}{% endif %}", "{% if 1 in it %}{% endif %}", "{% for x in it %}{% endfor %}",
         "{{ [1] | join(it) }}", *(f"{{{{ it | {name} }}}}" for name in sorted(FILTERS))]  # fmt: skip


@pytest.mark.parametrize("source", ASKED)
@pytest.mark.parametrize("html", [False, True])
def test_an_object_among_the_data_stays_closed(source, html):
    with pytest.raises(TemplateError) as caught:
        (html_of if html else text_of)(source, it=Secretive())
    assert "canary" not in str(caught.value)
    assert "canary" not in repr(caught.value.__dict__)


@pytest.mark.parametrize("name", sorted(sp.__all__))
def test_nothing_public_can_be_reached_from_a_template_even_when_it_is_handed_over(name):
    thing = getattr(sp, name)
    if isinstance(thing, str | int | float | Decimal | date | dict | list | tuple):
        return
    for source in (
        "{{ it }}",
        "{{ it.__init__.__globals__ }}",
        "{{ it.mro() }}",
        "{{ it.format('{0.__class__}', it) }}",
        "{{ it.value }}",
        "{{ it | upper }}",
    ):
        with pytest.raises(TemplateError):
            text_of(source, it=thing)


@pytest.mark.parametrize(
    "source",
    ["{{ f() }}", "{{ f.__globals__ }}", "{{ ''.__class__ }}", "{{ [].append }}", "{{ 'x'.format }}", "{{ range }}"],
)
def test_the_second_wall_holds_without_the_first(source):
    """The sandbox alone, given what the reading of templates would have refused."""
    template = _environment(False).from_string(source)
    with pytest.raises((SecurityError, UndefinedError)):
        template.render({"(run)": Run("en", ""), "f": lambda: "called"})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("\n{% for a in rows %}\n" + "x" * 11_000 + "{% endfor %}", "in line 2: the result is longer than 1,048,576"),
        ("{{ rows | join(long) }}", "in line 1: a text would be longer than 262,144 characters"),
        ("{{ long | replace('x', long) }}", "in line 1: a text would be longer than 262,144 characters"),
        ("{% set a = long ~ long %}\n{% set b = a ~ a ~ a %}", "in line 2: a text would be longer than 262,144"),
        ("{% for a in rows %}{% for b in rows %}{% for c in rows %}\n{% endfor %}{% endfor %}{% endfor %}",
         "in line 1: it does too much: fewer loops, or shorter texts, are needed"),
    ],
)  # fmt: skip
def test_each_limit_names_itself_and_its_line(source, message):
    with pytest.raises(TemplateError) as caught:
        text_of(source, rows=["row"] * 100, long="x" * 50_000)
    assert message in str(caught.value)


def test_errors_name_the_line_and_never_a_value():
    with pytest.raises(TemplateError) as caught:
        text_of("one\ntwo\n{{ secret | money }}", secret="canary")
    assert str(caught.value) == (
        "the text of template 't' cannot be filled in line 3: money takes an amount, such as document.total"
    )
    assert (caught.value.template, caught.value.line) == ("t", 3)
    with pytest.raises(TemplateError) as caught:
        text_of("{{ 1 / zero }}", zero=0)
    assert "in line 1: a filter or a calculation was given something that it cannot take (DivisionByZero)" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x\n{{ f() }}", "in line 2: templates have no calls"),
        ("{{ 2 ** 3 }}", "in line 1: templates have no **"),
        ("x\n\n{% macro m() %}{% endmacro %}", "in line 3: templates have no macro"),
        ("{{ a | nonsense }}", "in line 1: there is no filter 'nonsense'; there are capitalize, d, date,"),
        ("{{ a is even }}", "in line 1: there is no test 'even'; there are defined, none, undefined"),
        ("{{ a.b }}", "in line 1: there is no 'b' in this"),
        ("\n{{ c }}", "in line 2: 'c' is undefined"),
        ("{{ none }}", "in line 1: there is no value to show here; ask for it first with {% if … %}"),
        ("{{ a }}", "in line 1: this has parts; name the one to show"),
        ("x" * 70_000, "in line 1: a template has at most 65,536 characters, this one 70,000"),
        ("x\n\x00", "in line 2: '\\x00' is a control character; take it out"),
    ],
)
def test_a_refusal_says_what_there_is_instead(source, message):
    with pytest.raises(TemplateError) as caught:
        text_of(source, a={"x": "1"})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("<a title={{ x }}>", "stands in quotes"),
        ("<a title='1' lang={{ x }}>", "stands in quotes"),
        ('<a title="{{ x }}" lang={{ x }}>', "stands in quotes"),
        ('<a href="{{ x }}">', "made with url"),
        ("<img alt='a' src = '{{ x }}'>", "made with url"),
        ("<script>", "cannot hold '<script'"),
        ("<p\nonclick='x'>", "cannot hold"),
        ("<iframe src='x'>", "cannot hold '<iframe'"),
    ],
)
def test_html_in_which_a_record_could_act_is_refused(source, message):
    with pytest.raises(TemplateError, match=message):
        html_of(source, x="x")


@pytest.mark.parametrize(
    "source",
    ["<p>once = {{ x }}</p>", "a={{ x }}", "<p>x={{ x }}</p>", '<a title="{{ x }}">', "<p>1 < 2 > 1 onx=1", "(" * 300],
)
def test_harmless_html_is_let_through(source):
    assert html_of(source, x="1") == source.replace("{{ x }}", "1")


def test_what_templates_can_do():
    data = {
        "rows": [{"n": 1, "who": "Ann"}, {"n": 2, "who": "Bob"}],
        "sum": {"amount": Decimal("1234.50"), "currency": "EUR"},
        "day": date(2026, 11, 2),
        "locale": "de_DE",
    }
    shown = {
        "{% for r in rows %}{{ loop.index }}/{{ loop.length }} {{ r.who }}{% if not loop.last %}; {% endif %}{% endfor %}":
            "1/2 Ann; 2/2 Bob",
        "{% for r in rows if r.n > 1 %}{{ r.who }}{% else %}nobody{% endfor %}": "Bob",
        "{% set x = 2 %}{% with y = x + 1 %}{{ y * 1.5 - 0.25 }}{% endwith %}": "4,25",
        "{{ sum }} {{ sum.amount / 3 | round(2) }} {{ day }} {{ day | date('en_GB', 'short') }}":
            "1.234,50\u00a0€ 411,5 2. November 2026 02/11/2026",
        "{{ rows[1].who | upper ~ '!' }}{{ 'a' in ['a', 'b'] and 1 or 2 }}": "BOB!1",
        "{{ x | default('none given') }}{{ ' yes' if x is undefined else '' }}": "none given yes",
        "{{ 'ab' | left(4) }}|{{ 'ab' | right(4) }}|{{ 'toolong' | left(3) }}|": "ab  |  ab|toolong |",
        "{{ 'total' | label }}, {{ 'anna-lena o’neil' | title }}": "Gesamtbetrag, Anna-lena O’neil",
    }  # fmt: skip
    assert [text_of(source, **data) for source in shown] == list(shown.values())


def test_a_moment_is_shown_as_its_day():
    assert text_of("{{ at }}", at=datetime(2026, 11, 2, 9, tzinfo=UTC), locale="en_GB") == "2 November 2026"
