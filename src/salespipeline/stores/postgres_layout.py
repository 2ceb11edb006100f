"""The layout of a PostgreSQL schema: named steps, the tables of kinds, and the policies that keep workspaces apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import psycopg

from salespipeline.entries import Catalog, Field, Kind
from salespipeline.errors import Corrupt, ForeignFile, NewerFormat
from salespipeline.stores.dialect import quoted, side_table
from salespipeline.stores.kinds import default, dumped, loaded, merged, not_unique
from salespipeline.stores.postgres_line import Rows
from salespipeline.stores.postgres_tables import TYPES, Place, Table, clipped
from salespipeline.stores.postgres_words import KEEP_WORDS, make_words

__all__ = ["DOOR", "SETTING", "STEPS", "keep_kinds", "kept_kinds", "lay_out", "steps_left"]

Run: TypeAlias = Callable[..., Rows]

SETTING = "salespipeline.workspace"  # what the policies of row-level security compare with
DOOR = "salespipeline.door"  # "open" only while a transaction of the store writes
_TEXT = 'text COLLATE "C" NOT NULL'

# The layout, as named steps: each is applied once, in one transaction with its record. ``guard`` stands for the
# statements that let a connection see nothing but its own workspace in a table.
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "first",
        (
            f"CREATE TABLE schema._steps (place integer PRIMARY KEY, name {_TEXT}, at timestamptz NOT NULL DEFAULT now())",
            f"CREATE TABLE schema._kinds (name {_TEXT} PRIMARY KEY, definition text NOT NULL)",
            (
                f"CREATE TABLE schema._formats (workspace {_TEXT}, name {_TEXT}, number bigint NOT NULL, "
                "PRIMARY KEY (workspace, name))"
            ),
            (
                f"CREATE TABLE schema._numbers (workspace {_TEXT}, series {_TEXT}, last bigint NOT NULL, "
                "PRIMARY KEY (workspace, series))"
            ),
            (
                f"CREATE TABLE schema._blobs (workspace {_TEXT}, digest {_TEXT}, size bigint NOT NULL, "
                "PRIMARY KEY (workspace, digest))"
            ),
            (
                f"CREATE TABLE schema._chunks (workspace {_TEXT}, digest {_TEXT}, place bigint NOT NULL, content bytea NOT NULL, "
                "PRIMARY KEY (workspace, digest, place), "
                "FOREIGN KEY (workspace, digest) REFERENCES schema._blobs ON DELETE CASCADE)"
            ),
            "guard _formats",
            "guard _numbers",
            "guard _blobs",
            "guard _chunks",
        ),
    ),
    (
        "sealing",
        (
            """
            CREATE FUNCTION schema._keep_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                before jsonb := to_jsonb(OLD);
                after jsonb := to_jsonb(NEW);
                sealed boolean := TG_OP = 'TRUNCATE';
            BEGIN
                IF NOT sealed THEN
                    EXECUTE format(
                        'SELECT EXISTS (SELECT 1 FROM %I.%I WHERE %I IS NOT NULL AND (workspace, id) IN (($1, $2), ($3, $4)))',
                        TG_TABLE_SCHEMA, TG_ARGV[0], TG_ARGV[1]
                    ) INTO sealed
                    USING before ->> 'workspace', before ->> 'id', after ->> 'workspace', after ->> 'id';
                END IF;
                IF sealed THEN
                    RAISE 'a sealed % is changed by salespipeline alone', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
                END IF;
                RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
            END $$
            """,
        ),
    ),
    ("kept", ("ALTER TABLE schema._blobs ADD COLUMN kept_at timestamptz NOT NULL DEFAULT clock_timestamp()",)),
    ("words", (KEEP_WORDS,)),
)


def steps_left(run: Run, place: Place) -> int:
    """Return how many steps are still to be applied, or raise ``NewerFormat`` or ``Corrupt``."""
    (there,) = _row(run("SELECT to_regclass(%s) IS NOT NULL", (place.table("_steps"),)))
    names = [name for name, _ in STEPS]
    if not there:
        return len(names)
    done = [name for (name,) in run(f"SELECT name FROM {place.table('_steps')} ORDER BY place")]  # noqa: S608
    if done[: len(names)] == names and len(done) > len(names):
        message = (
            f"schema {place.schema} was written by a newer version of salespipeline ({done[-1]}); upgrade the library"
        )
        raise NewerFormat(message)
    if not done or done != names[: len(done)]:
        raise Corrupt(f"the layout of schema {place.schema} is not one of salespipeline; restore it from a backup")
    return len(names) - len(done)


def lay_out(run: Run, place: Place, *, upgrade: bool) -> int:
    """Apply every step to a new schema, or, where *upgrade* allows it, those that are left to an older one.

    Raises ``ForeignFile`` where the schema holds another application's tables, and none of ours. In the transaction
    that is open. Returns how many steps are still left.
    """
    left = steps_left(run, place)
    if left < len(STEPS):
        if not (left and upgrade):
            return left
        run(f"LOCK TABLE {place.table('_steps')} IN SHARE ROW EXCLUSIVE MODE")
        left = steps_left(run, place)  # another process may have been faster
    elif run("SELECT 1 FROM pg_namespace WHERE nspname = %s", (place.schema,)).fetchone() is None:
        run(f"CREATE SCHEMA {quoted(place.schema)}")
    elif _taken(run, place):
        left = steps_left(run, place)  # another process may have made them meanwhile, all at once
        if left == len(STEPS):
            message = f"schema {place.schema} holds tables of another application: name another one with schema="
            raise ForeignFile(message)
        return left
    for number in range(len(STEPS) - left, len(STEPS)):
        name, statements = STEPS[number]
        for statement in statements:
            if statement.startswith("guard "):
                guard(run, place.table(statement.removeprefix("guard ")))
            else:
                run(statement.replace("schema.", f"{quoted(place.schema)}."))
        run(f"INSERT INTO {place.table('_steps')} (place, name) VALUES (%s, %s)", (number, name))  # noqa: S608
    return 0


def _taken(run: Run, place: Place) -> bool:
    text = (
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relkind IN ('r', 'p') LIMIT 1"
    )
    return run(text, (place.schema,)).fetchone() is not None


def guard(run: Run, table: str) -> None:
    """Let a connection see and write only its own workspace's rows of *table*, whoever owns it."""
    mine = f"workspace = current_setting('{SETTING}', true)"
    run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")  # FORCE binds the owner too
    run(f"CREATE POLICY workspace ON {table} USING ({mine}) WITH CHECK ({mine})")


def kept_kinds(run: Run, place: Place, catalog: Catalog) -> tuple[dict[str, Kind], int | None]:
    """Return the kinds that the schema has, and the format of the workspace's entries.

    Raises ``NewerFormat`` where a newer catalog has written to this workspace.
    """
    text = f"SELECT number FROM {place.table('_formats')} WHERE workspace = %s AND name = 'body'"  # noqa: S608
    row = run(text, (place.workspace,)).fetchone()
    if row is not None and row[0] > catalog.format:
        message = f"the entries were written in format {row[0]} and this program knows {catalog.format}; upgrade it"
        raise NewerFormat(message)
    rows = run(f"SELECT name, definition FROM {place.table('_kinds')}").fetchall()  # noqa: S608
    return {name: loaded(name, definition) for name, definition in rows}, None if row is None else row[0]


def keep_kinds(run: Run, place: Place, catalog: Catalog) -> list[Kind]:
    """Make room for the kinds of *catalog* and return them, merged with what was there.

    Whoever prepares the same schema at the same time waits here.
    """
    run(f"LOCK TABLE {place.table('_kinds')} IN SHARE ROW EXCLUSIVE MODE")
    kept, _ = kept_kinds(run, place, catalog)
    run(
        f"INSERT INTO {place.table('_formats')} (workspace, name, number) VALUES (%s, 'body', %s) "  # noqa: S608
        "ON CONFLICT (workspace, name) DO UPDATE SET number = excluded.number",
        (place.workspace, catalog.format),
    )
    kinds = []
    for wanted in catalog.kinds:
        old = kept.get(wanted.name)
        kind = merged(old, wanted)
        if kind != old:
            _make(run, place, kind, old)
            run(
                f"INSERT INTO {place.table('_kinds')} (name, definition) VALUES (%s, %s) "  # noqa: S608
                "ON CONFLICT (name) DO UPDATE SET definition = excluded.definition",
                (kind.name, dumped(kind)),
            )
        kinds.append(kind)
    return kinds


def _make(run: Run, place: Place, kind: Kind, old: Kind | None) -> None:
    table = place.table(kind.name)
    if old is None:
        run(
            f"CREATE TABLE {table} (workspace {_TEXT}, id {_TEXT}, version bigint NOT NULL, body text NOT NULL, "
            "PRIMARY KEY (workspace, id))"
        )
        guard(run, table)
        old = Kind(kind.name)
    _unseal(run, place, old)
    for field in kind.fields:
        before, column = old.by_name.get(field.name), quoted(field.name)
        ready = f"'{default(field)}'" if field.type is str else str(default(field))
        if before is None and field.many:
            _make_side(run, place, kind, field)
        elif before is None:
            added = f" DEFAULT {ready}" if field.sortable else ""
            run(f"ALTER TABLE {table} ADD COLUMN {column} {TYPES[field.type]}{added}")
        elif field.sortable and not before.sortable:
            # Not an UPDATE: row-level security would hide the rows of the other workspaces from it.
            change = f"TYPE {TYPES[field.type]} USING coalesce({column}, {ready})"
            run(f"ALTER TABLE {table} ALTER COLUMN {column} {change}, ALTER COLUMN {column} SET DEFAULT {ready}")
    for index in Table(kind, place).indexes():
        columns = ", ".join(map(quoted, ("workspace", *index.columns)))
        present = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in index.present)
        text = f"CREATE {'UNIQUE ' * index.unique}INDEX IF NOT EXISTS {quoted(index.name)} ON {table} ({columns})"
        try:
            run(text + (f" WHERE {present}" if present else ""))
        except psycopg.errors.UniqueViolation as error:
            raise not_unique(kind.name, index.columns) from error
    for name in kind.texts:
        if name not in old.texts:
            make_words(run, place, kind, name, guard)
    _seal(run, place, kind)


def _seal(run: Run, place: Place, kind: Kind) -> None:
    """Have whatever would change or take away a sealed entry refused to all but the store. See ``sqlite_sealing``."""
    shut = f"WHEN (current_setting('{DOOR}', true) IS DISTINCT FROM 'open')"
    for name, row in _sealed_tables(kind):
        table = place.table(name)
        how = f"EXECUTE FUNCTION {place.table('_keep_sealed')}('{clipped(kind.name)}', '{kind.sealed}')"
        run(f"CREATE TRIGGER sealed_row BEFORE {row} ON {table} FOR EACH ROW {shut} {how}")
        run(f"CREATE TRIGGER sealed_table BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {shut} {how}")


def _unseal(run: Run, place: Place, kind: Kind) -> None:
    """Take the triggers away, so that the tables can be laid out anew."""
    for name, _ in _sealed_tables(kind):
        for trigger in ("sealed_row", "sealed_table"):
            run(f"DROP TRIGGER IF EXISTS {trigger} ON {place.table(name)}")


def _sealed_tables(kind: Kind) -> Iterator[tuple[str, str]]:
    if kind.sealed is not None:
        yield kind.name, "UPDATE OR DELETE"
        yield from (
            (side_table(kind.name, field.name), "INSERT OR UPDATE OR DELETE") for field in kind.fields if field.many
        )


def _make_side(run: Run, place: Place, kind: Kind, field: Field) -> None:
    name = side_table(kind.name, field.name)
    side = place.table(name)
    run(
        f"CREATE TABLE {side} (workspace {_TEXT}, id {_TEXT}, value {TYPES[field.type]} NOT NULL, "
        f"PRIMARY KEY (workspace, id, value), "
        f"FOREIGN KEY (workspace, id) REFERENCES {place.table(kind.name)} ON DELETE CASCADE)"
    )
    run(f"CREATE INDEX {quoted(clipped(name + '__value'))} ON {side} (workspace, value, id)")
    guard(run, side)


def _row(found: Rows) -> tuple[Any, ...]:
    row = found.fetchone()
    assert row is not None  # noqa: S101
    return row
