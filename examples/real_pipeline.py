"""The main job on a public teaching data set: 8,800 opportunities of a hardware seller (Maven Analytics, public domain).

``python examples/real_pipeline.py DATA [OUT]``: DATA holds sales_pipeline.csv, accounts.csv, products.csv and
sales_teams.csv; OUT gets the database and a folder of mails. ``--smtp URL`` mails by SMTP instead.
"""

from __future__ import annotations

import argparse
import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import salespipeline as sp
from salespipeline.importing import ImportReport, Row, import_opportunities

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


def fill(sales: sp.Sales, data: Path, progress: Any = None) -> ImportReport:
    """Make settings and contacts from the lists, then import the pipeline."""
    teams = {row["sales_agent"]: row for row in rows(data / "sales_teams.csv")}
    prices = {row["product"].replace(" ", ""): row for row in rows(data / "products.csv")}
    accounts = rows(data / "accounts.csv")
    contacts: dict[str, sp.Opportunity | Any] = {}
    known = "Prospecting" in sales.settings.stages
    if not known:
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
            for account in accounts:
                name = account["account"]
                email = f"office@{slug(name)}.example"
                sales.contacts.add(name, email=email, country=account["office_location"])
            sales.contacts.add("(no account)")
    for contact in sales.contacts:
        contacts[contact.name] = contact

    def lines(row: Row) -> list[sp.Line]:
        product = prices[row["product"].replace(" ", "")]  # the pipeline writes GTXPro, the list GTX Pro
        price = row["close_value"] if row["deal_stage"] == "Won" else product["sales_price"]
        return [sp.Line(product["product"], unit_price=price, reference=product["product"], source="item")]

    def status(row: Row) -> str:
        return {"Won": "won", "Lost": "lost"}.get(row["deal_stage"], "open")

    mapping = {
        "subject": "product",
        "contact": lambda row: contacts[row["account"] or "(no account)"],
        "reference": "opportunity_id",
        "lines": lines,
        "owner": lambda row: slug(row["sales_agent"]),
        "tags": lambda row: [teams[row["sales_agent"]]["manager"]],
        "stage": lambda row: "Prospecting" if row["deal_stage"] == "Prospecting" else "Engaging",
        "probability": lambda row: "Prospect 10%" if row["deal_stage"] == "Prospecting" else "Engaged 40%",
        "at": lambda row: moment(row["engage_date"]) if row["engage_date"] else START,
        "status": status,
        "closed_at": lambda row: moment(row["close_date"]) if row["close_date"] else None,
    }
    return import_opportunities(sales, data / "sales_pipeline.csv", mapping, key="opportunity_id", progress=progress)


def quote(sales: sp.Sales) -> int:
    """Quote every engaging opportunity that has an account."""
    nobody = sales.contacts.get("(no account)")
    number = 0
    with sales.transaction():
        for deal in list(sales.opportunities.where(stage="Engaging", status="open")):
            if deal.contact_id != nobody.id:
                sales.documents.draft(deal, "quote")
                number += 1
    return number


def main() -> None:
    """Import, quote, send all, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=Path("real-output"))
    parser.add_argument("--smtp", metavar="URL", help="such as smtp://localhost:2525")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    mailer = sp.mail.Smtp(given.smtp) if given.smtp else sp.mail.Folder(given.out / "mails")
    with sp.open(given.out / "pipeline.db", actor="import", mailer=mailer) as sales:
        print(fill(sales, given.data, lambda done, total: print(f"  imported {done:,} of {total:,}", end="\r")))
        if not len(sales.documents):
            print(quote(sales), "quotes drafted")
        plan = sales.documents.where(type="quote", sent=False).order("created").plan_send_all()
        print(plan)
        print(plan.run(progress=lambda done, total, _row: print(f"  {done:,} of {total:,}", end="\r")))
        print(sales.reports.conversion())
        print(sales.reports.performance("department"))
        print(sales.reports.performance("owner"))
        print(sales.reports.coming())
        print(sales.reports.pipeline())


if __name__ == "__main__":
    main()
