"""The index of the words of a text in PostgreSQL: a table with a row for each word of each entry, kept up by triggers.

Not a ``tsvector``: under row-level security the planner may use an index only for operators that cannot leak, and those of
text search are not among them; a table that begins with the workspace is searched by plain comparisons. What is written
is noted by the statement that writes it: new entries by all rows at once, a change only where the text is another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from salespipeline.entries import Kind
from salespipeline.stores.dialect import quoted, word_table
from salespipeline.stores.postgres_tables import LONGEST, Place, clipped

__all__ = ["KEEP_WORDS", "make_words"]

# A step of the layout: the function of the triggers. Its arguments are the table of the words and the field.
KEEP_WORDS = f"""
    CREATE FUNCTION schema._keep_words() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        held text := format('%I.%I', TG_TABLE_SCHEMA, TG_ARGV[0]);
        before text[];
        after text[];
    BEGIN
        IF TG_OP = 'INSERT' THEN
            EXECUTE format(
                'INSERT INTO %s (workspace, value, id) SELECT n.workspace, left(w, {LONGEST}), n.id '
                'FROM fresh n, unnest(string_to_array(btrim(n.%I), '' '')) w ON CONFLICT DO NOTHING',
                held, TG_ARGV[1]
            );
            RETURN NULL;
        END IF;
        EXECUTE format('SELECT array(SELECT left(w, {LONGEST}) FROM unnest(string_to_array(btrim(($1).%I), '' '')) w)', TG_ARGV[1])
            INTO before USING OLD;
        IF TG_OP = 'UPDATE' THEN
            EXECUTE format('SELECT array(SELECT left(w, {LONGEST}) FROM unnest(string_to_array(btrim(($1).%I), '' '')) w)', TG_ARGV[1])
                INTO after USING NEW;
        END IF;
        EXECUTE format('DELETE FROM %s WHERE workspace = $1 AND value = ANY($2) AND value <> ALL($3) AND id = $4', held)
            USING OLD.workspace, before, coalesce(after, '{{}}'), OLD.id;
        IF after IS NOT NULL THEN
            EXECUTE format('INSERT INTO %s (workspace, value, id) SELECT $1, w, $2 FROM unnest($3) w ON CONFLICT DO NOTHING', held)
                USING NEW.workspace, NEW.id, after;
        END IF;
        RETURN NULL;
    END $$
"""  # noqa: S608


def make_words(run: Callable[..., Any], place: Place, kind: Kind, name: str, guard: Callable[[Any, str], None]) -> None:
    """Make the table of the words of a field, and put what is there into it, whosever workspace it is."""
    words, table, text = place.table(word_table(kind.name, name)), place.table(kind.name), quoted(name)
    plain = 'text COLLATE "C" NOT NULL'
    run(
        f"CREATE TABLE {words} (workspace {plain}, value {plain}, id {plain}, PRIMARY KEY (workspace, value, id)) "
        "WITH (fillfactor = 90)"
    )
    run(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")  # the owner sees all workspaces, for these two statements
    run(
        f"INSERT INTO {words} (workspace, value, id) SELECT e.workspace, left(w, {LONGEST}), e.id "  # noqa: S608
        f"FROM {table} e, unnest(string_to_array(btrim(e.{text}), ' ')) w ON CONFLICT DO NOTHING"
    )
    run(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    guard(run, words)
    keeps = f"EXECUTE FUNCTION {place.table('_keep_words')}('{clipped(word_table(kind.name, name))}', '{name}')"
    new, changed, gone = (quoted(clipped(f"{name}__words__{when}")) for when in ("new", "changed", "gone"))
    run(f"CREATE TRIGGER {new} AFTER INSERT ON {table} REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT {keeps}")
    differs = f"OLD.{text} IS DISTINCT FROM NEW.{text}"
    run(f"CREATE TRIGGER {changed} AFTER UPDATE OF {text} ON {table} FOR EACH ROW WHEN ({differs}) {keeps}")
    run(f"CREATE TRIGGER {gone} AFTER DELETE ON {table} FOR EACH ROW WHEN (OLD.{text} IS NOT NULL) {keeps}")
