"""Upkeep: check, backup while others write, upgrade on request only, index anew."""

import json
import os
import sqlite3
import subprocess
import sys
import threading

import attrs
import pytest
from tests.stores.postgres_server import fresh, with_options

import salespipeline as sp
from salespipeline import catalog, codec, maintenance, rewriting
from salespipeline.entries import Catalog, Field
from salespipeline.errors import Corrupt, NewerFormat, UpgradeNeeded
from salespipeline.stores import sqlite_file
from salespipeline.stores.base import BaseTransaction


def everything(sales):
    with sales.store.transaction(write=False) as tx:
        return [entry for kept in catalog.KEPT if kept.kind.name != "stamp" for entry in tx.scan(kept.kind.name)]


NEWER = catalog.INDEX + 1


def spoil(sales, **index):
    """Change the index of the first opportunity behind the library's back."""
    with sales.store.transaction() as tx:
        entry = next(iter(tx.scan("opportunity")))
        tx.amend(attrs.evolve(entry, index={**entry.index, **index}))


@pytest.fixture
def older(monkeypatch):
    """Make what is written from now on look like an older version's, until ``newer()`` is called."""

    class Version:
        def __init__(self):
            monkeypatch.setattr(catalog, "INDEX", NEWER - 1)

        def newer(self):
            monkeypatch.setattr(rewriting, "INDEX", NEWER)

    return Version()


# --- check ---


def test_a_sound_pipeline_has_nothing_wrong(sales, deal):
    assert maintenance.check(sales) == []


def test_a_wrong_index_is_found_and_written_anew_without_a_new_version(sales, deal):
    before = everything(sales)
    spoil(sales, value=1, tags=("nobody",))
    assert maintenance.check(sales) == [
        f"opportunity {deal.id!r} is found by a wrong tags and value: call maintenance.reindex()"
    ]
    assert maintenance.reindex(sales) == len(before)
    assert maintenance.check(sales) == []
    assert everything(sales) == before


def test_a_body_that_cannot_be_read_is_found(sales, deal):
    with sales.store.transaction() as tx:
        entry = next(iter(tx.scan("opportunity")))
        tx.amend(attrs.evolve(entry, body=entry.body.replace("New warehouse", "New\\ud800")[:-9]))
    (found,) = maintenance.check(sales)
    assert found.startswith(f"opportunity {deal.id!r} cannot be read")


def test_changed_bytes_of_a_kept_file_are_found(opened, tmp_path):
    sales = opened(f"sqlite:///{tmp_path / 'a.db'}")
    digest = sales.blobs.keep([b"drawing"])
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("UPDATE _chunks SET content = x'00'")
    connection.commit()
    connection.close()
    (found,) = maintenance.check(sales)
    assert digest in found


# --- backup and vacuum ---


def test_a_backup_is_one_moment_while_another_thread_writes(opened, tmp_path):
    sales = opened(f"sqlite:///{tmp_path / 'a.db'}")
    going, stop = threading.Event(), threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            with sales.transaction():  # two at once: a copy that holds one alone is torn
                sales.contacts.add(f"Left {number}")
                sales.contacts.add(f"Right {number}")
            going.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert going.wait(30)
        copies = [maintenance.backup(sales, tmp_path / f"copy-{number}.db") for number in range(3)]
    finally:
        stop.set()
        writer.join()
    for path in copies:
        copy = opened(f"sqlite:///{path}")
        assert maintenance.check(copy) == []
        names = [contact.name for contact in copy.contacts]
        assert names
        assert {name.replace("Left", "Right") for name in names} == {name for name in names if name[0] == "R"}


def test_a_backup_never_writes_over_a_file(opened, tmp_path):
    sales = opened(f"sqlite:///{tmp_path / 'a.db'}")
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(sp.StorageError, match="exists already"):
        maintenance.backup(sales, tmp_path / "precious")
    with pytest.raises(sp.StorageError, match="folder does not exist"):
        maintenance.backup(sales, tmp_path / "no such folder" / "copy")
    assert (tmp_path / "precious").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".part") == []


def test_a_store_in_memory_has_no_backup_of_its_own(opened):
    with pytest.raises(sp.StorageError, match="leaves this to"):
        maintenance.backup(opened("memory:"), "copy.db")


def test_vacuum_gives_room_back_and_keeps_everything(opened, tmp_path):
    path = tmp_path / "a.db"
    sales = opened(f"sqlite:///{path}")
    sales.blobs.forget(sales.blobs.keep([os.urandom(4_000_000)]))
    acme = sales.contacts.add("Acme Ltd")
    maintenance.vacuum(sales)
    assert path.stat().st_size < 2_000_000
    assert sales.contacts[acme.id] == acme


# --- upgrades ---


def test_an_older_index_asks_for_an_upgrade_which_makes_a_backup(opened, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    first = opened(url)
    first.contacts.add("Acme Ltd")
    first.close()
    monkeypatch.setattr(rewriting, "INDEX", NEWER)
    with pytest.raises(UpgradeNeeded, match=r"maintenance.upgrade\(\)"):
        opened(url)
    saved = maintenance.upgrade(url)
    assert saved.parent == tmp_path
    assert [contact.name for contact in opened(url).contacts] == ["Acme Ltd"]
    monkeypatch.setattr(rewriting, "INDEX", NEWER - 1)
    assert [contact.name for contact in opened(f"sqlite:///{saved}").contacts] == ["Acme Ltd"]
    with pytest.raises(NewerFormat):
        opened(url)


def test_an_older_format_is_read_through_its_upcast_and_made_permanent_by_an_upgrade(opened, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    first = opened(url)
    acme = first.contacts.add("Acme Ltd")
    first.close()

    def louder(kind, values):
        return {**values, "name": values["name"].upper()} if kind == "contact" else values

    monkeypatch.setattr(codec, "FORMAT", 2)
    monkeypatch.setitem(codec.UPCASTS, 1, louder)
    newer = Catalog(catalog.CATALOG.kinds, format=2)
    monkeypatch.setattr("salespipeline.sales.CATALOG", newer)
    monkeypatch.setattr(maintenance, "CATALOG", newer)
    with pytest.raises(UpgradeNeeded, match="format 1"):
        opened(url)
    maintenance.upgrade(url, keep=tmp_path / "before.db")
    sales = opened(url)
    assert sales.contacts[acme.id].name == "ACME LTD"
    with sales.store.transaction(write=False) as tx:
        assert json.loads(tx.get("contact", acme.id).body)["format"] == 2


def test_a_format_without_a_way_to_read_it_is_corrupt(sales):
    contact = sales.contacts["Acme Ltd"]
    with sales.store.transaction() as tx:
        entry = next(iter(tx.scan("contact")))
        tx.amend(attrs.evolve(entry, body=entry.body.replace('"format":1', '"format":0')))
    with pytest.raises(Corrupt, match=contact.id):
        sales.contacts[contact.id]


STEP = (
    "later",
    ("CREATE TABLE _later (name TEXT)", "INSERT INTO _later VALUES ('a')", "CREATE INDEX _l ON _later (name)"),
)


def test_an_older_layout_takes_no_transaction_before_its_upgrade(opened, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    opened(url).contacts.add("Acme Ltd")
    monkeypatch.setattr(sqlite_file, "STEPS", (*sqlite_file.STEPS, STEP))
    number = len(sqlite_file.STEPS)
    with pytest.raises(UpgradeNeeded, match=rf"layout {number - 1} .* needs {number}"):
        opened(url)
    maintenance.upgrade(url)
    assert [contact.name for contact in opened(url).contacts] == ["Acme Ltd"]


def test_indexing_anew_goes_on_where_it_was_stopped(sales, monkeypatch):
    for number in range(7):
        sales.contacts.add(f"Client {number}")
    monkeypatch.setattr(rewriting, "CHUNK", 3)
    before = everything(sales)
    told = []

    def stop(kind, done):
        told.append((kind, done))
        if done >= 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        maintenance.reindex(sales, progress=stop)
    assert maintenance.reindex(sales) == len(before) - told[-1][1]
    assert everything(sales) == before


def test_amend_made_of_primitives_gives_what_the_stores_own_does(sales, deal):
    for _ in range(3):
        deal = sales.opportunities.edit(deal, note=f"{deal.note}.")
    with sales.store.transaction() as tx:
        entry = next(iter(tx.scan("opportunity")))
        changed = attrs.evolve(entry, body=entry.body + " ", index={**entry.index, "value": 5})
        BaseTransaction.amend(tx, changed)
        assert list(tx.scan("opportunity")) == [changed]
        tx.amend(entry)
        assert list(tx.scan("opportunity")) == [entry]
        for version in (0, entry.version - 1, entry.version + 1):
            with pytest.raises(sp.Conflict):
                tx.amend(attrs.evolve(entry, version=version))


def test_new_fields_of_a_kind_are_filled_by_indexing_anew(opened, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    opened(url).contacts.add("Acme Ltd", email="x@acme.example")
    kept = catalog.KIND_OF[catalog.Contact]
    wider = attrs.evolve(
        kept,
        kind=attrs.evolve(kept.kind, fields=(*kept.kind.fields, Field("domain", str)), paths=(("domain",),)),
        index=lambda record: (*kept.index(record), ("domain", record.email.partition("@")[2])),
    )
    monkeypatch.setitem(catalog.KIND_OF, catalog.Contact, wider)
    kinds = tuple(wider.kind if kind.name == "contact" else kind for kind in catalog.CATALOG.kinds)
    sales = opened(url)
    sales.store.prepare(Catalog(kinds, format=catalog.FORMAT))
    assert maintenance.check(sales) != []
    maintenance.reindex(sales)
    assert maintenance.check(sales) == []


# --- from a shell ---


@pytest.fixture
def kept(opened, tmp_path):
    """A file with a contact, closed."""
    path = tmp_path / "deals.db"
    sales = opened(f"sqlite:///{path}")
    sales.contacts.add("Acme Ltd")
    sales.close()
    return path


def test_each_verb_does_what_it_says(kept, tmp_path, capsys):
    url, copy = f"sqlite:///{kept}", tmp_path / "copy.db"
    assert maintenance.main(["check", url]) == 0
    assert maintenance.main(["backup", str(kept), str(copy)]) == 0
    assert maintenance.main(["upgrade", url, "--keep", str(tmp_path / "before.db")]) == 0
    assert maintenance.main(["reindex", url]) == 0
    assert maintenance.main(["vacuum", url]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{url} is sound",
        f"kept as {copy}",
        f"upgraded; as it was before: {tmp_path / 'before.db'}",
        "2 records written anew",
        "done",
    ]
    for path in (kept, copy, tmp_path / "before.db"):
        with sp.open(path) as sales:
            assert [contact.name for contact in sales.contacts] == ["Acme Ltd"]


def test_what_is_wrong_is_said_and_told_by_the_exit_code(kept, capsys):
    with sqlite3.connect(kept) as connection:
        connection.execute("UPDATE contact SET body = '{}'")
    connection.close()
    assert maintenance.main(["check", str(kept)]) == 1
    assert capsys.readouterr().out.startswith("contact 'id")


@pytest.mark.parametrize("verb", ["check", "upgrade", "reindex", "vacuum"])
def test_upkeep_makes_no_file(verb, tmp_path, capsys):
    for target in (str(tmp_path / "typo.db"), f"sqlite:///{tmp_path}/typo.db?timeout=1"):
        assert maintenance.main([verb, target]) == 2
        assert "there is no file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_server_is_backed_up_with_its_own_tools(postgres, capsys):
    url = with_options(postgres, workspace=fresh())
    assert maintenance.main(["upgrade", url]) == 0
    assert maintenance.main(["check", url]) == 0
    assert maintenance.main(["backup", url, "x.db"]) == 2
    assert "leaves this to the tools of its server" in capsys.readouterr().err


def test_the_module_runs_from_a_shell(kept):
    command = [sys.executable, "-m", "salespipeline.maintenance", "check", str(kept)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{kept} is sound\n", "")
