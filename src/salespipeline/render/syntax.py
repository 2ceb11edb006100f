"""Reading a template: which parts of the language there are, and what is refused before anything runs.

What is not in ``_KNOWN`` does not exist: no calls, macros, imports, slices or powers. What remains is rewritten so
that every loop, comparison and joining of texts is paid for while it runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.visitor import NodeTransformer

from salespipeline.errors import shown
from salespipeline.render.filters import FILTERS

__all__ = ["TESTS", "Flaw", "flaws", "names", "read"]

MOST_SOURCE = 64 * 1024
MOST_NODES = 5_000
MOST_DEPTH = 40
MOST_LOOPS = 4  # inside each other
TESTS = ("defined", "none", "undefined")
Flaw = tuple[int, str]  # line, what is wrong
_KNOWN = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Filter,
    nodes.Test, nodes.If, nodes.For, nodes.With, nodes.Assign, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not,
    nodes.Compare, nodes.Operand, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.Neg, nodes.Pos, nodes.Concat,
    nodes.List, nodes.Tuple, nodes.Keyword,
)  # fmt: skip
# What there is where the author need not be trusted: placeholders, and filters with plain arguments.
_PLAIN = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Filter,
    nodes.List, nodes.Tuple, nodes.Keyword,
)  # fmt: skip
_STATEMENTS = {"If": "{% if %}", "For": "{% for %}", "With": "{% with %}", "Assign": "{% set %}"}
_NAMES = {
    "Pow": "**",
    "Mod": "%",
    "FloorDiv": "//",
    "Call": "calls",
    "Slice": "slices",
    "Scope": "autoescape: HTML is escaped by itself, text never",
    "Dict": "mappings in braces",
}
_TOO_MUCH = "it is too long, or nested too deep; split it, or make it simpler"
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LONG_NUMBER = re.compile(r"[0-9][0-9_.e]{100}", re.IGNORECASE)
_UNQUOTED = re.compile(r"[\w-]=\s*\Z")
_LINKED = re.compile(r"(?:href|src|action|formaction|background|poster)\s*=\s*[\"']\s*\Z", re.IGNORECASE)
_ACTIVE = re.compile(r"<\s*(?:script|iframe|object|embed|form|base)\b|<[^<>]*\son[a-z]+\s*=", re.IGNORECASE)


def read(environment: Environment, source: str, *, html: bool, full: bool) -> nodes.Template:
    """Return *source* as a tree that may run, or raise ``TemplateSyntaxError`` naming the line of its first flaw."""
    tree = _parsed(environment, source)
    for line, message in _flaws(tree, html=html, full=full):
        raise TemplateSyntaxError(message, line)
    return cast("nodes.Template", _Metered().visit(tree))


def flaws(environment: Environment, source: str, sample: Mapping[str, Any], *, html: bool, full: bool) -> list[Flaw]:
    """Return everything that is wrong with *source*: what is not in our language, and names that *sample* does not hold."""
    try:
        tree = _parsed(environment, source)
    except TemplateSyntaxError as error:
        return [(error.lineno, error.message or "")]
    found = set(_flaws(tree, html=html, full=full))
    if _TOO_MUCH not in {message for _, message in found}:  # of a tree that may be as deep as that, no more is asked
        flawed = {line for line, _ in found}
        found |= {flaw for flaw in names(tree, sample) if flaw[0] not in flawed}
    return sorted(found)


def _parsed(environment: Environment, source: str) -> nodes.Template:
    if len(source) > MOST_SOURCE:
        raise TemplateSyntaxError(f"a template has at most {MOST_SOURCE:,} characters, this one {len(source):,}", 1)
    if found := _CONTROL.search(source):
        line = source.count("\n", 0, found.start()) + 1
        raise TemplateSyntaxError(f"{found[0]!a} is a control character; take it out", line)
    try:
        return environment.parse(source)
    except (RecursionError, MemoryError):
        raise TemplateSyntaxError("it is nested too deep", 1) from None
    except (ValueError, OverflowError):
        found = _LONG_NUMBER.search(source)
        line = source.count("\n", 0, found.start()) + 1 if found else 1
        raise TemplateSyntaxError("a number has at most 18 digits", line) from None


def _flaws(tree: nodes.Template, *, html: bool, full: bool) -> Iterator[Flaw]:
    for line, message in _foreign(tree, full=full):
        yield line, message
        if message == _TOO_MUCH:
            return  # nobody else may walk through it
    if html:
        yield from _unsafe(tree)


def _foreign(tree: nodes.Node, *, full: bool) -> Iterator[Flaw]:
    """Yield what is not in our language. No recursion: the tree may be as deep as its author is evil."""
    waiting, count = [(tree, 0, 0, 1, False)], 0
    while waiting:
        node, depth, loops, line, said = waiting.pop()
        line = node.lineno or line  # a few have none: they stand where what is around them stands
        count += 1
        if count > MOST_NODES or depth > MOST_DEPTH or loops > MOST_LOOPS:
            yield line, _TOO_MUCH
            return
        message = "" if said else _wrong(node) or ("" if full or isinstance(node, _PLAIN) else _too_much(node))
        if message:
            yield line, message
            said = True  # of what is in it, no more than how deep it goes
        loops += isinstance(node, nodes.For)
        for at, child in enumerate(node.iter_child_nodes()):
            # An elif is one level deeper than the one before it, as it is in Python.
            waiting.append((child, depth + 1 + (at // 4 if isinstance(node, nodes.If) else 0), loops, line, said))


def _too_much(node: nodes.Node) -> str:
    name = type(node).__name__
    what = _STATEMENTS.get(name) or "calculations and conditions"
    return f"{what} are for full templates, of authors who are trusted; here are placeholders and filters only"


def _wrong(node: nodes.Node) -> str:
    name = type(node).__name__
    if type(node) not in _KNOWN:
        return f"templates have no {_NAMES.get(name) or name.lower()}"
    if isinstance(node, nodes.Filter):
        if node.node is None or node.name not in FILTERS:
            return f"there is no filter {shown(node.name, 40)}; there are {', '.join(sorted(FILTERS))}"
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            return "a filter takes its arguments one by one"
    if isinstance(node, nodes.Test) and (node.name not in TESTS or node.args):
        return f"there is no test {shown(node.name, 40)}; there are {', '.join(TESTS)}"
    if isinstance(node, nodes.For) and (node.recursive or not isinstance(node.target, nodes.Name)):
        return "a loop goes over one name, and not into itself"
    if isinstance(node, nodes.Assign) and not isinstance(node.target, nodes.Name):
        return "set gives a value to one name"
    if isinstance(node, nodes.List | nodes.Tuple) and not all(isinstance(one, nodes.Const) for one in node.items):
        return "a list in a template holds plain texts and numbers"
    if isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Const):
        return "between [ and ] stands a plain text or number"
    if isinstance(node, nodes.Const) and isinstance(node.value, int | float) and not abs(node.value) < 10**18:
        return "a number has at most 18 digits"
    reached = node.attr if isinstance(node, nodes.Getattr) else node.name if isinstance(node, nodes.Name) else ""
    if reached.startswith("_") or not reached.isascii():
        return f"there is no {shown(reached, 40)}; names begin with a plain letter"
    return ""


def _unsafe(tree: nodes.Template) -> Iterator[Flaw]:
    """Yield where HTML would let a record's data act, or what a mail program would not run anyway."""
    for data in tree.find_all(nodes.TemplateData):
        if found := _ACTIVE.search(data.data):
            yield data.lineno + data.data.count("\n", 0, found.start()), f"a mail cannot hold {shown(found[0], 40)}"
    before, inside = "", False  # what stands before a placeholder, and whether that is within a tag
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            if isinstance(node, nodes.TemplateData):
                before = node.data
                inside = before.rfind("<") > before.rfind(">") or (inside and ">" not in before)
                continue
            if inside and _UNQUOTED.search(before):
                yield node.lineno, 'the value of an attribute stands in quotes: title="{{ … }}"'
            if inside and _LINKED.search(before) and not (isinstance(node, nodes.Filter) and node.name == "url"):
                yield node.lineno, 'a link is made with url: href="{{ … | url }}"'
            before = ""


class _Metered(NodeTransformer):
    """Makes what can be repeated or grow pass through a filter that counts. Names in parentheses are ours alone."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - Jinja's name
        self.generic_visit(node)
        repeated = node.body if node.test is None else [*node.body, node.test]
        weight = 1 + sum(1 for one in repeated for _ in one.find_all(nodes.Node))
        node.iter = _through("(each)", cast("nodes.Expr", node.iter), nodes.Const(weight))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 - Jinja's name
        self.generic_visit(node)
        return _through("(joined)", nodes.List(node.nodes, lineno=node.lineno))

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:  # noqa: N802 - Jinja's name
        self.generic_visit(node)
        node.expr = _through("(compared)", node.expr)
        for operand in node.ops:
            operand.expr = _through("(compared)", operand.expr)
        return node


def _through(name: str, node: nodes.Expr, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno, environment=node.environment)


# --- names ------------------------------------------------------------------------------------------------

_UNKNOWN = object()  # a value that an expression makes: nothing is said of it
_LOOP = {"index": 1, "index0": 0, "first": True, "last": True, "length": 1}


def names(tree: nodes.Template, sample: Mapping[str, Any]) -> list[Flaw]:
    """Return every name that *sample*, the data that a template gets, does not hold."""
    found: list[Flaw] = []
    _body(tree.body, dict(sample), found)
    return sorted(found)


def _body(body: list[Any], scope: dict[str, Any], found: list[Flaw]) -> None:
    for node in body:
        if isinstance(node, nodes.For):
            every = _value(node.iter, scope, found)
            one = every[0] if isinstance(every, list | tuple) and every else _UNKNOWN
            inner = {**scope, **dict.fromkeys(_targets(node.target), one), "loop": _LOOP}
            if node.test is not None:
                _value(node.test, inner, found)
            _body(node.body, inner, found)
            _body(node.else_, dict(scope), found)
        elif isinstance(node, nodes.If):
            _value(node.test, scope, found)
            _body([*node.body, *node.elif_, *node.else_], scope, found)
        elif isinstance(node, nodes.With):
            values = [_value(one, scope, found) for one in node.values]
            targets = [name for one in node.targets for name in _targets(one)]
            _body(node.body, {**scope, **dict(zip(targets, values, strict=False))}, found)
        elif isinstance(node, nodes.Assign):
            scope.update(dict.fromkeys(_targets(node.target), _value(node.node, scope, found)))
        else:
            for child in node.iter_child_nodes():
                _value(child, scope, found)


def _targets(node: nodes.Node) -> list[str]:
    """Return the names that *node* gives values to: one, where it is as it should be."""
    return [one.name for one in (node, *node.find_all(nodes.Name)) if isinstance(one, nodes.Name)]


def _value(node: nodes.Node, scope: Mapping[str, Any], found: list[Flaw], *, asked: bool = False) -> Any:
    """Return what *node* is in the sample. *asked*: the template itself asks whether it is there."""
    if isinstance(node, nodes.Name):
        return _part(scope, node.name, node.lineno, found, asked, "there is no")
    if isinstance(node, nodes.Getattr | nodes.Getitem):
        whole = _value(node.node, scope, found, asked=asked)
        key = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
        if isinstance(whole, list | tuple) and isinstance(key, int):
            return whole[0] if whole else _UNKNOWN
        return _UNKNOWN if whole is _UNKNOWN else _part(whole, key, node.lineno, found, asked, "this has no part")
    lenient = isinstance(node, nodes.Test) or (isinstance(node, nodes.Filter) and node.name in ("default", "d"))
    same = isinstance(node, nodes.Filter) and node.name == "(each)"
    values = [
        _value(child, scope, found, asked=lenient and at == 0) for at, child in enumerate(node.iter_child_nodes())
    ]
    return values[0] if same else _UNKNOWN


def _part(whole: Any, key: Any, line: int, found: list[Flaw], asked: bool, complaint: str) -> Any:
    if isinstance(whole, Mapping) and key in whole:
        return whole[key]
    if not asked:
        known = f"; there are {', '.join(sorted(map(str, whole)))}" if isinstance(whole, Mapping) else ""
        found.append((line, f"{complaint} {shown(key, 40)}{known}"))
    return _UNKNOWN
