"""The main job on a public teaching data set: 8,800 opportunities of a hardware seller (Maven Analytics, public domain).

``python examples/real_pipeline.py DATA [OUT]``: DATA holds sales_pipeline.csv, accounts.csv, products.csv and
sales_teams.csv; OUT gets the database and a folder of mails. ``--smtp URL`` mails by SMTP instead.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import salespipeline as sp
from salespipeline.importing import ImportReport, Row, import_opportunities

FILES = ("sales_pipeline.csv", "accounts.csv", "products.csv", "sales_teams.csv")
START = datetime(2016, 10, 1, 9, tzinfo=UTC)  # for those that were never engaged


def rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def slug(name: str) -> str:
    """Return a name as it stands in an address."""
    return "".join(one for one in name.lower() if one.isalnum())


def moment(text: str) -> datetime:
    """Return a day as the moment of nine o'clock."""
    return datetime.fromisoformat(f"{text}T09:00:00+00:00")


def fill(sales: sp.Sales, data: Path, progress: Callable[[int, int], None] | None = None) -> ImportReport:
    """Make settings and contacts from the lists, then import the pipeline."""
    teams = {row["sales_agent"]: row for row in rows(data / "sales_teams.csv")}
    prices = {row["product"].replace(" ", ""): row for row in rows(data / "products.csv")}
    accounts = {row["account"]: row for row in rows(data / "accounts.csv")}
    if "Prospecting" not in sales.settings.stages:
        with sales.transaction():
            sales.settings.edit_organisation(name="Hardware Ltd", email="sales@hardware.example", currency="USD")
            sales.settings.stages.add("Prospecting", "Engaging")
            sales.settings.probabilities.add("Prospect 10%")
            sales.settings.probabilities.add("Engaged 40%")
            for agent, team in teams.items():
                sales.settings.users.add(agent, id=slug(agent), department=team["regional_office"])
            for manager in sorted({team["manager"] for team in teams.values()}):
                sales.settings.tags.add(manager)
            for product in prices.values():
                sales.settings.items.add(
                    product["product"], product["product"], price=product["sales_price"], group=product["series"]
                )
            sales.settings.fields.add("opportunity", "sector", "Sector", "text")
            for name, account in accounts.items():
                email = f"office@{slug(name)}.example"
                sales.contacts.add(name, email=email, country=account["office_location"])
            sales.contacts.add("(no account)")
    contacts = {contact.name: contact for contact in sales.contacts}

    def product_of(row: Row) -> dict[str, str]:
        return prices[row["product"].replace(" ", "")]  # the pipeline writes GTXPro, the list GTX Pro

    def lines(row: Row) -> list[sp.Line]:
        product = product_of(row)
        price = row["close_value"] if row["deal_stage"] == "Won" else product["sales_price"]
        return [sp.Line(product["product"], unit_price=price, reference=product["product"], source="item")]

    def status(row: Row) -> str:
        return {"Won": "won", "Lost": "lost"}.get(row["deal_stage"], "open")

    mapping = {
        "subject": lambda row: product_of(row)["product"],
        "contact": lambda row: contacts[row["account"] or "(no account)"],
        "reference": "opportunity_id",
        "lines": lines,
        "owner": lambda row: slug(row["sales_agent"]),
        "tags": lambda row: [teams[row["sales_agent"]]["manager"]],
        "custom": lambda row: {"sector": accounts[row["account"]]["sector"]} if row["account"] else None,
        "stage": lambda row: "Prospecting" if row["deal_stage"] == "Prospecting" else "Engaging",
        "probability": lambda row: "Prospect 10%" if row["deal_stage"] == "Prospecting" else "Engaged 40%",
        "at": lambda row: moment(row["engage_date"]) if row["engage_date"] else START,
        "status": status,
        "closed_at": lambda row: moment(row["close_date"]) if row["close_date"] else None,
    }
    return import_opportunities(sales, data / "sales_pipeline.csv", mapping, key="opportunity_id", progress=progress)


def quote(sales: sp.Sales) -> int:
    """Quote every engaging opportunity that has an account and no quote yet."""
    nobody = sales.contacts.get("(no account)")
    quoted = {document.opportunity_id for document in sales.documents.where(type="quote")}
    open_ones = sales.opportunities.where(stage="Engaging", status="open").order("created")
    wanted = [deal for deal in open_ones if deal.contact_id != nobody.id and deal.id not in quoted]
    with sales.transaction():
        for deal in wanted:
            sales.documents.draft(deal, "quote")
    return len(wanted)


def progress(done: int, total: int, _row: object = None) -> None:
    """Say how far it has come, on one line that goes away at the end."""
    if sys.stderr.isatty():
        print(f"   {done:,} of {total:,}" if done < total else " " * 30, end="\r", file=sys.stderr, flush=True)


def main() -> None:
    """Import, quote, send all, report."""
    parser = argparse.ArgumentParser(description="Import a real pipeline, quote what is open, send all, and report.")
    parser.add_argument(
        "data", type=Path, help="the folder with sales_pipeline.csv, accounts.csv, products.csv, sales_teams.csv"
    )
    parser.add_argument(
        "out", type=Path, nargs="?", default=Path("real-output"), help="gets the database and the mails"
    )
    parser.add_argument("--smtp", metavar="URL", help="mail by SMTP instead, such as smtp://localhost:2525")
    given = parser.parse_args()
    if missing := [name for name in FILES if not (given.data / name).is_file()]:
        parser.error(f"{given.data} has no {', '.join(missing)}")
    given.out.mkdir(parents=True, exist_ok=True)
    mailer = sp.mail.Smtp(given.smtp) if given.smtp else sp.mail.Folder(given.out / "mails")
    with sp.open(given.out / "pipeline.db", actor="import", mailer=mailer) as sales:
        print("1  import")
        print(f"   {fill(sales, given.data, progress)}")
        print("2  quotes")
        print(f"   {quote(sales):,} drafted")
        print("3  send all")
        plan = sales.documents.where(type="quote", sent=False).order("created").plan_send_all()
        print(f"   {plan.headline}\n   {plan.run(progress=progress)}")
        print("4  reports")
        reports = sales.reports
        for report in (
            reports.conversion(), reports.performance("department"), reports.performance("owner"), reports.coming(), reports.pipeline(),
        ):  # fmt: skip
            print(f"\n{report}")
    print(f"\nThe database{'' if given.smtp else ' and the mails'}: {given.out.resolve()}")


if __name__ == "__main__":
    main()
