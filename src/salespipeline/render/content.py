"""What stands on a document, in words: the same for every way of drawing it.

A ``DocumentView`` holds values; here they become the texts of its language, as they are printed in a PDF and shown in a
page. Where they stand, and how large, is for whoever draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from salespipeline.errors import RenderError
from salespipeline.money import Money
from salespipeline.ports import DocumentView, LineView, PartyView
from salespipeline.render import formats
from salespipeline.render.labels import label

__all__ = ["BEFORE", "COLUMNS", "SHOWN", "Content"]

COLUMNS = ("position", "reference", "quantity", "unit", "unit_price", "discount", "tax_percent", "amount")
BEFORE = ("position", "reference")  # stand before the description, the others behind it
SHOWN = ("quantity", "unit_price", "discount", "tax_percent", "amount")  # unless somebody chooses
MOST_LINES = 10_000  # as many as a document may have
PRICES = frozenset(["unit_price", "discount", "tax_percent", "amount"])
PAYABLE = ("invoice", "pro_forma", "application_for_payment")
LESS = "\N{MINUS SIGN}"  # before what is taken off
_HEADS = {"position": "#", "reference": "item"}
_NONE: Mapping[str, str] = MappingProxyType({})


class Content:
    """The words of one document. *own* are those that stand before the catalogue's, by key.

    Raises ``RenderError`` for more lines than a document may have.
    """

    def __init__(self, view: DocumentView, own: Mapping[str, str] = _NONE) -> None:
        self.view, self.locale, self._own = view, view.locale, own
        self.priced = view.type != "delivery_note"
        self.name = self.label(view.type)
        self.title = f"{self.name} {view.reference}".strip()
        self.named = view.reference or view.type  # in errors
        if len(view.lines) > MOST_LINES:
            message = f"{self.named} has {len(view.lines):,} lines, and at most {MOST_LINES:,} are drawn; divide it"
            raise RenderError(message, document=self.named, part="lines")

    def word(self, key: str) -> str:
        """Return the label called *key*, as it reads on this type of document."""
        return label(key, self.locale, self.view.type, self._own)

    def label(self, key: str) -> str:
        """Return the label called *key*, whatever the type."""
        return label(key, self.locale, own=self._own)

    def reach(self) -> list[str]:
        """Return how the seller is reached."""
        seller = self.view.seller
        return [seller.phone, seller.email, seller.website.removeprefix("https://").rstrip("/")]

    def address(self, party: PartyView) -> list[str]:
        """Return the lines of an address, below the name."""
        return [text for text in (party.person, *party.address) if text]

    def identity(self, party: PartyView) -> list[str]:
        """Return the ids of a party, each with its name, and how it is reached."""
        ids = [f"{self.word(key)} {value}" for key, value in party.ids]
        return [text for text in (*ids, party.email, party.phone) if text]

    def facts(self) -> list[tuple[str, str]]:
        """Return dates and references, each with its name."""
        view = self.view
        facts = [
            (self.word("date"), formats.day(view.date, self.locale) if view.date is not None else ""),
            (self.word("due"), formats.day(view.due, self.locale) if view.due is not None else ""),
            *((self.word(key), value) for key, value in view.related),
        ]
        return [(name, value) for name, value in facts if value]

    # --- lines --------------------------------------------------------------------------------------------

    def columns(self, names: Sequence[str]) -> list[str]:
        """Return those of the columns *names* that say something here: no prices on a delivery note."""
        names = [name for name in names if self.priced or name not in PRICES]
        if not any(line.discount_percent is not None or line.discount_amount is not None for line in self.view.lines):
            names = [name for name in names if name != "discount"]
        return names

    def head(self, name: str) -> str:
        """Return what stands above a column."""
        return self.word(_HEADS.get(name, name))

    def cell(self, name: str, line: LineView, names: Sequence[str]) -> str:
        """Return what a line has in the column *name*; *names* are all that there are."""
        locale = self.locale
        if name == "quantity":
            words = formats.number(line.quantity, locale)
            return f"{words} {line.unit}" if line.unit and "unit" not in names else words
        if name == "unit":
            return line.unit
        if name == "unit_price":
            return formats.price(line.unit_price, str(line.net.currency), locale)
        if name == "tax_percent":
            return formats.percent(line.tax_percent, locale)
        if name == "amount":
            return formats.plain_money(line.net, locale)
        if name == "reference":
            return line.reference
        if line.discount_percent is not None:
            return f"{LESS}{formats.percent(line.discount_percent, locale)}"
        return "" if line.discount_amount is None else f"{LESS}{formats.plain_money(line.discount_amount, locale)}"

    # --- sums ---------------------------------------------------------------------------------------------

    def sums(self) -> list[tuple[str, str]]:
        """Return the steps to the total, without it: discounts and charges, net, tax."""
        view, locale = self.view, self.locale
        rows = [(self._rated(one.label, one.percent), self._step(one.amount)) for one in view.steps]
        rows.append((self.word("net"), formats.money(view.net, locale)))
        if view.taxes:
            percent = view.taxes[0].percent if len(view.taxes) == 1 else None
            rows.append((self._rated("tax", percent), formats.money(view.tax, locale)))
        return rows

    def _step(self, amount: Money) -> str:
        """Return an amount that is added, or, where it is taken off, as a line shows what is taken off."""
        taken = amount.amount < 0
        return f"{LESS if taken else ''}{formats.money(-amount if taken else amount, self.locale)}"

    def total(self) -> tuple[str, str]:
        """Return the total, with its name."""
        return self.word("total"), formats.money(self.view.total, self.locale)

    def _rated(self, key: str, percent: Decimal | None) -> str:
        return self.word(key) if percent is None else f"{self.word(key)} {formats.percent(percent, self.locale)}"

    def taxes(self) -> list[tuple[str, str, str]]:
        """Return rate, net and tax of each rate; the first row are their names."""
        taxes, locale = self.view.taxes, self.locale
        several = {tax.percent for tax in taxes}
        rows = [(self.word("tax_rate"), self.word("taxable"), self.word("tax_amount"))]
        for tax in taxes:
            rate = formats.percent(tax.percent, locale)
            if len(several) < len(taxes) and (tax.code or tax.category):
                rate = f"{rate} {tax.code or tax.category}"
            rows.append((rate, formats.plain_money(tax.net, locale), formats.plain_money(tax.tax, locale)))
        return rows

    def reasons(self) -> list[str]:
        """Return why no tax is taken, and by which rate of exchange prices were converted."""
        view = self.view
        reasons = [f"{formats.percent(tax.percent, self.locale)}  {tax.reason}" for tax in view.taxes if tax.reason]
        return [text for text in dict.fromkeys([*reasons, view.exchange]) if text]

    # --- below --------------------------------------------------------------------------------------------

    def payment(self) -> list[tuple[str, str]]:
        """Return where to pay to, on what is paid."""
        view = self.view
        if view.type not in PAYABLE or not view.payment:
            return []
        rows = [(self.word(key), _spaced(value) if key.lower() == "iban" else value) for key, value in view.payment]
        if view.reference and not any(key == "payment_reference" for key, _ in view.payment):
            rows.append((self.word("payment_reference"), view.reference))
        return rows

    def prose(self) -> Iterator[tuple[str, str]]:
        """Yield what is written below, each with the key of its name: notes, then terms."""
        for key, text in (("note", self.view.note), ("terms", self.view.terms)):
            if text.strip():
                yield key, text.strip()

    def imprint(self) -> str:
        """Return the seller's name and ids, for the foot."""
        seller = self.view.seller
        ids = [f"{self.label(key)} {value}" for key, value in seller.ids]
        return "  ·  ".join(part for part in (seller.name, *ids) if part)


def _spaced(iban: str) -> str:
    """Return an IBAN in groups of four, as banks print it."""
    bare = iban.replace(" ", "")
    return " ".join(bare[at : at + 4] for at in range(0, len(bare), 4)) if bare.isalnum() else iban
