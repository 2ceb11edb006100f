"""Files at records: who may see them, how they come and go, and all of them as one ZIP. (SPEC ATT-1, ATT-2)"""

from __future__ import annotations

import hashlib
import io
import os
import tracemalloc
import zipfile
from pathlib import PurePosixPath, PureWindowsPath

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.whole import whole

import salespipeline as sp
from salespipeline import maintenance
from salespipeline.blobs import Folder, Memory
from salespipeline.blobs.digests import checked
from salespipeline.errors import Corrupt
from salespipeline.mail.filenames import safe_filenames

DAY = 24 * 3600


@pytest.fixture
def plan(sales, deal):
    return sales.attachments.add(deal, "Plan.txt", b"forty bays", audience="both", comment="as measured")


def unzipped(chunks):
    return zipfile.ZipFile(io.BytesIO(b"".join(chunks)))


def test_an_attachment_says_what_it_is_and_gives_its_bytes_back(sales, deal, plan):
    assert (plan.name, plan.media_type, plan.size) == ("Plan.txt", "text/plain", 10)
    assert plan.digest == hashlib.sha256(b"forty bays").hexdigest()
    assert (plan.created_by, plan.created_at, plan.opportunity_id) == ("jane", sales.now(), deal.id)
    assert sales.attachments[plan.id] == sales.attachments["plan.TXT"] == plan
    assert sales.attachments.content(plan) == b"forty bays"
    assert [one.action for one in sales.attachments.history(plan)] == ["created"]
    assert maintenance.check(sales) == []


def test_who_may_see_it_must_be_said_and_nothing_is_kept_before(sales, deal):
    before = whole(sales)
    with pytest.raises(TypeError):
        sales.attachments.add(deal, "Plan.txt", b"x")
    for audience in ("", "all", None, "WEB"):
        with pytest.raises(sp.Invalid, match="say who may see the file"):
            sales.attachments.add(deal, "Plan.txt", b"x", audience=audience)
    with pytest.raises(sp.Invalid) as refused:
        sales.attachments.add(deal, " ", b"x", audience="all", comment="\0")
    assert {problem.path for problem in refused.value.problems} == {"name", "audience", "comment"}
    with pytest.raises(sp.NotFound):
        sales.attachments.add("OPP/99999", "Plan.txt", b"x", audience="web")
    for nothing in (None, 7, plan_like()):
        with pytest.raises(sp.Invalid, match="a record"):
            sales.attachments.add(nothing, "Plan.txt", b"x", audience="web")
    assert whole(sales) == before
    with pytest.raises(sp.NotFound):
        sales.blobs.read(hashlib.sha256(b"x").hexdigest())


def plan_like():
    return sp.Line("Racking", unit_price="1")


@pytest.mark.parametrize("content", ["text", None, 7, [b"ok", "text"], [1]])
def test_what_is_no_file_is_refused(sales, deal, content):
    with pytest.raises(sp.Invalid, match="bytes"):
        sales.attachments.add(deal, "Plan.txt", content, audience="web")
    assert len(sales.attachments) == 0


def test_it_comes_as_bytes_a_path_an_open_file_or_chunks_and_is_kept_once(sales, deal, tmp_path):
    content = os.urandom(700_000)
    path = tmp_path / "x.bin"
    path.write_bytes(content)
    chunks = (content[start : start + 1000] for start in range(0, len(content), 1000))
    with path.open("rb") as file:
        for given_as in (content, bytearray(content), path, file, chunks):
            one = sales.attachments.add(deal, "x.bin", given_as, audience="web")
            assert (one.size, one.digest) == (700_000, hashlib.sha256(content).hexdigest())
    assert len(sales.attachments.where(digest=one.digest)) == 5
    for one in list(sales.attachments)[1:]:
        sales.attachments.delete(one)
    assert b"".join(sales.attachments.read("x.bin")) == content


def test_more_than_the_cap_is_refused_as_soon_as_it_is_seen(sales, deal):
    read = []

    def endless():
        while True:
            read.append(1)
            yield b"x" * 1000

    with pytest.raises(sp.Invalid, match="more than 5,000 bytes"):
        sales.attachments.add(deal, "x", endless(), audience="web", most_bytes=5000)
    assert len(read) == 6
    assert sales.attachments.add(deal, "x", b"x" * 5000, audience="web", most_bytes=5000).size == 5000


def test_an_error_of_the_source_leaves_nothing(sales, deal):
    def broken():
        yield b"x"
        raise OSError("the line dropped")

    before = whole(sales)
    with pytest.raises(OSError, match="the line dropped"):
        sales.attachments.add(deal, "x", broken(), audience="web")
    assert whole(sales) == before


def test_the_tab_gathers_those_of_the_opportunity_and_its_documents(sales, deal, plan):
    quote = sales.documents.draft(deal, "quote")
    other = sales.opportunities.create(contact="Acme Ltd", subject="Shed", lines=[sp.Line("Shed", unit_price="1")])
    sales.attachments.add(quote, "Terms.txt", b"30 days", audience="web")
    sales.attachments.add(other, "Not here.txt", b"x", audience="web")
    sales.attachments.add("Acme Ltd", "Nor here.txt", b"x", audience="web")
    assert [one.name for one in sales.attachments.of(deal)] == ["Plan.txt", "Terms.txt"]
    assert [one.name for one in sales.attachments.of("QUO/00001")] == ["Terms.txt"]
    assert [one.name for one in sales.attachments.of("Acme Ltd")] == ["Nor here.txt"]
    assert [one.name for one in sales.attachments.where(text="measured")] == ["Plan.txt"]
    assert [row["record"] for row in sales.attachments.of(deal).to_dicts()] == ["opportunity", "document"]


@pytest.mark.parametrize(
    ("viewer", "expected"), [("web", ["w", "b"]), ("resources", ["r", "b"]), ("everyone", ["w", "r", "b"])]
)
def test_a_viewer_sees_what_is_for_them_in_the_list_and_in_the_zip(sales, deal, viewer, expected):
    for name, audience in (("w", "web"), ("r", "resources"), ("b", "both")):
        sales.attachments.add(deal, name, name.encode(), audience=audience)
    assert [one.name for one in sales.attachments.of(deal, audience=viewer)] == expected
    assert unzipped(sales.attachments.download_all(deal, audience=viewer)).namelist() == expected
    for nobody in ("both", "", None, "all"):
        with pytest.raises(sp.Invalid, match="say who gets the files"):
            sales.attachments.download_all(deal, audience=nobody)


def test_it_is_renamed_and_shown_to_others(sales, plan):
    changed = sales.attachments.edit(plan, name="Plan A.txt", audience="resources")
    assert (changed.name, changed.seen_by("web"), changed.digest) == ("Plan A.txt", False, plan.digest)
    with pytest.raises(sp.Conflict):
        sales.attachments.edit(plan, comment="late")
    with pytest.raises(sp.Invalid):
        sales.attachments.edit(plan.id, audience="nobody")


# --- quarantine -----------------------------------------------------------------------------------------------


def test_what_a_scanner_finds_is_kept_away_until_a_person_lets_it_out(url, opened):
    seen = []

    def scanner(name, chunks):
        content = b"".join(chunks)
        seen.append((name, content))
        return "EICAR\ntest" if b"EICAR" in content else None

    sales = opened(url, scanner=scanner)
    acme = sales.contacts.add("Acme Ltd")
    good = sales.attachments.add(acme, "good.txt", b"fine", audience="both")
    bad = sales.attachments.add(acme, "bad.txt", b"EICAR", audience="both")
    assert seen == [("good.txt", b"fine"), ("bad.txt", b"EICAR")]
    assert (good.scan, bad.scan, bad.finding) == ("clean", "infected", "EICAR?test")
    for read in (sales.attachments.read, sales.attachments.content):
        with pytest.raises(sp.Refused, match="is in quarantine: EICAR"):
            read(bad)
    assert unzipped(sales.attachments.download_all(acme, audience="web")).namelist() == ["good.txt"]
    released = sales.acting("tom").attachments.release(bad)
    assert sales.attachments.content(released) == b"EICAR"
    assert [(one.by, one.action) for one in sales.attachments.history(bad)] == [
        ("jane", "created"),
        ("tom", "released"),
    ]
    with pytest.raises(sp.NotAllowed):
        sales.attachments.release(good)


def test_where_the_scanner_fails_nobody_reads_it_and_it_is_scanned_later(url, opened):
    answers = [RuntimeError("clamd is down"), RuntimeError("still"), None]

    def scanner(_name, _chunks):
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    sales = opened(url, scanner=scanner)
    one = sales.attachments.add(sales.contacts.add("Acme Ltd"), "a.txt", b"fine", audience="both")
    assert one.scan == "pending"
    with pytest.raises(sp.Refused, match="not been scanned yet"):
        sales.attachments.read(one)
    assert [found.scan for found in sales.attachments.scan()] == ["pending"]
    assert [found.scan for found in sales.attachments.scan()] == ["clean"]
    assert sales.attachments.scan() == []
    assert sales.attachments.content(one.id) == b"fine"


# --- download all ---------------------------------------------------------------------------------------------


def test_the_zip_is_the_same_each_time_and_every_unzip_takes_it(sales, deal, clock):
    for number in range(5):
        sales.attachments.add(deal, f"{number}.bin", bytes([number]) * (number * 100_000), audience="both")
        clock.forward(minutes=1)
    first = b"".join(sales.attachments.download_all(deal, audience="web"))
    clock.forward(days=400)
    assert b"".join(sales.attachments.download_all(deal, audience="web")) == first
    archive = zipfile.ZipFile(io.BytesIO(first))
    assert archive.testzip() is None
    assert [(one.filename, one.file_size, one.date_time) for one in archive.infolist()][1:3] == [
        ("1.bin", 100_000, (2026, 11, 24, 9, 31, 0)),
        ("2.bin", 200_000, (2026, 11, 24, 9, 32, 0)),
    ]


@pytest.mark.parametrize("summed", [True, False])
def test_a_zip_of_bytes_that_were_changed_is_refused(sales, deal, summed):
    plan = sales.attachments.add(deal, "Plan.txt", b"forty bays", audience="both")
    assert plan.crc32 == 0x48DC3F4A
    if not summed:  # as those are that were kept before the sum was
        with sales.work() as work:
            work.keep(attrs.evolve(plan, crc32=None), plan, action="edited")
    assert unzipped(sales.attachments.download_all(deal, audience="web")).read("Plan.txt") == b"forty bays"

    class Spoilt:
        def read(self, digest):
            return checked(digest, self.unchecked(digest))

        def unchecked(self, _digest):
            return iter([b"forty ", b"bags"])

    sales._blobs = Spoilt()
    with pytest.raises(Corrupt):
        list(sales.attachments.download_all(deal, audience="web"))


HOSTILE = ["../../etc/passwd", "..\\..\\x", "/etc/passwd", "C:\\x", "passwd", "PASSWD", "CON", "nul.txt", "a" * 199, "．．／x",
           "e\u0301.txt", "é.txt", "É.TXT", "x", "X", "file", "ﬁle", "~", "a:b", ".", "..."]  # fmt: skip


def test_names_in_the_zip_are_safe_and_no_two_are_one_file_anywhere(sales, deal):
    for position, name in enumerate(HOSTILE):
        sales.attachments.add(deal, name, str(position).encode(), audience="both")
    archive = unzipped(sales.attachments.download_all(deal, audience="everyone"))
    assert [archive.read(name).decode() for name in archive.namelist()] == [str(one) for one in range(len(HOSTILE))]
    check_names(archive.namelist())


def check_names(names):
    for name in names:
        assert PurePosixPath(name).name == PureWindowsPath(name).name == name
        assert name.partition(".")[0].upper() not in ("CON", "NUL")
        assert len(name.encode()) <= 150
    folded = [name.casefold() for name in names]
    assert len(set(folded)) == len(folded)


@given(st.lists(st.one_of(st.sampled_from([*HOSTILE, "x (2)", "X (2)"]), st.text(max_size=20)), max_size=30))
def test_any_names_become_safe_and_distinct_ones_in_their_order(names):
    found = safe_filenames(names)
    assert len(found) == len(names)
    check_names(found)
    assert safe_filenames(names) == found


def test_ten_thousand_files_of_one_name_get_names_at_once():
    found = safe_filenames(["Offer.pdf"] * 10_000)
    assert (found[0], found[1], found[-1]) == ("Offer.pdf", "Offer (2).pdf", "Offer (10000).pdf")


def test_files_pass_in_chunks_and_are_never_held_whole(url, opened, tmp_path):
    sales = opened(url, blobs=Folder(tmp_path / "files") if url == "memory:" else None)
    acme = sales.contacts.add("Acme Ltd")
    size, block = 24, os.urandom(1_000_000)
    tracemalloc.start()
    try:
        one = sales.attachments.add(acme, "big", (block for _ in range(size)), audience="both")
        total = sum(map(len, sales.attachments.download_all(acme, audience="web")))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert one.size == 24_000_000 < total
    assert peak < 9_000_000  # what waits for its digest waits in a file from 4 MB on


# --- sweep ----------------------------------------------------------------------------------------------------


def aged(sales, digest, seconds=2 * DAY):
    """Let bytes be as old as if somebody had kept them so long ago."""
    blobs = sales.blobs
    if isinstance(blobs, Memory):
        blobs._kept[digest] -= seconds
    elif isinstance(blobs, Folder):
        file = blobs._file(digest)
        os.utime(file, (file.stat().st_atime, file.stat().st_mtime - seconds))
    elif hasattr(blobs, "_file"):
        with blobs._file.transaction(write=True) as connection:
            connection.execute("UPDATE _blobs SET kept = kept - ? WHERE digest = ?", (seconds, digest))
    else:
        with blobs._source.transaction(write=True) as session:
            text = f"UPDATE {blobs._source.place.table('_blobs')} SET kept_at = kept_at - make_interval(secs => %s) WHERE digest = %s"
            session.run(text, (float(seconds), digest))


@pytest.fixture(params=["own", "folder"])
def swept(request, url, opened, tmp_path):
    blobs = Folder(tmp_path / "files") if request.param == "folder" else None
    sales = opened(url, blobs=blobs)
    sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
    sales.settings.stages.add("Prospect")
    sales.contacts.add("Acme Ltd")
    return sales


def there(sales, digest):
    try:
        return bool(list(sales.blobs.read(digest)))
    except sp.NotFound:
        return False


def test_a_sweep_takes_what_nobody_names_and_nothing_else(swept):
    acme = swept.contacts["Acme Ltd"]
    kept = swept.attachments.add(acme, "a.txt", b"kept", audience="both")
    twin = swept.attachments.add(acme, "b.txt", b"kept", audience="both")
    gone = swept.attachments.add(acme, "c.txt", b"gone", audience="both")
    lost, fresh = swept.blobs.keep([b"lost by a crash"]), swept.blobs.keep([b"about to be named"])
    deal = swept.opportunities.create(contact=acme, subject="Shed", lines=[sp.Line("Shed", unit_price="1", tax="20")])
    sent = swept.documents.mark_sent(swept.documents.draft(deal, "quote"))
    swept.documents.pdf(sent)
    before = swept.documents.verify(sent)
    swept.attachments.delete(gone)
    swept.attachments.delete(twin)
    for digest in set(swept.blobs.stale(-60)) - {fresh}:
        aged(swept, digest)
    found = swept.attachments.sweep()
    assert sorted(found.removed) == sorted([gone.digest, lost])
    assert (there(swept, gone.digest), there(swept, lost)) == (False, False)
    assert there(swept, fresh)
    assert swept.attachments.content(kept) == b"kept"
    assert swept.documents.verify(sent) == before
    assert swept.attachments.sweep().removed == ()


def test_bytes_that_are_kept_again_are_young_again(swept):
    digest = swept.blobs.keep([b"an old orphan"])
    aged(swept, digest)
    assert list(swept.blobs.stale(DAY)) == [digest]
    candidates = list(swept.blobs.stale(DAY))  # a sweep has looked, and is about to remove
    assert swept.blobs.keep([b"an old orphan"]) == digest
    assert [swept.blobs.discard(one, DAY) for one in candidates] == [False]
    assert there(swept, digest)
    assert swept.blobs.discard("0" * 64, -60) is False
    assert swept.blobs.discard("../../etc/passwd", -60) is False


def test_a_sweep_leaves_an_hour_at_least(swept):
    for seconds in (0, -1, 3599, float("nan"), "1", None):
        with pytest.raises(sp.Invalid, match="at least 3600 seconds"):
            swept.attachments.sweep(older_than=seconds)


def test_blobs_that_cannot_list_are_not_swept(opened):
    class Bare:
        def __init__(self):
            inner = Memory()
            self.keep, self.read, self.forget = inner.keep, inner.read, inner.forget

    with pytest.raises(sp.OpenError, match="cannot list"):
        opened("memory:", blobs=Bare()).attachments.sweep()
