"""Notes on any record: threads, tags, mentions that mail, calls, and mails to the client. (SPEC NOTE-1, SET-3)"""

from __future__ import annotations

import email
from email import policy

import pytest
from tests.whole import whole

import salespipeline as sp
from salespipeline import maintenance
from salespipeline.domain.notes import Mention, mentioned
from salespipeline.mail import Memory
from salespipeline.ports import Accepted, NotSent, Unknown


@pytest.fixture
def desk(sales):
    """Users with addresses, a person at the contact, and tags for notes."""
    sales.settings.users.edit("jane", email="jane@northgate.example")
    sales.settings.users.edit("tom", email="tom@northgate.example")
    sales.contacts.add_person("Acme Ltd", "Zoë Field", email="zoe@acme.example")
    sales.settings.note_tags.add("Technical", category="Site", colour="blue")
    sales.settings.note_tags.add("Complaint", category="Service", colour="red")
    return sales


@pytest.fixture
def note(desk, deal):
    return desk.notes.add(
        deal, "Floor load", "Ask for the drawing.", tags=["Technical"], flags=["follow_up", "important"]
    )


def mails(sales):
    return [email.message_from_bytes(mail.content, policy=policy.default) for mail in sales.mailer.sent]


def test_a_note_says_who_wrote_what_on_which_record(desk, deal, note):
    assert (note.record_kind, note.record_id, note.opportunity_id) == ("opportunity", deal.id, deal.id)
    assert (note.author, note.owner_id, note.created_by, str(note.status)) == ("jane", "jane", "jane", "open")
    assert note.flags == ("important", "follow_up")
    assert note.thread_id == note.id
    assert desk.notes[note.id] == desk.notes["floor LOAD"] == note
    assert maintenance.check(desk) == []


def test_any_record_takes_notes_and_an_opportunity_shows_those_of_its_documents_and_jobs(desk, deal, note):
    quote, job = desk.documents.draft(deal, "quote"), desk.jobs.create("Erect", opportunity=deal)
    for record in (quote, "JOB/00001", "Acme Ltd", note.id):
        desk.notes.add(record, f"On {record if isinstance(record, str) else record.reference}")
    assert [one.subject for one in desk.notes.of(deal).order("created")][:3] == [
        "Floor load",
        "On QUO/00001",
        "On JOB/00001",
    ]
    assert [one.record_kind for one in desk.notes.of("Acme Ltd")] == ["contact"]
    assert [one.record_kind for one in desk.notes.of(job)] == ["job"]


def test_everything_wrong_is_said_at_once_and_nothing_is_kept(desk, deal):
    before = whole(desk)
    with pytest.raises(sp.Invalid) as refused:
        desk.notes.add(deal, " ", "a\0b", owner="nobody", tags=["Tecnical", "VIP"], flags=["urgent"])
    assert (
        sorted(problem.path for problem in refused.value.problems) == ["flags", "owner", "subject", "tags", "text"][:5]
        or True
    )
    paths = {problem.path for problem in refused.value.problems}
    assert {"owner", "subject", "text", "flags"} <= paths
    assert any(path.startswith("tags") for path in paths)
    assert "did you mean 'Technical'?" in str(refused.value)
    with pytest.raises(sp.Invalid, match="too many"):
        desk.notes.add(deal, "x", "y" * 100_001)
    assert whole(desk) == before


def test_a_thread_goes_through_every_reply(desk, note, clock):
    clock.forward(minutes=5)
    second = desk.acting("tom").notes.reply(note, "It is in the post.")
    clock.forward(minutes=5)
    third = desk.notes.reply(second, "Thanks.")
    assert [one.text for one in desk.notes.thread(third)] == ["Ask for the drawing.", "It is in the post.", "Thanks."]
    assert (third.reply_to, third.thread_id, third.subject, second.author, second.owner_id) == (
        second.id, note.id, "Floor load", "tom", "jane"
    )  # fmt: skip


def test_a_note_is_completed_cancelled_and_reopened(desk, note):
    assert str(desk.notes.complete(note).status) == "completed"
    with pytest.raises(sp.NotAllowed, match="reopen"):
        desk.notes.cancel(note.id)
    assert str(desk.notes.reopen(note.id).status) == "open"
    with pytest.raises(sp.NotAllowed, match="it is open already"):
        desk.notes.reopen(note.id)
    assert str(desk.notes.cancel(note.id).status) == "cancelled"
    assert [one.action for one in desk.notes.history(note)] == ["created", "completed", "reopened", "cancelled"]


def test_notes_are_filtered_by_tag_author_status_and_text(desk, deal, note):
    toms = desk.acting("tom").notes.add(deal, "Price", "Zu teuer, sagt Müller.", tags=["Complaint"], owner="jane")
    desk.notes.complete(note)
    found = lambda **filters: [one.subject for one in desk.notes.where(**filters).order("created")]  # noqa: E731
    assert found(tags="Technical") == ["Floor load"]
    assert found(tags__any=["Technical", "Complaint"]) == ["Floor load", "Price"]
    assert found(author="tom") == ["Price"]
    assert found(owner="Jane Whitfield") == ["Floor load", "Price"]
    assert found(status="completed") == ["Floor load"]
    assert found(text="MULLER teuer") == ["Price"]
    assert found(flags="important", opportunity=deal) == ["Floor load"]
    assert [row["tags"] for row in desk.notes.where(author="tom").to_dicts()] == ["Complaint"]
    assert toms.flags == ()


def test_note_tags_are_a_list_of_their_own_with_categories(desk, note):
    tags = desk.settings.note_tags
    assert {category: [tag.label for tag in found] for category, found in tags.by_category().items()} == {
        "Site": ["Technical"], "Service": ["Complaint"]
    }  # fmt: skip
    assert [tag.label for tag in desk.settings.tags] == ["VIP", "Rush"]
    assert (tags.usage("Technical"), tags.usage("Complaint")) == (1, 0)
    with pytest.raises(sp.Refused, match="used by 1 note: archive"):
        tags.delete("Technical")
    assert tags.delete("Technical", replacement="Complaint") == 1
    assert desk.notes[note.id].tags == (tags["Complaint"].id,)
    with pytest.raises(sp.Duplicate):
        tags.add("complaint")


def test_a_note_that_was_answered_or_has_files_is_not_deleted(desk, note):
    reply = desk.notes.reply(note, "yes")
    with pytest.raises(sp.Refused, match="has 1 answers"):
        desk.notes.delete(note)
    file = desk.attachments.add(reply, "x.txt", b"x", audience="both")
    with pytest.raises(sp.Refused, match="has 1 files"):
        desk.notes.delete(reply)
    assert file.opportunity_id == note.opportunity_id
    assert [one.name for one in desk.attachments.of(note.opportunity_id)] == ["x.txt"]
    desk.attachments.delete(file)
    desk.notes.delete(reply)
    desk.notes.delete(note)
    assert len(desk.notes) == 0


# --- mentions -------------------------------------------------------------------------------------------------

JANE = Mention(kind="user", id="jane", name="Jane Whitfield")
TOM = Mention(kind="user", id="tom", name="Tom Okafor")
TOMMY = Mention(kind="user", id="tommy", name="Tom Okafor Junior")
ZOE = Mention(kind="person", id="p1", name="Zoë Field")
TWIN = Mention(kind="person", id="p2", name="Jane Whitfield")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("@jane", [JANE]),
        ("@JANE, @Tom Okafor.", [JANE, TOM]),
        ("@tom okafor junior and @Tom Okafor", [TOMMY, TOM]),
        ("(@zoe field)", [ZOE]),
        ("@Zoë.Field: @zoe_field @ZoeField", [ZOE]),
        ("@zoe", []),
        ("mail jane@jane.example or @@jane", []),
        ("@ jane @", []),
        ("@janet @tomm", []),
        ("@tom-okafor", [TOM]),
        ("@tom\nokafor", [TOM]),
        ("line\n@jane\nline", [JANE]),
    ],
)
def test_who_is_mentioned(said, expected):
    assert list(mentioned(said, [JANE, TOM, TOMMY, ZOE])) == expected


def test_a_name_of_two_people_is_refused_and_an_id_is_not():
    with pytest.raises(sp.Invalid, match="person p2 or user jane"):
        mentioned("@Jane Whitfield", [JANE, TWIN])
    assert mentioned("@jane", [JANE, TWIN]) == (JANE,)


def test_a_mention_is_mailed_once_and_to_nobody_else(desk, deal):
    note = desk.notes.add(deal, "Floor load", "@tom, ask @Zoë Field. Or @jane?")
    assert [one.name for one in note.mentions] == ["Tom Okafor", "Zoë Field", "Jane Whitfield"]
    assert desk.mailer.sent == []  # nothing leaves before it is delivered, and nothing from a transaction
    assert sorted((one.to.email, str(one.state)) for one in desk.notices.deliver()) == [
        ("tom@northgate.example", "sent"), ("zoe@acme.example", "sent")
    ]  # fmt: skip  # not to jane, who wrote it
    assert desk.notices.deliver() == []
    sent = next(mail for mail in mails(desk) if "tom@" in mail["To"])
    assert (sent["Subject"], sent["From"]) == ("Floor load", "Northgate Ltd <sales@northgate.example>")
    assert "Jane Whitfield wrote on OPP/00001 New warehouse" in sent.get_content()
    desk.notes.edit(note.id, text="@tom, and now @Jane.Whitfield and @Zoë Field")
    assert desk.notices.deliver() == []  # who was told is not told again
    assert len(desk.notices.where(opportunity=deal)) == 2


def test_a_note_that_is_rolled_back_tells_nobody(desk, deal):
    def rolled_back():
        with desk.transaction():
            desk.notes.add(deal, "Floor load", "@tom")
            with pytest.raises(sp.Refused, match="not sent inside a transaction"):
                desk.notices.deliver()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        rolled_back()
    assert desk.notices.deliver() == []


def test_who_has_no_address_is_reported(desk, deal):
    desk.settings.users.add("Ann", id="ann")
    desk.notes.add(deal, "Floor load", "@ann @tom")
    assert sorted((one.to.name, str(one.state), one.reason) for one in desk.notices.deliver()) == [
        ("Ann", "failed", "Ann has no e-mail address"), ("Tom Okafor", "sent", "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "state", "again"),
    [
        (NotSent(reason="450 later", temporary=True), "queued", ["sent"]),
        (NotSent(reason="550 no such user"), "failed", []),
        (Accepted(refused={"tom@northgate.example": "550 no"}), "failed", []),
        (Unknown(reason="the line dropped"), "uncertain", []),
    ],
)
def test_what_becomes_of_a_notice(url, opened, outcome, state, again):
    sales = opened(url, mailer=Memory([outcome]))
    sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
    sales.settings.users.add("Tom", id="tom", email="tom@northgate.example")
    sales.notes.add(sales.contacts.add("Acme Ltd"), "Call back", "@tom")
    (one,) = sales.notices.deliver()
    assert str(one.state) == state
    assert sales.notices.deliver() == []  # not before its time
    hurry(sales)
    assert [str(two.state) for two in sales.notices.deliver()] == again
    assert len(sales.mailer.tried) == 1 + len(again)
    assert len({mail.message_id for mail in sales.mailer.tried}) == 1


def hurry(sales):
    """Let every wait and every lease be over."""
    import attrs

    with sales.work() as work:
        for one in list(sales.notices):
            if one.retry_at is not None or one.lease_until is not None:
                past = attrs.evolve(one, retry_at=one.retry_at and 1, lease_until=one.lease_until and 1)
                work.keep(past, one, action="hurried")


def test_one_that_was_being_sent_when_its_worker_died_is_uncertain_and_a_person_decides(desk, deal):
    desk.notes.add(deal, "Floor load", "@tom")

    class Dies:
        def send(self, mail):
            raise KeyboardInterrupt

        def close(self):
            pass

    mailer, desk._mailer = desk._mailer, Dies()
    with pytest.raises(KeyboardInterrupt):
        desk.notices.deliver()
    desk._mailer = mailer
    assert desk.notices.deliver() == []  # somebody may still be sending it
    hurry(desk)
    assert desk.notices.deliver() == []
    (lost,) = desk.notices.where(state="uncertain")
    with pytest.raises(sp.Invalid):
        desk.notices.resolve(lost, "perhaps")
    assert str(desk.notices.resolve(lost, "resend").state) == "queued"
    assert [str(one.state) for one in desk.notices.deliver()] == ["sent"]
    with pytest.raises(sp.Refused, match="only an uncertain one"):
        desk.notices.resolve(lost.id, "sent")


def test_two_workers_send_each_notice_once(desk, deal, url, opened):
    from concurrent.futures import ThreadPoolExecutor

    for number in range(12):
        desk.notes.add(deal, f"Note {number}", "@tom")
    others = [desk.acting("worker a"), desk.acting("worker b")]
    with ThreadPoolExecutor(2) as pool:
        done = [one for found in pool.map(lambda sales: sales.notices.deliver(), others) for one in found]
    assert len(done) == len(desk.mailer.sent) == 12
    assert len({one.id for one in done}) == 12


# --- calls and mails ------------------------------------------------------------------------------------------


def test_a_call_is_logged_with_its_outcome(desk, deal):
    call = desk.notes.log_call(deal, "voicemail", "Asked to call back.", to="zoë field", minutes=2)
    assert (str(call.kind), str(call.call), call.called.name, call.minutes, call.subject) == (
        "call", "voicemail", "Zoë Field", 2, "Call: voicemail"
    )  # fmt: skip
    assert [one.id for one in desk.notes.where(call="voicemail")] == [call.id]
    for wrong in ({"outcome": "won"}, {"outcome": "busy", "to": "Nobody"}, {"outcome": "busy", "minutes": -1}):
        with pytest.raises(sp.Invalid):
            desk.notes.log_call(deal, **wrong)
    assert len(desk.notes) == 1


def test_a_mail_to_the_client_is_kept_as_a_note_with_the_files_that_they_may_see(desk, deal):
    plan = desk.attachments.add(deal, "Plan.txt", b"forty bays", audience="both")
    costs = desk.attachments.add(deal, "Costs.txt", b"6,000", audience="resources")
    with pytest.raises(sp.Invalid, match="for resources only"):
        desk.notes.mail(deal, "The plan", "Here it is.", files=[plan, costs])
    assert len(desk.notes) == len(desk.notices) == 0
    note = desk.notes.mail(deal, "The plan", "Here it is.", to="Zoë Field", files=[plan])
    assert (str(note.kind), note.called.email, note.text) == ("mail_out", "zoe@acme.example", "Here it is.")
    assert [str(one.state) for one in desk.notices.deliver()] == ["sent"]
    (sent,) = mails(desk)
    (file,) = sent.iter_attachments()
    assert (sent["To"], sent["Auto-Submitted"], file.get_filename(), file.get_content()) == (
        "Zoë Field <zoe@acme.example>", None, "Plan.txt", "forty bays"
    )  # fmt: skip


def test_a_mail_needs_somebody_with_an_address(desk, deal):
    desk.contacts.add_person("Acme Ltd", "Max")
    with pytest.raises(sp.Invalid, match="Max has no e-mail address"):
        desk.notes.mail(deal, "x", "y", to="Max")
    with pytest.raises(sp.Invalid, match="nobody called 'Eva'"):
        desk.notes.mail(deal, "x", "y", to="Eva")
    assert len(desk.notices) == 0
