"""Raw SQL on a sent document: refused by the store's triggers, and found by its seal where somebody got past them. (SPEC DOC-7)"""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
from collections.abc import Iterator

import pytest
from tests.stores.postgres_server import fresh, with_options

import salespipeline as sp
from salespipeline import maintenance
from salespipeline.blobs.memory import MemoryBlobs
from salespipeline.catalog import CATALOG
from salespipeline.errors import StorageError, UpgradeNeeded
from salespipeline.stores.dialect import doc_table, word_table
from salespipeline.stores.sqlite import SqliteStore

KIND = CATALOG.kind("document")
COLUMNS = ["id", "version", "body", *(field.name for field in KIND.fields if not field.many)]
LINE = sp.Line("Racking", quantity=3, unit_price="100", tax="20", discount="5%", cost="40")


class Raw:
    """Somebody with a connection of their own to the tables of a SQLite file, and no idea of the library."""

    table, beside, door = "document", "document__answers", "INSERT INTO _door VALUES (1)"
    mark = "?"

    def __init__(self, connection: sqlite3.Connection, path: object) -> None:
        self.connection = connection
        self.path = path
        self.refusals: type[Exception] = sqlite3.IntegrityError

    def run(self, text: str, *values: object) -> list[tuple[object, ...]]:
        text = text.format(table=self.table, beside=self.beside).replace("?", self.mark)
        cursor = self.connection.execute(text, values)
        return cursor.fetchall() if cursor.description else []

    def age(self) -> None:
        """Make the tables those of the layout before there were triggers."""
        self._unseal("_kinds")
        self._unword("")
        self.run("DROP TABLE _door")
        self.run("ALTER TABLE _blobs DROP COLUMN kept")
        self.run("DELETE FROM _steps WHERE name <> 'first'")
        self.run("PRAGMA user_version = 1")

    def _unword(self, prefix: str) -> None:
        for kind in CATALOG.kinds:
            for name in kind.texts:
                self.run(f"DROP TABLE {prefix}{word_table(kind.name, name)}")
                self.run(f"DROP TABLE {prefix}{doc_table(kind.name, name)}")
        self.run(f"DROP TABLE {prefix}_words")

    def _unseal(self, kinds: str) -> None:
        for (name,) in self.run("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            self.run(f"DROP TRIGGER {name}")
        self._forget(kinds)

    def _forget(self, kinds: str) -> None:
        for name, definition in self.run(f"SELECT name, definition FROM {kinds}"):
            facts = {key: value for key, value in json.loads(str(definition)).items() if key not in ("sealed", "texts")}
            self.run(f"UPDATE {kinds} SET definition = ? WHERE name = ?", json.dumps(facts), name)

    def upgrade(self) -> None:
        maintenance.upgrade(self.path)


class RawLent(Raw):
    """The host itself, whose file the tables are in."""

    table, beside = "salespipeline_document", "salespipeline_document__answers"
    door = "INSERT INTO salespipeline__door VALUES (1)"

    def age(self) -> None:
        self.run("DROP TABLE salespipeline__door")
        self.run("DELETE FROM salespipeline__steps WHERE name IN ('door', 'words')")
        self._unseal("salespipeline__kinds")
        self._unword("salespipeline_")

    def upgrade(self) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as host:
            SqliteStore.around(host).prepare(CATALOG, upgrade=True)
            host.commit()


class RawPostgres(Raw):
    """Somebody in psql, as a superuser."""

    schema = "raw_sql"  # of their own: one of the tests makes it older
    table, beside = f"{schema}.document", f"{schema}.document__answers"
    door = "SET LOCAL session_replication_role = replica"  # no trigger fires, nor any that follows a reference
    mark = "%s"

    def __init__(self, connection: object, url: str) -> None:
        import psycopg

        super().__init__(connection, url)  # type: ignore[arg-type]
        self.refusals = psycopg.errors.RestrictViolation

    def age(self) -> None:
        self.run(f"DROP FUNCTION {self.schema}._keep_sealed CASCADE")
        self.run(f"DROP FUNCTION {self.schema}._keep_words CASCADE")
        for kind in CATALOG.kinds:
            for name in kind.texts:
                self.run(f"DROP TABLE {self.schema}.{word_table(kind.name, name)}")
        self.run(f"ALTER TABLE {self.schema}._blobs DROP COLUMN kept_at")
        self.run(f"DELETE FROM {self.schema}._steps WHERE name <> 'first'")
        self._forget(f"{self.schema}._kinds")


@pytest.fixture(params=["sqlite", "lent", "postgres"])
def both(request, tmp_path, opened) -> Iterator[tuple[sp.Sales, Raw]]:
    """A pipeline, and somebody who knows where it is kept."""
    path = tmp_path / "sales.db"
    if request.param == "postgres":
        import psycopg

        server = request.getfixturevalue("postgres")
        workspace, counter = fresh(), itertools.count()
        url = with_options(server, workspace=workspace, schema=RawPostgres.schema)
        sales = opened(url, ids=lambda: f"{workspace}-{next(counter)}")
        with psycopg.connect(server, autocommit=True) as connection:
            yield sales, RawPostgres(connection, url)
        return
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if request.param == "lent":
            host = sqlite3.connect(path)
            with contextlib.closing(host):
                yield opened(Committed(host), blobs=MemoryBlobs()), RawLent(connection, path)
        else:
            yield opened(f"sqlite:///{path}?synchronous=NORMAL"), Raw(connection, path)


class Committed:
    """A lent store whose host commits after each of its transactions."""

    lent = True

    def __init__(self, host: sqlite3.Connection) -> None:
        self._host, self._store = host, SqliteStore.around(host)
        self.prepare, self.close = self._store.prepare, self._store.close
        host.commit()

    @contextlib.contextmanager
    def transaction(self, *, write: bool = True):
        with self._store.transaction(write=write) as tx:
            yield tx
        self._host.commit()


@pytest.fixture
def sent(both) -> sp.Document:
    """A paid invoice in which nearly every field is filled."""
    sales, _ = both
    sales.settings.edit_organisation(
        name="Northgate Ltd",
        email="sales@northgate.example",
        address="1 Quay\nLeeds",
        payment={"IBAN": "GB33 BUKB 2020 1555 5555 55"},
    )
    sales.settings.users.add("Jane", id="jane")
    sales.settings.fields.add("invoice", "gate", "Gate", "choice", choices=["north", "south"])
    acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example", address="4 Mill Lane", country="GB")
    desk = sales.documents
    draft = desk.draft(
        acme, "invoice", lines=[LINE], discount="2%", charges=[{"description": "Freight", "amount": "12", "tax": "20"}],
        note="Deliver to gate 2", terms="30 days", subject="New warehouse", custom={"gate": "north"},
    )  # fmt: skip
    invoice = desk.mark_sent(draft)
    desk.mark_sent(desk.convert(invoice, "credit note", quantities={0: 1}))
    desk.accept(invoice.id, by="Zoë Field", note="Fine")
    return desk.pay(invoice.id, "20.00", note="cash")


def row_of(raw: Raw, id: str) -> dict[str, object]:
    return dict(zip(COLUMNS, *raw.run(f"SELECT {', '.join(map(quoted, COLUMNS))} FROM {{table}} WHERE id = ?", id),
                    strict=True))  # fmt: skip


def quoted(name: str) -> str:
    return f'"{name}"'


def other(column: str, value: object) -> object:
    """Return another value for *column*: of its type, and believable."""
    if column == "body":
        return json.dumps(json.loads(str(value)) | {"note": "Paid in cash"})
    if column in COLUMNS[3:] and KIND.field(column).type is int:
        return int(value or 0) + 1
    return value + 1 if isinstance(value, int) else f"{value or ''}x"


def is_found(sales: sp.Sales, id: str) -> bool:
    """Whether the chain of seals shows that something is wrong, and so does the document alone."""
    try:
        chain = any(not row.ok for row in sales.documents.verify_seals())
    except StorageError:  # it cannot even be read
        return True
    try:
        return chain and not sales.documents.verify(id)
    except (sp.NotFound, sp.Invalid, StorageError):
        return chain


def parts(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Yield the way to each value in a body."""
    yield path
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from parts(one, (*path, key))


def forged(value: object, path: tuple[object, ...]) -> object:
    """Return *value* with what stands at *path* replaced by something like it, or left out."""
    if path:
        copy = dict(value) if isinstance(value, dict) else list(value)  # type: ignore[call-overload]
        copy[path[0]] = forged(copy[path[0]], path[1:])
        return copy
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str() if value[:1].isdigit():
            return f"{value[:-1]}{(int(value[-1]) + 1) % 10}" if value[-1].isdigit() else f"1{value}"
        case str():
            return f"{value}x"
        case dict():
            return dict(list(value.items())[1:])
        case _:
            return value[1:]


def test_raw_sql_is_refused_for_every_column_and_changes_nothing(both, sent):
    sales, raw = both
    before = row_of(raw, sent.id)
    for column in COLUMNS:
        with pytest.raises(raw.refusals, match="a sealed document is changed by salespipeline alone"):
            raw.run(f'UPDATE {{table}} SET "{column}" = ? WHERE id = ?', other(column, before[column]), sent.id)
    for text, values in [
        ("DELETE FROM {table} WHERE id = ?", [sent.id]),
        ("UPDATE {beside} SET value = 'gate:south' WHERE id = ?", [sent.id]),
        ("DELETE FROM {beside} WHERE id = ?", [sent.id]),
        ("UPDATE {table} SET total = 0", []),
        ("DELETE FROM {table}", []),
    ]:
        with pytest.raises(raw.refusals, match="sealed"):
            raw.run(text, *values)
    assert row_of(raw, sent.id) == before
    assert not is_found(sales, sent.id)


def test_a_row_or_a_table_is_not_pushed_out_either(both, sent):
    sales, raw = both
    draft = sales.documents.draft(sales.contacts.where(text="acme").one(), "quote", lines=[LINE])
    if isinstance(raw, RawPostgres):
        adding = "INSERT INTO {beside} SELECT workspace, id, 'gate:south' FROM {table} WHERE id = ?"
        attempts = [(adding, [sent.id]), ("TRUNCATE {beside}", []), ("TRUNCATE {table} CASCADE", [])]
    else:
        columns = ", ".join(map(quoted, COLUMNS))
        rest = ", ".join(quoted(name) for name in COLUMNS if name not in ("id", "reference", "number", "current"))
        copied = f"INSERT OR REPLACE INTO {{table}} (id, number, current, reference, {rest}) SELECT "
        source = f", {rest} FROM {{table}} WHERE id = ?"
        attempts = [
            ("INSERT INTO {beside} VALUES (?, 'gate:south')", [sent.id]),
            (f"REPLACE INTO {{table}} ({columns}) SELECT {columns} FROM {{table}} WHERE id = ?", [sent.id]),
            (copied + "'new', number, NULL, NULL" + source, [sent.id]),
            (copied + "'new', NULL, current, NULL" + source, [sent.id]),
            (copied + "'new', NULL, NULL, reference" + source, [sent.id]),
            ("UPDATE OR REPLACE {table} SET id = ? WHERE id = ?", [sent.id, draft.id]),
            (
                "UPDATE OR REPLACE {table} SET reference = (SELECT reference FROM {table} WHERE id = ?) WHERE id = ?",
                [sent.id, draft.id],
            ),
            ("UPDATE OR REPLACE {table} SET rowid = (SELECT rowid FROM {table} WHERE id = ?) WHERE id = ?",
             [sent.id, draft.id]),
            (
                "REPLACE INTO {table} (rowid, id, version, body) SELECT rowid, 'new', 1, '{{}}' FROM {table} WHERE id = ?",
                [sent.id],
            ),
        ]  # fmt: skip
    for text, values in attempts:
        with pytest.raises(raw.refusals, match="sealed"):
            raw.run(text, *values)
    assert not is_found(sales, sent.id)
    raw.run("UPDATE {table} SET total = 0 WHERE id = ?", draft.id)  # a draft is nobody's word
    raw.run("DELETE FROM {beside} WHERE id = ?", draft.id)
    raw.run("DELETE FROM {table} WHERE id = ?", draft.id)


def test_what_the_library_does_later_passes_and_leaves_the_door_shut(both, sent):
    sales, raw = both
    desk = sales.documents
    desk.hold(sent.id, "asked for a copy")

    def twice() -> None:
        with sales.transaction():
            desk.release(sent.id)
            desk.release(sent.id)

    with pytest.raises(sp.NotAllowed):
        twice()
    desk.pay(sent.id, "5.00")
    (credit,) = desk.where(type="credit note")
    desk.cancel(credit.id)
    desk.delete(credit.id, force=True)
    with pytest.raises(raw.refusals, match="sealed"):
        raw.run("UPDATE {table} SET paid = 0 WHERE id = ?", sent.id)
    assert desk[sent.id].held is not None
    assert not is_found(sales, sent.id)


def test_who_gets_past_the_triggers_is_found_whatever_column_they_change(both, sent):
    sales, raw = both
    before = row_of(raw, sent.id)
    unfound = []
    for column in COLUMNS:
        changed = other(column, before[column])
        back = changed if column == "id" else sent.id
        behind(raw, f'UPDATE {{table}} SET "{column}" = ? WHERE id = ?', changed, sent.id)
        unfound += [column] if not is_found(sales, sent.id) else []
        behind(raw, f'UPDATE {{table}} SET "{column}" = ? WHERE id = ?', before[column], back)
    assert unfound == []
    for (value,) in raw.run("SELECT value FROM {beside} WHERE id = ? ORDER BY value", sent.id):
        behind(raw, "UPDATE {beside} SET value = 'x' WHERE id = ? AND value = ?", sent.id, value)
        assert is_found(sales, sent.id)
        behind(raw, "UPDATE {beside} SET value = ? WHERE id = ? AND value = 'x'", value, sent.id)
        assert not is_found(sales, sent.id)
    behind(raw, "DELETE FROM {beside} WHERE id = ?", sent.id)
    assert is_found(sales, sent.id)


@pytest.mark.parametrize("both", ["sqlite"], indirect=True)  # a body is opaque to every store
def test_who_gets_past_the_triggers_is_found_whatever_part_of_the_body_they_change(both, sent):
    sales, raw = both
    body = json.loads(str(row_of(raw, sent.id)["body"]))
    ways = [way for way in parts(body) if way]
    assert len(ways) > 80
    unfound = []
    for way in ways:
        behind(raw, "UPDATE {table} SET body = ? WHERE id = ?", json.dumps(forged(body, way)), sent.id)
        unfound += [way] if not is_found(sales, sent.id) else []
    assert unfound == []
    behind(raw, "UPDATE {table} SET body = ? WHERE id = ?", json.dumps(body), sent.id)
    assert not is_found(sales, sent.id)


def test_an_older_layout_gets_its_triggers_when_it_is_upgraded(both, sent, opened):
    sales, raw = both
    sales.close()
    raw.age()
    raw.run("UPDATE {table} SET total = total + 1 WHERE id = ?", sent.id)
    raw.run("UPDATE {table} SET total = total - 1 WHERE id = ?", sent.id)
    if not isinstance(raw, RawLent):
        with pytest.raises(UpgradeNeeded):
            opened(raw.path)
    raw.upgrade()
    with pytest.raises(raw.refusals, match="sealed"):
        raw.run("UPDATE {table} SET total = total + 1 WHERE id = ?", sent.id)
    if not isinstance(raw, RawLent):
        again = opened(raw.path)
        again.documents.pay(sent.id, "1.00")
        assert not is_found(again, sent.id)


def behind(raw: Raw, text: str, *values: object) -> None:
    """Run a statement past the triggers."""
    raw.run("BEGIN")
    raw.run(raw.door)
    raw.run(text, *values)
    if "INTO" in raw.door:
        raw.run(raw.door.replace("INSERT INTO", "DELETE FROM").replace(" VALUES (1)", ""))
    raw.run("COMMIT")
