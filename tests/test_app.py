"""The example of a web application: who acts, what is refused with which status, and nothing twice."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import salespipeline as sp

pytest.importorskip("flask", reason="pip install flask")
spec = importlib.util.spec_from_file_location("app", Path(__file__).parent.parent / "examples" / "app" / "app.py")
example = importlib.util.module_from_spec(spec)
spec.loader.exec_module(example)

LINE = {"description": "Racking, bay", "quantity": 40, "unit_price": "210.00", "tax": "20"}
NEW = {"contact": "Acme Ltd", "subject": "New warehouse", "lines": [LINE]}


@pytest.fixture
def pipeline():
    with sp.demo(opportunities=60) as sales:
        sales.contacts.add("Acme Ltd", email="buyer@acme.example")
        yield sales


@pytest.fixture
def client(pipeline):
    client = example.application(pipeline).test_client()
    client.environ_base["HTTP_X_USER"] = "tom"
    return client


def test_who_does_not_say_who_they_are_gets_nothing(client):
    for user in ("", "nobody", "<script>"):
        assert client.get("/opportunities", headers={"X-User": user}).status_code == 401


def test_what_is_created_records_who_did_it(client, pipeline):
    made = client.post("/opportunities", json=NEW)
    assert (made.status_code, made.json["value"], made.json["version"]) == (201, "8,400.00 GBP", 1)
    (activity,) = pipeline.opportunities.history(made.json["id"])
    assert (activity.by, activity.action) == ("tom", "created")


def test_everything_that_is_wrong_is_told_at_once(client, pipeline):
    count = len(pipeline.opportunities)
    wrong = client.post("/opportunities", json=NEW | {"contact": "Nobody", "lines": [LINE | {"unit_price": 0.1}]})
    assert wrong.status_code == 422
    assert {problem["path"] for problem in wrong.json["problems"]} == {"contact", "lines[0].unit_price"}
    assert client.post("/opportunities", data="[1]", content_type="application/json").status_code == 400
    assert len(pipeline.opportunities) == count


def test_pages_follow_each_other_until_all_are_there(client, pipeline):
    found, after = [], None
    while True:
        query = {"order": "-value", "status": "open", "owner__in": ["jane", "tom", "sofia", "lars", "amelie"]}
        page = client.get("/opportunities", query_string=query | ({"after": after} if after else {})).json
        found += [deal["reference"] for deal in page["opportunities"]]
        after = page["next"]
        if after is None:
            break
    wanted = [deal.reference for deal in pipeline.opportunities.where(status="open").order("-value")]
    assert len(found) > 20
    assert found == wanted


def test_a_filter_that_does_not_exist_is_told(client):
    answer = client.get("/opportunities?stag=Enquiry")
    assert (answer.status_code, answer.json["problems"][0]["path"]) == (422, "stag")


def test_who_was_slower_is_told(client):
    deal = client.post("/opportunities", json=NEW).json
    first = client.patch(f"/opportunities/{deal['id']}", json={"version": 1, "due": "2027-01-31"})
    assert (first.status_code, first.json["version"], first.json["due"]) == (200, 2, "2027-01-31")
    assert client.patch(f"/opportunities/{deal['id']}", json={"version": 1, "subject": "Shed"}).status_code == 409


def test_a_move_that_the_rules_refuse_is_a_conflict_with_the_reason(client):
    deal = client.post("/opportunities", json=NEW).json
    assert client.post(f"/opportunities/{deal['id']}/win").json["status"] == "won"
    answer = client.post(f"/opportunities/{deal['id']}/win")
    assert (answer.status_code, "it is won" in answer.json["error"]) == (409, True)
    assert client.post("/opportunities/none/win").status_code == 404
    assert client.post(f"/opportunities/{deal['id']}/delete").status_code == 404


def test_a_quote_is_drawn_planned_and_sent_once(client, pipeline):
    deal = client.post("/opportunities", json=NEW).json
    quote = client.post(f"/opportunities/{deal['id']}/quote", json={"note": "To gate 2"}).json
    assert quote["total"] == "10,080.00 GBP"
    assert client.get(f"/documents/{quote['id']}.pdf").data.startswith(b"%PDF-")
    (row,) = client.get("/send-all").json
    assert (row["to"], row["total"], row["left_out"]) == ("buyer@acme.example", "10080.00", "")
    for _ in range(2):
        (sent,) = client.post("/send-all", headers={"Idempotency-Key": "friday"}).json
        assert sent["state"] == "sent"
    assert len(pipeline.mailer.sent) == 1


def test_the_page_shows_names_as_text(client, pipeline):
    client.post(
        "/opportunities", json=NEW | {"subject": "<img src=x onerror=alert(1)>", "lines": [LINE | {"quantity": 9999}]}
    )
    page = client.get("/").text
    assert "&lt;img src=x" in page
    assert "<img" not in page


def test_a_client_accepts_a_quote_by_its_link_and_nobody_logs_in(client, pipeline):
    pipeline.settings.edit_organisation(accept_url="https://northgate.example/accept/{token}")
    quote = client.post(f"/opportunities/{client.post('/opportunities', json=NEW).json['id']}/quote", json={}).json
    pipeline.documents.where(reference=quote["reference"]).plan_send_all().run()
    page = pipeline.documents.accept_link(quote["id"]).removeprefix("https://northgate.example")
    stranger = {"X-User": ""}
    assert client.get(page, headers=stranger).json["reference"] == quote["reference"]
    assert client.get(page + "x", headers=stranger).status_code == 409
    assert client.post(page, json={"answer": "yes"}, headers=stranger).status_code == 422
    said = {"answer": "yes", "name": "Zoë Field", "signature": "Z. Field"}
    assert client.post(page, json=said, headers=stranger).json == {"accepted": True, "receipt": "Sent all: 1 sent"}
    assert client.post(page, json={"answer": "no", "name": "Zoë Field"}, headers=stranger).status_code == 409
    assert pipeline.documents.get(quote["id"]).answer.by == "Zoë Field"
    assert pipeline.documents.history(quote["id"])[-1].by == "portal"
