"""The closed query language that every store understands, and ``matches``, its meaning.

A query names one kind, a predicate over its index fields, an order and a limit. Values are ``int`` and
``str`` only; dates, money and enums were turned into those by the core. Logic is two-valued: a comparison
with a missing value is false, so its ``Not`` is true.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from salespipeline.entries import Field, Index, Kind, Scalar
from salespipeline.errors import Invalid, Problem, shown

__all__ = [
    "EVERYTHING",
    "All",
    "AnyOf",
    "Cmp",
    "Contains",
    "Count",
    "Group",
    "Has",
    "HasBetween",
    "Linked",
    "Max",
    "Measure",
    "Min",
    "Missing",
    "Not",
    "OneOf",
    "Predicate",
    "Prefix",
    "Query",
    "Sum",
    "Words",
    "check",
    "check_tally",
    "matches",
    "nodes",
    "starts_with",
]

Op: TypeAlias = Literal["=", "<", "<=", ">", ">="]
MOST_NODES = 200
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
LAST_CHARACTER = "\U0010ffff"


@attrs.frozen
class Cmp:
    """``field op value``; false where the field is missing."""

    field: str
    op: Op
    value: Scalar


@attrs.frozen
class OneOf:
    """The field, or the ``id``, has one of these values; false where it is missing or *values* is empty."""

    field: str
    values: Collection[Scalar]


@attrs.frozen
class Missing:
    """The field is absent; for a ``many`` field: it holds no value."""

    field: str


@attrs.frozen
class Has:
    """The ``many`` field holds this value."""

    field: str
    value: Scalar


@attrs.frozen
class HasBetween:
    """The ``many`` field holds a text that is *low* or comes after it, and comes before *high*."""

    field: str
    low: str
    high: str


@attrs.frozen
class Linked:
    """An entry of another *kind*, which *where* is true of, stands to this one: its *to* is this one's *field*.

    Either is ``id`` or a text field. *where* asks for single fields, and of no third kind.
    """

    field: str
    kind: str
    to: str
    where: Predicate


@attrs.frozen
class Contains:
    """The text field contains *needle*, code point by code point (the core folds both sides)."""

    field: str
    needle: str


@attrs.frozen
class Words:
    """The text field, one of the kind's *texts*, holds each of *words*, and a word that starts with each of *beginnings*."""

    field: str
    words: tuple[str, ...]
    beginnings: tuple[str, ...] = ()

    @property
    def pieces(self) -> tuple[str, ...]:
        """What the text must contain."""
        return (*[f" {word} " for word in self.words], *[f" {start}" for start in self.beginnings])


@attrs.frozen
class All:
    """Every part is true; ``All(())`` is always true."""

    parts: tuple[Predicate, ...]


@attrs.frozen
class AnyOf:
    """At least one part is true; ``AnyOf(())`` is never true."""

    parts: tuple[Predicate, ...]


@attrs.frozen
class Not:
    """The part is false."""

    part: Predicate


Predicate: TypeAlias = Cmp | OneOf | Missing | Has | HasBetween | Contains | Words | Linked | All | AnyOf | Not
EVERYTHING = All(())


def matches(predicate: Predicate, index: Index, id: str | None = None) -> bool:
    """Say whether the entry *id* with this *index* satisfies *predicate*.

    This function is the definition; compilers are tested against it. What other kinds are asked is answered
    before: see ``BaseTransaction.settled``.

    >>> matches(Not(Cmp("value", ">", 5)), {})
    True
    """
    match predicate:
        case All(parts):
            return all(matches(part, index, id) for part in parts)
        case AnyOf(parts):
            return any(matches(part, index, id) for part in parts)
        case Not(part):
            return not matches(part, index, id)
        case Missing(field):
            return index.get(field, ()) == ()
        case Has(field, value):
            return value in index.get(field, ())  # type: ignore[operator]
        case HasBetween(field, low, high):
            return any(low <= held < high for held in index.get(field, ()))  # type: ignore[operator, union-attr]
        case OneOf("id", values):
            return id in values
        case OneOf(field, values):
            return field in index and index[field] in values
        case Contains(field, needle):
            return field in index and needle in index[field]  # type: ignore[operator]
        case Words(field):
            return field in index and all(piece in index[field] for piece in predicate.pieces)  # type: ignore[operator]
        case Cmp(field, op, value):
            return field in index and _COMPARE[op](index[field], value)
    raise AssertionError(predicate)


_COMPARE = {
    "=": lambda left, right: left == right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def starts_with(field: str, prefix: str) -> Predicate:
    """Return the predicate "the text field starts with *prefix*", as a range that an index can search.

    >>> matches(starts_with("reference", "quo/"), {"reference": "quo/7"})
    True
    """
    if not prefix:
        return Not(Missing(field))
    return All((Cmp(field, ">=", prefix), Cmp(field, "<", prefix + LAST_CHARACTER)))


@attrs.frozen(kw_only=True)
class Query:
    """Which entries of a kind, in which order, from where, how many.

    *order* names sortable fields; one direction for all of them; the id breaks ties in the same direction.
    *after* is the tuple of the sort values and the id of the last entry of the page before, so that a page
    is one row comparison and neither skips nor repeats while others insert. (SPEC OPP-10)
    """

    kind: str
    where: Predicate = EVERYTHING
    order: tuple[str, ...] = ()
    descending: bool = False
    after: tuple[Scalar, ...] | None = None
    limit: int | None = None


@attrs.frozen
class Prefix:
    """Group by the first *length* characters of a text field (7 of a date is its month, 4 its year)."""

    field: str
    length: int


@attrs.frozen
class Count:
    """How many entries."""


@attrs.frozen
class Sum:
    """The exact sum of an integer field, or of its product with another; missing values add nothing.

    The sum of nothing is 0. A sum that leaves the signed 64-bit range raises ``Overflow``.
    """

    field: str
    times: str | None = None


@attrs.frozen
class Min:
    """The least value of a field, ``None`` where every value is missing."""

    field: str


@attrs.frozen
class Max:
    """The greatest value of a field, ``None`` where every value is missing."""

    field: str


Group: TypeAlias = str | Prefix
Measure: TypeAlias = Count | Sum | Min | Max


def nodes(predicate: Predicate) -> Iterator[Predicate]:
    """Yield *predicate* and every predicate inside it, without recursion."""
    stack: list[Predicate] = [predicate]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, All | AnyOf):
            stack.extend(node.parts)
        elif isinstance(node, Not):
            stack.append(node.part)


def check(query: Query, kind: Kind, fields: Sequence[str] = (), *, kinds: Mapping[str, Kind] | None = None) -> None:
    """Refuse a query that names undeclared fields, has values of the wrong type, or is too large.

    The core calls this before a store sees the query, so that a store may trust it. *fields* are the columns
    asked for (``"id"`` is always allowed), *kinds* those that may be linked to. Raises ``Invalid`` with every problem.
    """
    problems: list[Problem] = []
    for count, node in enumerate(nodes(query.where), 1):
        if count > MOST_NODES:
            problems.append(Problem("where", "too-many", f"more than {MOST_NODES} conditions; ask for less"))
            break
        problems += _link_problems(node, kind, kinds or {}) if isinstance(node, Linked) else _node_problems(node, kind)
    for name in query.order:
        if name not in kind.by_name or not kind.field(name).sortable:
            problems.append(Problem("order", "unknown", f"{shown(name)} is not a sortable field of {kind.name}"))
    for name in fields:
        if name != "id" and (name not in kind.by_name or kind.field(name).many):
            problems.append(Problem("columns", "unknown", f"{shown(name)} is not a single field of {kind.name}"))
    if query.limit is not None and (type(query.limit) is not int or query.limit < 0):
        problems.append(Problem("limit", "range", f"a limit is 0 or more, not {shown(query.limit)}"))
    if query.after is not None and len(query.after) != len(query.order) + 1:
        problems.append(Problem("after", "length", "the cursor does not fit the order of this query"))
    if problems:
        raise Invalid(problems)


def check_tally(kind: Kind, by: Sequence[Group], measures: Sequence[Measure]) -> None:
    """Refuse a tally over undeclared or unfit fields. At most one ``many`` field may stand in *by*."""
    problems: list[Problem] = []
    many = 0
    for group in by:
        name = group.field if isinstance(group, Prefix) else group
        field = kind.by_name.get(name)
        if field is None:
            problems.append(Problem("by", "unknown", f"{shown(name)} is not a field of {kind.name}"))
            continue
        many += field.many
        if isinstance(group, Prefix) and (field.type is not str or field.many or group.length < 1):
            problems.append(Problem("by", "type", f"{name} has no prefix of {group.length} characters"))
    if many > 1:
        problems.append(Problem("by", "too-many", "only one field with many values can be grouped by"))
    for measure in measures:
        if isinstance(measure, Count):
            continue
        names = [measure.field]
        if isinstance(measure, Sum) and measure.times is not None:
            names.append(measure.times)
        for name in names:
            field = kind.by_name.get(name)
            if field is None or field.many or (isinstance(measure, Sum) and field.type is not int):
                problems.append(Problem("measures", "type", f"{shown(name)} cannot be measured like this"))
    if problems:
        raise Invalid(problems)


_ID = Field("id", str)
_WORD = re.compile(r"[^\x00-/:-@\[-`{-\x7f\s]+")


def _link_problems(link: Linked, kind: Kind, kinds: Mapping[str, Kind]) -> Iterator[Problem]:
    other = kinds.get(link.kind)
    if other is None:
        yield Problem(link.kind, "unknown", f"{kind.name} has no link to a kind {shown(link.kind)}")
        return
    for end, name in ((kind, link.field), (other, link.to)):
        field = _ID if name == "id" else end.by_name.get(name)
        if field is None or field.many or field.type is not str:
            yield Problem(name, "link", f"{shown(name)} of {end.name} links to nothing: it is the id, or one text")
    for count, node in enumerate(nodes(link.where), 1):
        if count > MOST_NODES or isinstance(node, Has | HasBetween | Linked):
            yield Problem(link.kind, "link", f"of a linked {other.name} only single fields can be asked, and few")
            return
        yield from _node_problems(node, other)


def _node_problems(node: Predicate, kind: Kind) -> Iterator[Problem]:
    if isinstance(node, All | AnyOf | Not | Linked):
        return
    field = _ID if node.field == "id" and isinstance(node, OneOf) else kind.by_name.get(node.field)
    if field is None:
        yield Problem(node.field, "unknown", f"{kind.name} has no field {shown(node.field)}")
        return
    if isinstance(node, Has | HasBetween) != field.many and not isinstance(node, Missing):
        yield Problem(node.field, "type", "Has is for fields with many values, everything else for single ones")
    values: tuple[object, ...] = ()
    match node:
        case Cmp(_, op, value):
            values = (value,)
            if op not in _COMPARE:
                yield Problem(node.field, "operator", f"no comparison {shown(op)}")
        case OneOf(_, several):
            values = tuple(several)
        case Has(_, held):
            values = (held,)
        case HasBetween(_, low, high):
            values = (low, high)
        case Words():
            values = (*node.words, *node.beginnings)
            yield from _word_problems(node, kind)
        case Contains(_, needle):
            values = (needle,)
            if field.type is not str:
                yield Problem(node.field, "type", "only text can contain something")
                return
    for given in values:
        if type(given) is not field.type:
            yield Problem(node.field, "type", f"{field.type.__name__} expected, not {shown(given)}")
        elif isinstance(given, int) and not INT_MIN <= given <= INT_MAX:
            yield Problem(node.field, "range", f"{shown(given)} does not fit 64 bits")


def _word_problems(asked: Words, kind: Kind) -> Iterator[Problem]:
    if asked.field not in kind.texts:
        yield Problem(asked.field, "type", f"{kind.name} holds no words in {shown(asked.field)}")
    for word in (*asked.words, *asked.beginnings):
        if isinstance(word, str) and not _WORD.fullmatch(word):
            yield Problem(
                asked.field, "word", f"{shown(word)} is no word: it may hold letters and digits, and no blank"
            )
