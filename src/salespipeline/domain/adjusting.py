"""The discount, the charges and the rate of exchange of a document, checked as they are given. (SPEC MON-1, OPP-1)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from salespipeline.domain.checks import Checks
from salespipeline.domain.given import discounted, factor_of
from salespipeline.domain.lines import LARGEST, Discount
from salespipeline.domain.reading import as_charges
from salespipeline.domain.totals import totals
from salespipeline.errors import Invalid
from salespipeline.exchange import ExchangeRate
from salespipeline.money import round_half_up

if TYPE_CHECKING:
    from salespipeline.domain.document import Document

__all__ = ["adjustments"]


def adjustments(
    given: Mapping[str, object], checks: Checks, before: Document | None, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return discount, charges and rate of exchange: as given, or converted where the currency changed."""
    found: dict[str, Any] = {}
    rate = given.get("rate")
    after = values.get("currency", before.currency if before is not None else None)
    changed = before is not None and after is not None and after != before.currency
    if changed:
        found["exchange"] = rate if isinstance(rate, ExchangeRate) and "lines" not in given else None
    if "discount" in given:
        wanted = given["discount"]
        found["discount"] = None if wanted is None else checks.take(Discount.of, wanted)  # type: ignore[arg-type]
    if "charges" in given:
        found["charges"] = as_charges(given["charges"] or (), checks)
    if changed and before is not None and (before.discount or before.charges) and rate is not None:
        factor = checks.take(factor_of, rate, before.currency, after)
        if factor is not None:
            found.setdefault("discount", discounted(before.discount, factor, after))
            found.setdefault("charges", tuple(charge.converted(factor, after) for charge in before.charges))
    discount = found.get("discount", before.discount if before is not None else None)
    charges = found.get("charges", before.charges if before is not None else ())
    lines = values.get("lines", before.lines if before is not None else None)
    if (discount or charges) and lines and after is not None and not checks.problems:
        amounts = [("discount", discount.amount if discount is not None else None)]
        amounts += [(f"charges[{place}].amount", charge.amount) for place, charge in enumerate(charges)]
        for path, amount in amounts:
            if amount is not None and amount != round_half_up(amount, after.digits):
                checks.add(path, "digits", f"{after} has {after.digits} minor digits, so {amount} cannot be charged")
        if not checks.problems:
            try:
                if abs(totals(lines, after, discount=discount, charges=charges).total.minor) > LARGEST:
                    checks.add("charges", "range", "the total has more than 18 digits")
            except Invalid as error:
                checks.within("charges", error)
    return found
