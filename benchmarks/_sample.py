"""The opportunities that the benchmarks work on, and what they ask about them.

Each has 3 lines, 0 to 3 tags and 2 custom answers. The lines are those of one of a hundred, and the value that is indexed
is drawn, because checking and encoding a million records would take longer than all measurements; everything else
that is queried stands in the body as it does in the index.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from salespipeline.catalog import CATALOG, index_of, instant
from salespipeline.codec import encode
from salespipeline.domain.fields import Answer
from salespipeline.domain.lines import Line
from salespipeline.domain.opportunity import Opportunity, Status
from salespipeline.entries import Entry
from salespipeline.money import Currency

START = datetime(2024, 1, 1, tzinfo=UTC)
STAGES = [f"stage-{number}" for number in range(7)]
OWNERS = [f"user-{number:02}" for number in range(40)]
TAGS = [f"tag-{number:02}" for number in range(25)]
STATUSES = [Status.OPEN] * 5 + [Status.WON] * 2 + [Status.LOST] * 3
SUBJECTS = ["New warehouse", "Cold store", "Mezzanine", "Loading bay", "Conveyor"]
KIND = next(kind for kind in CATALOG.kinds if kind.name == "opportunity")
SINGLE = [field.name for field in KIND.fields if not field.many]
INTEGERS = {field.name for field in KIND.fields if field.type is int}
MANY = [field.name for field in KIND.fields if field.many]

# What is asked: the filter of a page, and how many pages on the eighth begins.
STAGE, STATUS, LEAST, PAGE, SKIPPED = STAGES[2], "open", 1_000_000, 50, 350


class Deal(NamedTuple):
    """One opportunity: as it is kept, and the record whose lines and answers it has."""

    entry: Entry
    model: Opportunity


def model(draw: random.Random, number: int) -> Opportunity:
    """Return one opportunity as the measurements have it."""
    lines = tuple(
        Line(
            f"Racking, bay {draw.randrange(99)}",
            quantity=draw.randrange(1, 50),
            unit_price=f"{draw.randrange(1, 900)}.50",
            tax="20",
        )
        for _ in range(3)
    )
    return Opportunity(
        id=f"model-{number}",
        reference=f"OPP/{number:07}",
        subject=draw.choice(SUBJECTS),
        contact_id=f"contact-{draw.randrange(900):04}",
        owner_id="user-00",
        currency=Currency("GBP"),
        lines=lines,
        stage_id="stage-0",
        probability_id=f"probability-{draw.randrange(4)}",
        tags=tuple(sorted(draw.sample(TAGS, draw.randrange(4)))),
        due=date(2026, 1, 1) + timedelta(days=draw.randrange(360)),
        note="Wants it before the summer.",
        answers=(Answer(key="site", value="Leeds"), Answer(key="bays", value=draw.randrange(99))),
        created_at=START,
        created_on=START.date(),
        created_by="user-00",
    )


@cache
def _models() -> list[tuple[Opportunity, list[str], dict]]:
    draw = random.Random(5)
    made = [model(draw, number) for number in range(100)]
    return [(one, _template(one), dict(index_of(one))) for one in made]


def _template(one: Opportunity) -> list[str]:
    """Return the body of *one* in pieces: between them come what differs, the end is left open."""
    pieces, rest = [], encode(one).body.removesuffix("}")
    for name, value in (
        ("reference", one.reference),
        ("stage_id", one.stage_id),
        ("owner_id", one.owner_id),
        ("created_at", instant(one.created_at)),
        ("created_on", one.created_on.isoformat()),
    ):
        head, tail = rest.split(f'"{name}":"{value}"')
        pieces.append(f'{head}"{name}":"')
        rest = f'"{tail}'
    return [*pieces, rest]


def deals(count: int, *, first: int = 0, seed: int = 7) -> Iterator[Deal]:
    """Yield *count* opportunities, in the order of their ids, which begin with the number *first*."""
    draw = random.Random(seed + first)
    models = _models()
    for number in range(first, first + count):
        place = draw.randrange(len(models))
        one, template, common = models[place]
        moment = START + timedelta(seconds=41 * number + draw.randrange(40))
        created, day, status = instant(moment), moment.date().isoformat(), draw.choice(STATUSES)
        owner, stage, reference = draw.choice(OWNERS), draw.choice(STAGES), f"OPP/{number:07}"
        index = common | {
            "reference": reference.casefold(),
            "text": f"{reference.casefold()} {common['text'].partition(' ')[2]}",
            "owner": owner,
            "stage": stage,
            "status": status.value,
            "value": draw.randrange(1_000, 9_000_000),
            "created": created,
            "created_on": day,
        }
        closed = ""
        if status is not Status.OPEN:
            index |= {"closed_sort": created, "closed_on": day, "cycle": 0}
            closed = f',"status":"{status.value}","closed_at":"{created}","closed_on":"{day}"'
        body = (
            f"{template[0]}{reference}{template[1]}{stage}{template[2]}{owner}{template[3]}{created}{template[4]}{day}"
        )
        body += f"{template[5]}{closed}}}"
        yield Deal(Entry("opportunity", f"{number:08}-0000-7000-8000-{place:012}", 0, index, body), one)
