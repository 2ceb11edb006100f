"""What a list is asked, as data: to JSON and back, the same for ever. (SPEC OPP-10)

Entries of the settings stand in it by their ids, so that a stage that is renamed is still found; days, moments and amounts
stand as people write them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

import attrs

from salespipeline.domain.activity import Json
from salespipeline.domain.checks import Checks, aware
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.money import Money

__all__ = ["FORMAT", "Criteria", "as_data"]

FORMAT = 1
MOST = 100_000  # characters
_KEYS = {"format", "of", "where", "order"}
Pairs: TypeAlias = tuple[tuple[str, Json], ...]


@attrs.frozen(kw_only=True)
class Criteria:
    """Filters and an order as plain values: *of* which kind of record, *where* as (filter, value), *order* if one was asked.

    >>> asked = sales.opportunities.where(stage="Prospect", value__ge="1000 GBP").order("-value").criteria()
    >>> asked.where[1], asked.order, Criteria.read(asked.to_json()) == asked
    (('value__ge', '1000 GBP'), '-value', True)
    >>> Criteria.read('{"format": 2, "of": "opportunity", "where": [["stage"]], "sort": 1}')
    Traceback (most recent call last):
    salespipeline.errors.Invalid: format: these criteria are in format 2, and this program reads 1: upgrade salespipeline
    sort: criteria have no 'sort': there are 'format', 'of', 'order', 'where'
    where[0]: a filter is a pair such as ["stage", "Quoted"], not ['stage']
    """

    of: str
    where: Pairs = ()
    order: str | None = None

    def to_json(self) -> str:
        """Return them as JSON, the same text for the same criteria; ``read`` reads it."""
        facts: dict[str, Json] = {"format": FORMAT, "of": self.of, "order": self.order}
        facts["where"] = [[name, value] for name, value in self.where]
        return json.dumps(facts, ensure_ascii=False, sort_keys=True)

    @classmethod
    def read(cls, text: str) -> Criteria:
        """Return the criteria of a JSON text, or raise ``Invalid`` with every problem of its form.

        Whether there are such filters, and whether their values fit, is said by the list that is asked.
        """
        facts = _object(text)
        checks = Checks()
        number = facts.get("format")
        if type(number) is not int or number < 1:
            checks.add(
                "format", "format", f"the format of the criteria is a number such as {FORMAT}, not {shown(number)}"
            )
        elif number > FORMAT:
            message = f"these criteria are in format {number}, and this program reads {FORMAT}: upgrade salespipeline"
            checks.add("format", "newer", message)
        for name in sorted(facts.keys() - _KEYS):
            known = ", ".join(map(repr, sorted(_KEYS)))
            checks.add(name, "unknown", f"criteria have no {shown(name)}: there are {known}")
        of, order, where = facts.get("of"), facts.get("order"), facts.get("where", [])
        if not isinstance(of, str):
            checks.add("of", "type", f"the kind of record is needed, such as 'opportunity', not {shown(of)}")
        if order is not None and not isinstance(order, str):
            checks.add("order", "type", f"an order is text such as '-value', not {shown(order)}")
        if not isinstance(where, list):
            checks.add("where", "type", f"a list of filters is needed, not {shown(where)}")
            where = []
        pairs: list[tuple[str, Json]] = []
        for place, pair in enumerate(where):
            if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str):
                pairs.append((pair[0], pair[1]))
            else:
                message = f'a filter is a pair such as ["stage", "Quoted"], not {shown(pair)}'
                checks.add(f"where[{place}]", "type", message)
        checks.done(action="read criteria")
        return cls(of=str(of), where=tuple(pairs), order=order)

    def __str__(self) -> str:
        said = ", ".join(f"{name}={shown(value, 40)}" for name, value in self.where) or "(no filter)"
        return f"{self.of}: {said}" + (f", by {self.order}" if self.order else "")


def _object(text: object) -> dict[str, Any]:
    if not isinstance(text, str):
        raise Invalid(Problem("criteria", "type", f"the JSON of criteria is needed, not {shown(text)}"))
    if len(text) > MOST:
        raise Invalid(Problem("criteria", "long", f"{len(text):,} characters are too many, at most {MOST:,} are read"))
    try:
        facts = json.loads(text, parse_float=Decimal, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise Invalid(Problem("criteria", "json", f"this is not JSON: {error}")) from None
    if not isinstance(facts, dict):
        raise Invalid(Problem("criteria", "type", f"criteria are a JSON object, not {shown(facts)}"))
    return facts


def _constant(name: str) -> object:
    raise ValueError(f"{name} is no value")


def as_data(value: object, path: str) -> Json:
    """Return *value* as JSON can hold it, and as the filter takes it again; or raise ``Invalid``.

    >>> as_data([date(2026, 11, 24), Money(5, "GBP"), deal, Decimal("0.50")], "x") == ["2026-11-24", "5.00 GBP", deal.id, "0.50"]
    True
    """
    if isinstance(value, StrEnum):
        return str(value)
    if value is None or type(value) in (bool, int, str):
        return value  # type: ignore[return-value]
    if isinstance(value, datetime):
        return aware(value, path).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Money):
        return f"{value.amount} {value.currency}"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): as_data(one, f"{path}.{name}") for name, one in value.items()}
    if isinstance(id := getattr(value, "id", None), str):
        return id
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        several = [as_data(one, path) for one in value]
        return sorted(several, key=repr) if isinstance(value, set | frozenset) else several
    raise Invalid(Problem(path, "type", f"{shown(value)} cannot be kept in a saved filter"))
