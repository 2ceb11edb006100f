"""A web application around a pipeline, with Flask: JSON for programs, one page for people.

``python examples/app/app.py`` serves a made-up pipeline on http://127.0.0.1:5000, to be asked for example with
``curl -H 'X-User: jane' 'http://127.0.0.1:5000/opportunities?status=open&order=-value'``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import attrs
from flask import Flask, Response, abort, request

import salespipeline as sp

LISTS = ("any", "all", "none", "in", "between")  # filters that take several values
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Pipeline</title>
<style>:root{{color-scheme:light dark}}body{{font:15px system-ui,sans-serif;margin:2rem}}</style>{}</html>"""


def application(sales: sp.Sales) -> Flask:
    """Return the application. The pipeline is opened once and shared by all threads of it."""
    app = Flask(__name__)
    app.json.default = str  # amounts and days go out as they are written

    def mine() -> sp.Sales:
        """Return the pipeline as the one who asks: each change records them. (SPEC SET-9)"""
        actor = request.headers.get("X-User", "")  # stands for the log-in of your application
        if actor not in sales.settings.users:
            abort(HTTPStatus.UNAUTHORIZED, "say who acts with the header X-User")
        return sales.acting(actor)

    @app.get("/")
    def page() -> str:
        """Show what is open: lists and reports bring their own HTML."""
        shown = (mine().reports.pipeline(), mine().opportunities.where(status="open").order("-value"))
        return PAGE.format("".join(one._repr_html_() for one in shown))

    @app.get("/opportunities")
    def opportunities() -> dict[str, object]:
        """List them; the names of the filters are those of ``where``, and a cursor leads to the next page."""
        given = request.args.to_dict(flat=False)
        after, order = (given.pop(name, [default])[0] for name, default in (("after", None), ("order", "-created")))
        filters = {name: values if name.split("__")[-1] in LISTS else values[0] for name, values in given.items()}
        page = mine().opportunities.where(**filters).order(order).page(20, after)
        return {"opportunities": [shown(deal) for deal in page], "next": page.next}

    @app.post("/opportunities")
    def create() -> tuple[dict[str, object], int]:
        """Create one; the lines are mappings. Whatever is wrong with it is told at once."""
        return shown(mine().opportunities.create(**body())), HTTPStatus.CREATED

    @app.patch("/opportunities/<id>")
    def edit(id: str) -> dict[str, object]:
        """Replace some values of the version that the client saw; 409 where somebody was faster."""
        values = body()
        seen = attrs.evolve(mine().opportunities.get(id), version=values.pop("version", 0))
        return shown(mine().opportunities.edit(seen, **values))

    @app.post("/opportunities/<id>/<any(win,lose,hold,resume,reopen):move>")
    def act(id: str, move: str) -> dict[str, object]:
        """Make a move; 409, with the reason, where the rules say no."""
        return shown(getattr(mine().opportunities, move)(id))

    @app.post("/opportunities/<id>/quote")
    def quote(id: str) -> tuple[dict[str, object], int]:
        """Draft a quote from its lines."""
        made = mine().documents.draft(id, "quote", **body())
        return {"id": made.id, "reference": made.reference, "total": str(made.total)}, HTTPStatus.CREATED

    @app.get("/documents/<id>.pdf")
    def pdf(id: str) -> Response:
        """Hand out a PDF: the one that left, or a draft that says so."""
        return Response(mine().documents.pdf(id), mimetype="application/pdf")

    @app.get("/send-all")
    def plan() -> list[dict[str, object]]:
        """Show who would get what, and who is left out and why."""
        return mine().documents.where(type="quote", sent=False).plan_send_all().to_dicts()

    @app.post("/send-all")
    def send_all() -> list[dict[str, object]]:
        """Send all, once for each key: a browser that asks twice mails nothing twice."""
        waiting = mine().documents.where(type="quote", sent=False)
        return waiting.plan_send_all().run(key=request.headers.get("Idempotency-Key")).to_dicts()

    for_clients(app, sales)

    @app.errorhandler(sp.Invalid)
    def invalid(error: sp.Invalid) -> tuple[dict[str, object], int]:
        problems = [{"path": one.path, "code": one.code, "message": one.message} for one in error.problems]
        return {"problems": problems}, HTTPStatus.UNPROCESSABLE_ENTITY

    @app.errorhandler(sp.NotFound)
    def missing(error: sp.NotFound) -> tuple[dict[str, object], int]:
        return {"error": str(error)}, HTTPStatus.NOT_FOUND

    @app.errorhandler(sp.Refused)
    @app.errorhandler(sp.Conflict)
    def refused(error: sp.SalesPipelineError) -> tuple[dict[str, object], int]:
        return {"error": str(error)}, HTTPStatus.CONFLICT

    return app


def for_clients(app: Flask, sales: sp.Sales) -> None:
    """Add the page that the links in mails lead to: whoever has the link is let in, and nobody logs in."""

    @app.get("/accept/<token>")
    def offered(token: str) -> dict[str, object]:
        """Show the quote to a client who opens the link in a mail; programs that look for viruses open it too."""
        found = sales.acting("portal").documents.offered(token)
        return {"reference": found.reference, "total": str(found.total), "due": str(found.due)}

    @app.post("/accept/<token>")
    def answer(token: str) -> dict[str, object]:
        """Record what the client says, once, and confirm a yes by mail."""
        given, desk = body(), sales.acting("portal").documents
        if given.get("answer") != "yes":
            return {
                "accepted": desk.reject_by_token(
                    token, name=given.get("name", ""), why=given.get("why", "")
                ).answer.accepted
            }
        found = desk.accept_by_token(token, name=given.get("name", ""), signature=given.get("signature", ""))
        return {"accepted": True, "receipt": desk.mail_receipt(found).headline}


def body() -> dict[str, Any]:
    """Return what was sent, where it is a JSON object."""
    values = request.get_json(silent=True) if request.data else {}
    return values if isinstance(values, dict) else abort(HTTPStatus.BAD_REQUEST, "a JSON object is needed")


def shown(deal: sp.Opportunity) -> dict[str, object]:
    """Return what a client sees of an opportunity; with its version it can be edited."""
    facts = {name: getattr(deal, name) for name in ("id", "version", "reference", "subject", "due")}
    return facts | {"status": str(deal.status), "value": str(deal.value)}


if __name__ == "__main__":
    application(sp.demo()).run()
