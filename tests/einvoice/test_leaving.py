"""How electronic invoices leave: with the mail of *send all*, and to a platform. (SPEC SEND-1, DOC-7)"""

from __future__ import annotations

import email
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from tests.einvoice.kinds import BUYERS, issued, line, pipeline

import salespipeline as sp
from salespipeline.einvoice.reading import embedded
from salespipeline.ports import Accepted, NotSent, Outcome, Unknown
from salespipeline.render.pdf import PdfRenderer, Theme
from salespipeline.transmission import EInvoice
from salespipeline.transmitters import Folder, Memory

pytest.importorskip("facturx", reason="pip install 'salespipeline[einvoice]'")


@pytest.fixture
def sales() -> sp.Sales:
    sales = pipeline("FR", einvoice="factur-x")
    sales.contacts.add("Client", **BUYERS["FR"] | {"email": "ap@client.example"})
    return sales


def draft(sales: sp.Sales, type: str = "invoice", **given: Any) -> Any:
    return sales.documents.draft(sales.contacts["Client"], type, lines=[line("210.00", 4)], **given)


def attached(mail: Any) -> bytes:
    (part,) = email.message_from_bytes(mail.content, policy=default).iter_attachments()
    assert part.get_content_type() == "application/pdf"
    return part.get_content()


def test_send_all_attaches_factur_x_and_the_seal_is_of_what_left(sales: sp.Sales) -> None:
    invoice = draft(sales)
    report = sales.documents.all().plan_send_all().run()
    assert [(row.reference, row.state.name) for row in report] == [("INV/00001", "SENT")]
    left = attached(sales.mailer.sent[0])
    xml = embedded(left)
    assert xml is not None
    assert b"<ram:ID>INV/00001</ram:ID>" in xml
    sent = sales.documents[invoice.id]
    assert sales.documents.pdf(sent) == left
    assert sales.documents.verify(sent)
    # What is asked for afterwards is what left, whatever has changed since.
    sales.settings.edit_organisation(name="Another name", legal_notes={})
    sales._renderer = PdfRenderer(theme=Theme(paper="letter", accent="#7c2d12"))
    made = sales.documents.einvoice(sent)
    assert (made.content, made.xml, made.name) == (left, xml, "INV-00001.pdf")
    plain = sales.documents.einvoice(sent, "cii")
    assert (plain.content, plain.media_type, plain.name) == (xml, "application/xml", "INV-00001.xml")


def test_a_credit_note_leaves_as_factur_x_with_its_invoice_named(sales: sp.Sales) -> None:
    invoice = sales.documents.mark_sent(draft(sales))
    sales.documents.convert(invoice, "credit note", quantities={0: 1})
    sales.documents.where(type="credit_note").plan_send_all().run()
    xml = embedded(attached(sales.mailer.sent[0])) or b""
    assert b"<ram:TypeCode>381</ram:TypeCode>" in xml
    assert b"<ram:IssuerAssignedID>INV/00001</ram:IssuerAssignedID>" in xml


def test_other_documents_leave_as_plain_pdf(sales: sp.Sales) -> None:
    draft(sales, "quote")
    sales.documents.all().plan_send_all().run()
    assert embedded(attached(sales.mailer.sent[0])) is None


def test_without_the_setting_an_invoice_leaves_as_plain_pdf(sales: sp.Sales) -> None:
    sales.settings.edit_organisation(einvoice="")
    invoice = draft(sales)
    sales.documents.all().plan_send_all().run()
    left = attached(sales.mailer.sent[0])
    assert embedded(left) is None
    sent = sales.documents[invoice.id]
    made = sales.documents.einvoice(sent)  # made from the same content, beside the PDF that left
    assert embedded(made.content) == made.xml
    assert sales.documents.pdf(sent) == left


def test_a_plan_leaves_out_what_is_not_ready_and_says_what_to_mend(sales: sp.Sales) -> None:
    sales.contacts.edit("Client", country="")
    invoice = draft(sales)
    plan = sales.documents.all().plan_send_all()
    (row,) = plan
    assert [one.value for one in row.reasons] == ["not ready as an electronic invoice"]
    assert "contact.country" in row.detail
    plan.run()
    assert sales.mailer.sent == []
    assert sales.documents[invoice.id].reference is None
    assert sales.documents.verify_numbers() == []
    sales.contacts.edit("Client", country="FR")
    sales.documents.all().plan_send_all().run()
    assert len(sales.mailer.sent) == 1


def test_one_that_stops_being_ready_after_the_plan_fails_and_uses_no_number(sales: sp.Sales) -> None:
    invoice = draft(sales)
    plan = sales.documents.all().plan_send_all()
    sales.contacts.edit("Client", country="")
    report = plan.run()
    (row,) = report
    assert row.state.name == "FAILED"
    assert "contact.country" in row.reason
    assert sales.documents[invoice.id].reference is None
    assert sales.mailer.sent == []


# --- platforms --------------------------------------------------------------------------------------------


def outcomes(document: Any) -> list[tuple[str, str, str]]:
    return [(one.format, one.outcome, one.reply) for one in document.transmissions]


@pytest.mark.parametrize("format", ["facturx", "cii", "ubl"])
def test_what_a_platform_gets_is_the_electronic_invoice(format: str) -> None:
    sales, invoice = issued()
    platform = Memory()
    done = sales.documents.transmit(invoice, platform, format=format)
    assert outcomes(done) == [(format, "accepted", "kept as 1")]
    assert platform.sent == [sales.documents.einvoice(done, format)]
    assert (platform.sent[0].reference, platform.sent[0].format) == ("INV/00001", format)
    assert sales.documents.verify(done)  # it is a fact, and no part of what was sealed


def test_nothing_is_handed_over_twice_unless_somebody_says_so() -> None:
    sales, invoice = issued()
    platform = Memory(
        [NotSent(reason="503 closed", temporary=True), Unknown(reason="the line dropped"), Accepted(reply="FX-7")]
    )
    for wanted in ("refused", "unknown"):
        invoice = sales.documents.transmit(invoice, platform)
        assert invoice.transmissions[-1].outcome == wanted
    with pytest.raises(sp.NotAllowed, match="unknown: the line dropped"):
        sales.documents.transmit(invoice, platform)
    invoice = sales.documents.transmit(invoice.id, platform, again=True)
    with pytest.raises(sp.NotAllowed, match="accepted: FX-7"):
        sales.documents.transmit(invoice, platform)
    assert outcomes(invoice) == [
        ("facturx", "refused", "503 closed"), ("facturx", "unknown", "the line dropped"), ("facturx", "accepted", "FX-7"),
    ]  # fmt: skip
    assert len(platform.sent) == 1


def test_a_crash_between_leaves_it_unknown() -> None:
    sales, invoice = issued()

    class Crash(BaseException):
        pass

    class Platform:
        def transmit(self, invoice: EInvoice) -> Outcome:
            raise Crash

    with pytest.raises(Crash):
        sales.documents.transmit(invoice, Platform())
    assert outcomes(sales.documents[invoice.id]) == [("facturx", "unknown", "")]
    with pytest.raises(sp.NotAllowed, match="no answer"):
        sales.documents.transmit(invoice.id, Memory())


def test_what_a_platform_raises_or_says_is_kept_as_text() -> None:
    sales, invoice = issued()

    class Broken:
        def transmit(self, invoice: EInvoice) -> Outcome:
            raise RuntimeError("secret token abc")

    done = sales.documents.transmit(invoice, Broken())
    assert outcomes(done) == [("facturx", "unknown", "the transmitter failed with RuntimeError")]
    rude = Memory([Accepted(reply="ok\r\nBcc: \x00\u202e\ud800" + "x" * 10_000)])
    done = sales.documents.transmit(done, rude, again=True)
    assert done.transmissions[-1].reply.startswith("ok  Bcc:")
    assert len(done.transmissions[-1].reply) <= 500


def test_what_was_not_sent_is_not_handed_over(sales: sp.Sales) -> None:
    platform = Memory()
    with pytest.raises(sp.NotAllowed):
        sales.documents.transmit(draft(sales), platform)
    with sales.transaction(), pytest.raises(sp.Refused, match="transaction"):
        sales.documents.transmit(draft(sales), platform)
    assert platform.sent == []


def test_a_folder_holds_whole_files_and_loses_none(tmp_path: Path) -> None:
    sales, invoice = issued()
    out = Folder(tmp_path / "out")
    sales.documents.transmit(invoice, out, format="ubl")
    sales.documents.transmit(invoice.id, out, format="ubl", again=True)
    sales.documents.transmit(invoice.id, out, format="cii", again=True)
    names = sorted(path.name for path in out.path.iterdir())
    assert names == ["INV-00001 (2).xml", "INV-00001.xml"]
    assert (out.path / "INV-00001.xml").read_bytes() == sales.documents.einvoice(invoice.id, "ubl").content


def test_a_folder_that_takes_no_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file stands there")
    sales, invoice = issued()
    done = sales.documents.transmit(invoice, Folder(tmp_path / "out"))
    assert done.transmissions[-1].outcome == "refused"
    assert "takes no file" in done.transmissions[-1].reply


def test_the_name_of_a_file_is_safe(tmp_path: Path) -> None:
    odd = EInvoice(
        reference="1", content=b"a", media_type="", name="../../CON:\u202e.xml", format="cii", profile="", xml=b"a"
    )
    Folder(tmp_path).transmit(odd)
    assert [path.parent for path in tmp_path.rglob("*")] == [tmp_path]


def test_threads_make_the_same_files_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    sales, invoice = issued()
    alone = [sales.documents.einvoice(invoice, format).content for format in ("facturx", "cii", "ubl")]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(sales.documents.einvoice, invoice, format) for format in ("facturx", "cii", "ubl") * 8]
        assert [one.result().content for one in jobs] == alone * 8


def test_threads_ask_the_rules_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    pytest.importorskip("saxonche", reason="pip install 'salespipeline[einvoice-rules]'")
    sales, invoice = issued()
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(sales.documents.einvoice_problems, invoice, rules=True) for _ in range(8)]
        assert [one.result() for one in jobs] == [()] * 8
