"""peewee on the mappers' tables, as its documentation teaches it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import peewee as pw
from _sample import LEAST, PAGE, STAGE, STATUS, Deal
from _tables import CHILDREN, COLUMNS, children, parent

DATABASE = pw.SqliteDatabase(None)


def _field(kind: str) -> pw.Field:
    return pw.TextField(null=True) if kind == "text" else pw.BigIntegerField(null=True)


def _model(name: str, fields: dict[str, Any], table: str) -> Any:
    meta = type("Meta", (), {"database": DATABASE, "table_name": table})
    return type(name, (pw.Model,), {**fields, "Meta": meta})


Opportunity = _model(
    "Opportunity",
    {"id": pw.TextField(primary_key=True)} | {name: _field(kind) for name, kind in COLUMNS[1:]},
    "orm_opportunity",
)
CHILD = {
    name: _model(
        name.title(),
        {
            "opportunity": pw.ForeignKeyField(Opportunity, backref=f"{name}s", column_name="opportunity_id"),
            **{one: _field(kind) for one, kind in fields},
        },
        f"orm_{name}",
    )
    for name, fields in CHILDREN.items()
}
Deals = Opportunity


class Peewee:
    """peewee."""

    name = "peewee"

    def __init__(self, path: Path) -> None:
        DATABASE.init(path, pragmas={"synchronous": "normal"})
        DATABASE.connect()

    def close(self) -> None:
        DATABASE.close()

    def _whole(self, asked: Any) -> list[Any]:
        return list(pw.prefetch(asked, *[cls.select() for cls in CHILD.values()]))

    def get(self, id: str) -> object:
        (found,) = self._whole(Deals.select().where(Deals.id == id))
        return found

    def page(self, skip: int = 0) -> list[str]:
        asked = Deals.select().where(Deals.stage == STAGE, Deals.status == STATUS, Deals.value >= LEAST)
        asked = asked.order_by(Deals.created.desc(), Deals.id.desc()).offset(skip).limit(PAGE)
        return [deal.id for deal in self._whole(asked)]

    def _grouped(self, keys: tuple[Any, ...], measures: tuple[Any, ...], *where: Any) -> list[tuple[Any, ...]]:
        asked = Deals.select(*keys, *measures).group_by(*keys).order_by(*keys)
        return list((asked.where(*where) if where else asked).tuples())

    def funnel(self) -> list[tuple[Any, ...]]:
        return self._grouped(
            (Deals.stage, Deals.currency), (pw.fn.COUNT(Deals.id), pw.fn.SUM(Deals.value)), Deals.status == STATUS
        )

    def conversion(self) -> list[tuple[Any, ...]]:
        measures = (pw.fn.COUNT(Deals.id), pw.fn.SUM(Deals.value))
        return self._grouped((Deals.stage, Deals.status, Deals.currency), measures, Deals.status.in_(("won", "lost")))

    def owners(self) -> list[tuple[Any, ...]]:
        measures = (pw.fn.COUNT(Deals.id), pw.fn.SUM(Deals.value), pw.fn.COALESCE(pw.fn.SUM(Deals.cycle), 0))
        return self._grouped((Deals.owner, Deals.status, Deals.currency), measures)

    def load(self) -> int:
        return len(self._whole(Deals.select()))

    def prefix(self, text: str) -> list[tuple[Any, ...]]:
        asked = (
            Deals.select(Deals.id, Deals.reference).where(Deals.reference.startswith(text)).order_by(Deals.reference)
        )
        return list(asked.tuples())

    def substring(self, text: str) -> list[tuple[Any, ...]]:
        asked = Deals.select(Deals.id, Deals.reference).where(Deals.reference.contains(text)).order_by(Deals.reference)
        return list(asked.tuples())

    def columns(self) -> list[tuple[Any, ...]]:
        return list(Deals.select(Deals.id, Deals.reference, Deals.value).where(Deals.stage == STAGE).tuples())

    def insert(self, deal: Deal) -> None:
        self.bulk([deal])

    def update(self, deal: Deal, value: int) -> None:
        with DATABASE.atomic("IMMEDIATE"):
            found = Deals.get_by_id(deal.entry.id)
            changes = {"value": value, "subject": f"changed {value}", "version": found.version + 1}
            assert Deals.update(changes).where(Deals.id == found.id, Deals.version == found.version).execute()

    def bulk(self, deals: Sequence[Deal]) -> None:
        beside = [children(deal) for deal in deals]
        with DATABASE.atomic("IMMEDIATE"):
            for batch in pw.chunked([parent(deal) for deal in deals], 500):
                Deals.insert_many(batch).execute()
            for name, cls in CHILD.items():
                for batch in pw.chunked([one for each in beside for one in each[name]], 500):
                    cls.insert_many(batch).execute()
