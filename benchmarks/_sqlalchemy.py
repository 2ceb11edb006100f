"""SQLAlchemy on the mappers' tables: its ORM as its manual teaches it, and its core for what is done in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from _sample import LEAST, PAGE, STAGE, STATUS, Deal
from _tables import CHILDREN, COLUMNS, children, columns_of, parent
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    """The registry of the classes below."""


class Opportunity(Base):
    """An opportunity; the version is checked and counted by the mapper."""

    __tablename__ = "orm_opportunity"
    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(sa.Integer)
    lines: Mapped[list[Line]] = relationship()
    tags: Mapped[list[Tag]] = relationship()
    answers: Mapped[list[Answer]] = relationship()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


for _name, _kind in COLUMNS[2:]:
    setattr(Opportunity, _name, mapped_column(_name, sa.Text if _kind == "text" else sa.BigInteger))


class _Child:
    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    opportunity_id: Mapped[str] = mapped_column(sa.ForeignKey("orm_opportunity.id"))


class Line(_Child, Base):
    """A line."""

    __tablename__ = "orm_line"
    description: Mapped[str]
    quantity: Mapped[str]
    unit_price: Mapped[str]
    tax: Mapped[str]


class Tag(_Child, Base):
    """A tag."""

    __tablename__ = "orm_tag"
    name: Mapped[str]


class Answer(_Child, Base):
    """A custom answer."""

    __tablename__ = "orm_answer"
    name: Mapped[str]
    value: Mapped[str]


WHOLE = (selectinload(Opportunity.lines), selectinload(Opportunity.tags), selectinload(Opportunity.answers))
Deals: Any = Opportunity


class SqlalchemyOrm:
    """A session for each unit of work."""

    name = "SQLAlchemy ORM"

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url)
        if self.engine.dialect.name == "sqlite":

            @sa.event.listens_for(self.engine, "connect")
            def _(connection: Any, _record: object) -> None:
                connection.execute("PRAGMA synchronous = NORMAL")

    def close(self) -> None:
        self.engine.dispose()

    def get(self, id: str) -> object:
        with Session(self.engine) as session:
            return session.get_one(Opportunity, id, options=WHOLE)

    def page(self, skip: int = 0) -> list[str]:
        asked = (
            sa.select(Opportunity)
            .where(Deals.stage == STAGE, Deals.status == STATUS, Deals.value >= LEAST)
            .order_by(Deals.created.desc(), Deals.id.desc())
            .offset(skip)
            .limit(PAGE)
            .options(*WHOLE)
        )
        with Session(self.engine) as session:
            return [deal.id for deal in session.scalars(asked)]

    def _rows(self, asked: Any) -> list[tuple[Any, ...]]:
        with Session(self.engine) as session:
            return [tuple(row) for row in session.execute(asked)]

    def funnel(self) -> list[tuple[Any, ...]]:
        keys = (Deals.stage, Deals.currency)
        measures = (sa.func.count(), sa.func.sum(Deals.value))
        return self._rows(sa.select(*keys, *measures).where(Deals.status == STATUS).group_by(*keys).order_by(*keys))

    def conversion(self) -> list[tuple[Any, ...]]:
        keys = (Deals.stage, Deals.status, Deals.currency)
        measures = (sa.func.count(), sa.func.sum(Deals.value))
        closed = Deals.status.in_(("won", "lost"))
        return self._rows(sa.select(*keys, *measures).where(closed).group_by(*keys).order_by(*keys))

    def owners(self) -> list[tuple[Any, ...]]:
        keys = (Deals.owner, Deals.status, Deals.currency)
        measures = (sa.func.count(), sa.func.sum(Deals.value), sa.func.coalesce(sa.func.sum(Deals.cycle), 0))
        return self._rows(sa.select(*keys, *measures).group_by(*keys).order_by(*keys))

    def load(self) -> int:
        with Session(self.engine) as session:
            return len(session.scalars(sa.select(Opportunity).options(*WHOLE)).all())

    def prefix(self, text: str) -> list[tuple[Any, ...]]:
        found = sa.select(Deals.id, Deals.reference).where(Deals.reference.startswith(text)).order_by(Deals.reference)
        return self._rows(found)

    def substring(self, text: str) -> list[tuple[Any, ...]]:
        return self._rows(
            sa.select(Deals.id, Deals.reference).where(Deals.reference.contains(text)).order_by(Deals.reference)
        )

    def columns(self) -> list[tuple[Any, ...]]:
        return self._rows(sa.select(Deals.id, Deals.reference, Deals.value).where(Deals.stage == STAGE))

    def insert(self, deal: Deal) -> None:
        with Session(self.engine) as session:
            session.add(_made(deal))
            session.commit()

    def update(self, deal: Deal, value: int) -> None:
        with Session(self.engine) as session:
            found: Any = session.get_one(Opportunity, deal.entry.id)
            found.value, found.subject = value, f"changed {value}"
            session.commit()

    def bulk(self, deals: Sequence[Deal]) -> None:
        with Session(self.engine) as session:
            session.add_all([_made(deal) for deal in deals])
            session.commit()


class SqlalchemyCore(SqlalchemyOrm):
    """Statements and rows without a session, where there is no need of one."""

    name = "SQLAlchemy core"
    get = page = load = insert = update = prefix = substring = None  # type: ignore[assignment]

    def _rows(self, asked: Any) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(asked)]

    def bulk(self, deals: Sequence[Deal]) -> None:
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in CHILDREN}
        for deal in deals:
            for name, several in children(deal).items():
                found[name] += several
        with self.engine.begin() as connection:
            connection.execute(sa.insert(Opportunity.__table__), [parent(deal) for deal in deals])
            for name, several in found.items():
                table = Base.metadata.tables[f"orm_{name}"]
                connection.execute(
                    sa.insert(table).values({one: sa.bindparam(one) for one in columns_of(name)}), several
                )


def _made(deal: Deal) -> Opportunity:
    beside = children(deal)
    return Opportunity(
        **{name: value for name, value in parent(deal).items() if name != "version"},
        lines=[Line(**one) for one in beside["line"]],
        tags=[Tag(**one) for one in beside["tag"]],
        answers=[Answer(**one) for one in beside["answer"]],
    )
