"""Everything out of one store and into another, without loss, or a refusal that says which file and which line. (SPEC EXT-5)"""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.assets.make import complete, fill
from tests.whole import whole

import salespipeline as sp
from salespipeline import catalog, codec, maintenance
from salespipeline.errors import Invalid, NewerFormat, OpenError, ReadOnly, Refused, Unfinished
from salespipeline.exports import loading
from salespipeline.exports.lines import Written
from salespipeline.exports.manifest import Manifest
from salespipeline.mail import Memory
from salespipeline.rewriting import OF_THE_STORE
from salespipeline.stores.memory import MemoryStore
from salespipeline.stores.wrap import FailingAt

BEGAN = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def told(url="memory:", **options):
    """Return a pipeline with every kind of record, the same each time."""
    moments, ids = itertools.count(), itertools.count(1)
    sales = sp.open(
        url,
        actor="jane",
        mailer=Memory(),
        clock=lambda: BEGAN + timedelta(minutes=next(moments)),
        ids=lambda: f"id{next(ids):05d}",
        **options,
    )
    fill(sales)
    return sales


@pytest.fixture(scope="module")
def story():
    with told() as sales:
        yield sales


@pytest.fixture(scope="module")
def exported(story, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "all"
    maintenance.export(story, path)
    return path


@pytest.fixture
def copy(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "copy")


def content(path):
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def stated(path):
    return json.loads((path / "manifest.json").read_text("utf-8"))


def forged(path, name, change):
    """Change the lines of a file, and make all sums fit, as somebody does who knows how."""
    lines = [line.partition(b",")[2].decode() for line in (path / name).read_bytes().splitlines()]
    with (path / name).open("wb") as file:
        written = Written(name, file)
        written.lines(change(lines))
    manifest = Manifest.of((path / "manifest.json").read_text("utf-8"))
    files = tuple(written.listed if one.name == name else one for one in manifest.files)
    (path / "manifest.json").write_text(attrs.evolve(manifest, files=files).to_json(), "utf-8")


def refused(path, **facts):
    """Return the problems for which an export is refused; nothing may be left in the store."""
    target = sp.open("memory:")
    with pytest.raises(Invalid) as caught:
        maintenance.import_(target, path, **facts)
    assert [kind for kind, entries in whole(target).items() if entries and kind != "stamp"] == []
    assert {entry.id for entry in whole(target)["stamp"]} == {"index"}
    with target.store.transaction(write=False) as tx:
        assert list(tx.numbers()) == []
    return [(problem.path, problem.code) for problem in caught.value.problems]


# --- without loss ---


def test_the_story_has_every_kind_of_record(story, exported):
    complete(story)  # says so where a new kind has no part in it
    lines = {one["name"]: one["lines"] for one in stated(exported)["files"]}
    assert set(lines) == {f"records/{kept.kind.name}.jsonl" for kept in catalog.KEPT} | {"numbers.jsonl", "files.jsonl"}
    held = {
        f"records/{kind}.jsonl": [one for one in entries if one.id not in OF_THE_STORE]
        for kind, entries in whole(story).items()
    }
    assert {name: count for name, count in lines.items() if name in held} == {
        name: len(some) for name, some in held.items()
    }
    assert stated(exported)["missing"] == []


def test_an_export_of_what_was_imported_has_the_same_bytes(story, exported, url, opened, tmp_path):
    target = opened(url)
    done = maintenance.import_(target, exported)
    assert not done.resumed
    assert done.records == sum(one["lines"] for one in stated(exported)["files"] if one["name"].startswith("records"))
    maintenance.export(target, tmp_path / "again")
    assert content(tmp_path / "again") == content(exported)
    assert whole(target) == whole(story)
    assert maintenance.check(target) == []


def test_seals_numbers_and_histories_hold_after_an_import(story, exported, url, opened):
    target = opened(url)
    maintenance.import_(target, exported)
    assert target.documents.verify_seals() == story.documents.verify_seals()
    assert [row.problems for row in target.documents.verify_seals()] == [(), ()]
    assert target.documents.verify_numbers() == story.documents.verify_numbers()
    assert target.settings.history() == story.settings.history()
    assert target.settings.stages["Prospect"].label == "Prospect"
    assert [b"".join(target.attachments.read(one)) for one in target.attachments] == [
        b"%PDF-1.7\n" + b"forty bays " * 40
    ]
    # What comes next is numbered behind what was: (SPEC DOC-6)
    last = story.opportunities.order("-reference").first().reference
    following = target.opportunities.create(
        contact="Acme Ltd", subject="Mezzanine", lines=[sp.Line("Floor", unit_price="9000")]
    )
    assert (last, following.reference) == ("OPP/00003", "OPP/00004")


def test_a_sealed_document_is_sealed_in_the_new_file(exported, tmp_path):
    import sqlite3

    maintenance.import_(tmp_path / "new.db", exported)
    connection = sqlite3.connect(tmp_path / "new.db")
    with pytest.raises(sqlite3.IntegrityError, match="a sealed document is changed by salespipeline alone"):
        connection.execute("UPDATE document SET total = 1")
    assert connection.execute("SELECT count(*) FROM _door").fetchone() == (0,)
    connection.close()


def test_what_is_entered_afterwards_goes_on_where_the_feed_stood(tmp_path):
    source = told()
    cursor = source.activities.since(None, limit=1000).cursor
    maintenance.export(source, tmp_path / "all.zip")
    target = sp.open("memory:")
    maintenance.import_(target, tmp_path / "all.zip")
    assert target.activities.since(cursor).activities == ()
    target.contacts.add("Isley Brewing")
    assert [one.title for one in target.activities.since(cursor).activities] == ["Isley Brewing"]


hostile = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=40).map(
    lambda text: f"x{text}"
)


@settings(max_examples=12)
@given(
    names=st.lists(hostile, min_size=1, max_size=6), note=hostile, files=st.lists(st.binary(max_size=300), max_size=3)
)
def test_whatever_was_entered_comes_out_again(names, note, files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    with sp.open("memory:", actor="jane") as sales:
        sales.settings.stages.add("One", "Two")
        for name in names:
            contact = sales.contacts.add(name, note=note)
            deal = sales.opportunities.create(
                contact=contact, subject=name, note=note, lines=[sp.Line(name, unit_price="1")]
            )
            sales.opportunities.edit(deal, subject=note)
            for number, file in enumerate(files):
                sales.attachments.add(deal.id, f"{number}", file, audience="both")
        maintenance.export(sales, folder / "a")
    maintenance.import_(folder / "b.db", folder / "a")
    maintenance.export(folder / "b.db", folder / "b.zip", compress=True)
    with sp.open("memory:") as other:
        maintenance.import_(other, folder / "b.zip")
        maintenance.export(other, folder / "c")
    assert content(folder / "c") == content(folder / "a")


def test_a_zip_holds_the_same_files_and_has_the_same_bytes_each_time(story, exported, tmp_path):
    for name in ("a.zip", "b.zip", "small.zip"):
        maintenance.export(story, tmp_path / name, compress=name == "small.zip")
        with zipfile.ZipFile(tmp_path / name) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == content(exported)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert (tmp_path / "small.zip").stat().st_size < (tmp_path / "a.zip").stat().st_size


def test_an_entry_keeps_its_version_however_high(tmp_path):
    with sp.open("memory:") as sales:
        contact = sales.contacts.add("Acme Ltd")
        for number in range(30):
            contact = sales.contacts.edit(contact, note=f"{number}")
        maintenance.export(sales, tmp_path / "a")
    with sp.open(tmp_path / "b.db") as target:
        maintenance.import_(target, tmp_path / "a")
        assert target.contacts["Acme Ltd"].version == 31
        assert target.contacts.edit(contact, note="on").version == 32


def test_an_older_format_is_brought_up_as_a_store_does(copy, monkeypatch, opened):
    def upcast(kind, values):
        return {**values, "subject": values["subject"] + " (old)"} if kind == "opportunity" else values

    monkeypatch.setitem(codec.UPCASTS, 1, upcast)
    for module in (catalog, codec):
        monkeypatch.setattr(module, "FORMAT", 2)
    monkeypatch.setattr(loading, "_AS_NOW", ('{"format":2,', '{"format":2}'))
    target = opened("memory:")
    maintenance.import_(target, copy)
    assert min(deal.subject for deal in target.opportunities) == "Außenlager (old)"
    assert {json.loads(entry.body)["format"] for entries in whole(target).values() for entry in entries} >= {2}


# --- refused ---


def test_a_store_that_is_not_empty_is_refused(exported, opened, url):
    target = opened(url)
    target.contacts.add("Somebody")
    with pytest.raises(Refused, match=r"an export goes into an empty store, and this one has contact 'id0000000\d'"):
        maintenance.import_(target, exported)
    assert target.contacts.count() == 1
    assert maintenance.check(target) == []


@pytest.mark.parametrize(
    ("name", "spoil", "told"),
    [
        ("records/contact.jsonl", lambda text: text.replace(b"Acme", b"Acne"), "1 changed"),
        ("records/activity.jsonl", lambda text: text[:-30], "LAST cut"),
        ("records/activity.jsonl", lambda text: text[: text.index(b"\n") + 1], "2 cut"),
        ("records/note.jsonl", lambda text: text + b"{}\n", "4 more"),
        (
            "records/note.jsonl",
            lambda text: b"\n".join(text.split(b"\n")[1::-1]) + b"\n",
            "1 changed, 2 changed, 3 cut",
        ),
        ("records/note.jsonl", lambda text: text[text.index(b"\n") + 1 :], "1 changed, 3 cut"),
        ("records/note.jsonl", lambda text: text[:8] + b"zzzzzzzz" + text[16:], "1 changed, 2 changed"),
        ("numbers.jsonl", lambda text: text.replace(b'"last": 3', b'"last": 2'), "6 changed"),
        ("files.jsonl", lambda _: b"", "1 cut"),
        ("manifest.json", lambda text: text.replace(b'"lines": 3', b'"lines": 4'), "manifest"),
        ("manifest.json", lambda text: text[:200], "manifest"),
        ("manifest.json", lambda _: b'{"what":"else"}', "manifest"),
        ("manifest.json", lambda _: b"[" * 100_000, "manifest"),
    ],
)
def test_an_edited_or_truncated_export_is_refused_with_file_and_line(copy, name, spoil, told):
    before = (copy / name).read_bytes()
    (copy / name).write_bytes(spoil(before))
    assert (copy / name).read_bytes() != before
    found = refused(copy)
    told = told.replace("LAST", str(len(before.splitlines())))
    assert {path.partition(":")[0] for path, _ in found} == {name}
    assert ", ".join(f"{path.partition(':')[2]} {code}".strip() for path, code in found) == told


def test_everything_that_is_wrong_is_told_at_once(copy):
    for name in ("contact", "item"):
        file = copy / f"records/{name}.jsonl"
        file.write_bytes(file.read_bytes().replace(b'"version":1', b'"version":9'))
    (copy / "records/job.jsonl").unlink()
    assert refused(copy) == [
        ("records/item.jsonl:1", "changed"),
        ("records/contact.jsonl:2", "changed"),
        ("records/job.jsonl", "missing"),
    ]


@pytest.mark.parametrize("manifest", ["gone", "newer"])
def test_an_export_without_a_manifest_or_with_a_newer_one_is_refused(copy, manifest):
    if manifest == "gone":
        (copy / "manifest.json").unlink()
        assert refused(copy) == [("manifest.json", "missing")]
        return
    for fact in ("layout", "format"):
        (copy / "manifest.json").write_text(json.dumps({**stated(copy), fact: 99}), "utf-8")
        with sp.open("memory:") as target, pytest.raises(NewerFormat, match="upgrade salespipeline"):
            maintenance.import_(target, copy)


def test_a_file_that_is_cut_changed_or_gone_is_refused(copy):
    (first, second, *_) = sorted((copy / "files").iterdir())
    whole_file = first.read_bytes()
    first.write_bytes(whole_file[:-1])
    second.unlink()
    assert refused(copy) == [("files.jsonl:1", "file"), ("files.jsonl:2", "file")]
    shutil.rmtree(copy)
    first.parent.mkdir(parents=True)


def test_bytes_that_were_changed_are_refused(copy):
    first = min((copy / "files").iterdir())
    first.write_bytes(b"X" + first.read_bytes()[1:])
    assert refused(copy) == [("files.jsonl:1", "file")]


def test_every_record_that_cannot_be_read_is_told_and_nothing_is_left(copy, monkeypatch):
    monkeypatch.setattr(loading, "AT_ONCE", 2)

    def change(lines):
        lines[0] = lines[0].replace('"subject"', '"subjekt"')
        lines[2] = lines[2].replace('"id":"', '"id":17,"x":"')
        return lines

    forged(copy, "records/opportunity.jsonl", change)
    forged(copy, "records/contact.jsonl", lambda lines: [*lines, lines[0]])
    assert refused(copy) == [
        ("records/contact.jsonl:3", "row"),
        ("records/opportunity.jsonl:1", "row"),
        ("records/opportunity.jsonl:3", "row"),
    ]


def test_a_zip_that_was_cut_is_refused(story, tmp_path):
    maintenance.export(story, tmp_path / "a.zip")
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:-100])
    assert refused(tmp_path / "a.zip") == [("a.zip", "zip")]


def test_what_is_no_export_is_refused(tmp_path, opened):
    with pytest.raises(OpenError, match="there is no export"):
        maintenance.import_(opened("memory:"), tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty") == [("manifest.json", "missing")]


def test_an_export_writes_over_nothing(story, exported):
    before = content(exported)
    with pytest.raises(OpenError, match="is there already"):
        maintenance.export(story, exported)
    assert content(exported) == before


def test_an_export_that_fails_leaves_nothing(story, tmp_path, monkeypatch):
    def fail(name, done):
        if name == "document":
            raise KeyboardInterrupt

    for name in ("a", "a.zip"):
        with pytest.raises(KeyboardInterrupt):
            maintenance.export(story, tmp_path / name, progress=fail)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "locked").mkdir()
    monkeypatch.setattr(
        os, "mkdir", lambda *_args, **_facts: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    )
    with pytest.raises(ReadOnly):
        maintenance.export(story, tmp_path / "locked" / "a")


def test_a_file_that_a_record_names_and_that_is_gone_is_told(tmp_path):
    with told() as sales:
        plan = next(iter(sales.attachments))
        sales.blobs.forget(plan.digest)
        done = maintenance.export(sales, tmp_path / "a")
    assert done.missing == (plan.digest,)
    assert f"missing: the file {plan.digest}" in str(done)
    with sp.open("memory:") as target:
        maintenance.import_(target, tmp_path / "a")
        maintenance.export(target, tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_a_store_that_cannot_list_its_numbers_says_so(tmp_path):
    class Plain(MemoryStore):
        def transaction(self, *, write=True):
            inner = super().transaction(write=write)
            return _Without(inner)

    class _Without:
        def __init__(self, inner):
            self.inner = inner

        def __enter__(self):
            self.inner.__enter__()
            return self

        def __exit__(self, *error):
            return self.inner.__exit__(*error)

        def __getattr__(self, name):
            if name in ("numbers", "set_number"):
                raise AttributeError(name)
            return getattr(self.inner, name)

    with sp.open(Plain()) as sales, pytest.raises(OpenError, match="cannot list its numbers"):
        maintenance.export(sales, tmp_path / "a")


# --- interrupted ---

KILLED = """
import os, signal, sys
from salespipeline import maintenance
from salespipeline.exports import loading

loading.AT_ONCE, loading.ENOUGH = 3, 1
export, target, when = sys.argv[1], sys.argv[2], int(sys.argv[3])
told = iter(range(1_000_000))

def progress(name, done):
    if next(told) == when:
        os.kill(os.getpid(), signal.SIGKILL)

maintenance.import_(target, export, progress=progress)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing is killed like this here")
def test_an_import_that_was_killed_goes_on(exported, tmp_path):
    target = tmp_path / "sales.db"
    for when in (2, 15, 4):  # each in the run that goes on after the one before
        done = subprocess.run([sys.executable, "-c", KILLED, str(exported), str(target), str(when)], check=False)
        assert done.returncode == -signal.SIGKILL
        with pytest.raises(Unfinished, match=r"call salespipeline\.maintenance\.import_"):
            sp.open(target)
    seen = []
    done = maintenance.import_(target, exported, progress=lambda name, _: seen.append(name))
    assert done.resumed
    assert "files" not in seen  # they were kept before, and noted
    assert "contact" not in seen
    maintenance.export(target, tmp_path / "again")
    assert content(tmp_path / "again") == content(exported)


def test_what_is_interrupted_anywhere_goes_on(exported, monkeypatch, tmp_path):
    monkeypatch.setattr(loading, "AT_ONCE", 20)
    store, number = MemoryStore(), 5
    sp.open(store)
    while True:
        failing = FailingAt(number, store)
        failing.prepare(catalog.CATALOG)
        try:
            loading.import_from(exported, failing, store.blobs)
        except sp.StorageError:
            number += 7
            continue
        break
    assert number > 20
    maintenance.export(sp.open(store), tmp_path / "again")
    assert content(tmp_path / "again") == content(exported)


def test_another_export_is_not_mixed_in(exported, tmp_path, opened):
    target = opened("memory:")
    with pytest.raises(KeyboardInterrupt):
        maintenance.import_(target, exported, progress=_interrupt)
    with sp.open("memory:") as other:
        other.contacts.add("Somebody else")
        maintenance.export(other, tmp_path / "other")
    with pytest.raises(Refused, match="the import of another export has begun here"):
        maintenance.import_(target, tmp_path / "other")
    assert maintenance.import_(target, exported).resumed


def test_a_taking_back_that_was_interrupted_goes_on(copy, monkeypatch, opened):
    forged(copy, "records/note.jsonl", lambda lines: [line.replace("subject", "subjekt") for line in lines])
    target = opened("memory:")

    class Halt(BaseException):
        pass

    def halt(self):
        with self._store.transaction() as tx:
            self._note(tx, loading.EMPTYING)
        raise Halt

    with monkeypatch.context() as patched:
        patched.setattr(loading._Loading, "_empty", halt)
        with pytest.raises(Halt):
            maintenance.import_(target, copy)
    with pytest.raises(Invalid) as caught:
        maintenance.import_(target, copy)
    assert [problem.path for problem in caught.value.problems] == [f"records/note.jsonl:{line}" for line in (1, 2, 3)]
    assert [kind for kind, entries in whole(target).items() if entries] == ["stamp"]


def _interrupt(name, _done):
    if name == "document":
        raise KeyboardInterrupt


# --- the command ---


def test_the_command_exports_and_imports(exported, tmp_path, capsys):
    first, second = f"sqlite:///{tmp_path / 'a.db'}", f"sqlite:///{tmp_path / 'b.db'}"
    assert maintenance.main(["import", first, str(exported)]) == 0
    assert maintenance.main(["export", first, str(tmp_path / "all.zip"), "--compress"]) == 0
    assert maintenance.main(["import", second, str(tmp_path / "all.zip")]) == 0
    assert maintenance.main(["export", second, str(tmp_path / "again")]) == 0
    assert content(tmp_path / "again") == content(exported)
    said = capsys.readouterr()
    count = len((exported / "records/activity.jsonl").read_bytes().splitlines())
    assert re.search(rf"\d+ records and 4 files in {re.escape(str(tmp_path / 'again'))}\n", said.out)
    assert f"activity: {count} done\n" in said.err
    assert maintenance.main(["import", second, str(tmp_path / "all.zip")]) == 2
    assert "an export goes into an empty store" in capsys.readouterr().err


def test_the_command_takes_a_folder_of_files(tmp_path, capsys):
    with told(f"sqlite:///{tmp_path / 'a.db'}", blobs=sp.blobs.Folder(tmp_path / "files")):
        pass
    url = f"sqlite:///{tmp_path / 'a.db'}"
    assert maintenance.main(["export", url, str(tmp_path / "without")]) == 1
    assert capsys.readouterr().out.count("missing: the file") == 4
    assert maintenance.main(["export", url, str(tmp_path / "with"), "--files", str(tmp_path / "files")]) == 0
    new = ["import", f"sqlite:///{tmp_path / 'b.db'}", str(tmp_path / "with"), "--files", str(tmp_path / "new")]
    assert maintenance.main(new) == 0
    assert sum(1 for file in (tmp_path / "new").rglob("*") if file.is_file()) == 4
