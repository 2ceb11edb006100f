"""What a banking app reads from the code beside the payment details: a SEPA transfer, by EPC 069-12."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from salespipeline.ports import DocumentView

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["code_of", "coded", "encoder"]

MOST = Decimal("999999999.99")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", re.ASCII)


def coded(view: DocumentView) -> str | None:
    """Return the text of the code, or ``None`` where there can be none.

    There is one for an amount in euros to an IBAN whose check digits are right, on a document that is not a draft.
    """
    known = {key.lower(): value for key, value in view.payment}
    iban = "".join(known.get("iban", "").split()).upper()
    bic = "".join(known.get("bic", "").split()).upper()
    if view.draft or str(view.total.currency) != "EUR" or not 0 < view.total.amount <= MOST:
        return None
    if not _IBAN.fullmatch(iban) or int("".join(str(int(one, 36)) for one in iban[4:] + iban[:4])) % 97 != 1:
        return None
    name = _plain(known.get("account_holder") or view.seller.name, 70)
    if not name or (bic and not _BIC.fullmatch(bic)):
        return None
    subject = _plain(known.get("payment_reference") or view.reference, 140)
    return f"BCD\n002\n1\nSCT\n{bic}\n{name}\n{iban}\nEUR{view.total.amount:f}\n\n\n{subject}".rstrip("\n")


def _plain(text: str, most: int) -> str:
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())[:most].rstrip()


def encoder() -> ModuleType:
    """Return the library that makes the squares; raises ``ImportError`` where it is not installed."""
    try:
        import segno
    except ImportError as error:
        raise ImportError(
            "segno, which draws payment codes, is not installed: pip install 'salespipeline[qr]'"
        ) from error
    return segno


def code_of(text: str) -> list[tuple[int, int, int]] | None:
    """Return the dark runs of squares, as (row, first, how many), or ``None`` for a text that is too long."""
    segno = encoder()
    try:
        code = segno.make(text, error="m", micro=False, mode="byte", encoding="utf-8", boost_error=False)
    except segno.DataOverflowError:
        return None
    if code.version > 13:  # the most that the standard allows
        return None
    runs = []
    for row, squares in enumerate(code.matrix):
        line = "".join("1" if dark else "0" for dark in squares)
        runs += [(row, run.start(), run.end() - run.start()) for run in re.finditer("1+", line)]
    return runs
