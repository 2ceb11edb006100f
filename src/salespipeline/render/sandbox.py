"""Where templates run: Jinja's immutable sandbox, without attributes, calls and globals, and with a budget.

Three walls, each of which would do: only a known part of the language is read (``syntax``), only keys of
mappings can be reached and nothing can be called, and everything that repeats or grows is paid for (``filters``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from salespipeline.errors import shown
from salespipeline.money import ROUNDING
from salespipeline.render.filters import FILTERS, Run, Wrong, exact, joined, shown_as_text
from salespipeline.render.syntax import TESTS, Flaw, flaws, read

__all__ = ["fill", "flaws_of"]

MOST_OUTPUT = 1024 * 1024
_RUN = "(run)"  # no template can write this name
_OPERATORS: dict[str, Callable[..., Any]] = {
    "+": ROUNDING.add,
    "-": ROUNDING.subtract,
    "*": ROUNDING.multiply,
    "/": ROUNDING.divide,
}


def _run(context: Context) -> Run:
    return context.parent[_RUN]  # type: ignore[no-any-return]  # we put it there


def _paid(work: Callable[..., Any]) -> Callable[..., Any]:
    """Return *work* as a filter that pays for what it is given and what it makes."""
    lenient = work is FILTERS["default"]  # what is not there at all may be given to it

    @pass_context
    def paid(context: Context, value: Any, *arguments: Any, **named: Any) -> Any:
        run = _run(context)
        if not lenient:
            run.sized(value)
        for one in (*arguments, *named.values()):
            run.sized(one)
        return run.sized(work(run, value, *arguments, **named))

    return paid


@pass_context
def _each(context: Context, value: Any, weight: int) -> Iterator[Any]:
    run = _run(context)
    run.sized(value)
    if not isinstance(value, list | tuple):
        raise Wrong("a loop goes over a list")

    def pay() -> Iterator[Any]:
        for one in value:
            run.spend(weight)
            yield one

    return pay()


@pass_context
def _compared(context: Context, value: Any) -> Any:
    _run(context).sized(value)
    if isinstance(value, Mapping) or (isinstance(value, list | tuple) and any(isinstance(x, Mapping) for x in value)):
        raise Wrong("compare one of its parts, such as document.total.amount")
    return value


@pass_context
def _shown(context: Context, value: Any) -> str:
    return shown_as_text(_run(context), value)


class _Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox without attributes, calls and heavy arithmetic."""

    intercepted_binops = frozenset(_OPERATORS)

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(
            autoescape=autoescape,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            finalize=_shown,
            optimized=False,
        )
        self.globals.clear()
        self.filters = {name: _paid(work) for name, work in FILTERS.items()}
        self.filters |= {"(each)": _each, "(joined)": _paid(joined), "(compared)": _compared}
        self.tests = {name: run for name, run in self.tests.items() if name in TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Reach the keys of mappings, and where a loop stands."""
        if isinstance(obj, LoopContext):
            if attribute in ("index", "index0", "first", "last", "length"):
                return getattr(obj, attribute)
            return self.undefined(hint=f"a loop has no {shown(attribute, 40)}", name=attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Reach an item of a mapping or a list."""
        if isinstance(obj, Mapping) and argument in obj:
            return obj[argument]
        if isinstance(obj, list | tuple) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self.undefined(hint=f"there is no {shown(argument, 40)} in this", name=str(argument))

    def call(self, *_args: Any, **_kwargs: Any) -> Any:
        """Refuse: templates call nothing."""
        raise SecurityError("templates cannot call anything")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Reckon with decimals, exactly as money is, or put two texts together."""
        run = _run(context)
        run.spend(1)
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return joined(run, [left, right])
        return _OPERATORS[operator](exact(left), exact(right))


@lru_cache(maxsize=2)
def _environment(html: bool) -> _Sandbox:
    return _Sandbox(autoescape=html)


def flaws_of(source: str, sample: Mapping[str, Any], *, html: bool, full: bool) -> list[Flaw]:
    """Return everything that is wrong with *source*, with its line, before it is filled."""
    return flaws(_environment(html), source, sample, html=html, full=full)


@lru_cache(maxsize=128)
def _compiled(source: str, html: bool, full: bool) -> Template:
    environment = _environment(html)
    return environment.from_string(read(environment, source, html=html, full=full))


def fill(source: str, data: Mapping[str, Any], *, html: bool, full: bool = True) -> str:
    """Return *source* filled with *data*; raises what Jinja and the filters raise."""
    document = data.get("document")
    kind = document.get("type", "") if isinstance(document, Mapping) else ""
    run = Run(str(data.get("locale", "en")), str(kind))
    template = _compiled(source, html, full)
    pieces, size = [], 0
    working: Any = template.generate({**data, _RUN: run})
    for piece in working:
        size += len(piece)
        if size > MOST_OUTPUT:
            error = Wrong(f"the result is longer than {MOST_OUTPUT:,} characters")
            # The inner generator is the template's own code, and stands where the last piece came from.
            error.lineno = template.get_corresponding_lineno(working.gi_yieldfrom.gi_frame.f_lineno)
            raise error
        pieces.append(piece)
    return "".join(pieces)
