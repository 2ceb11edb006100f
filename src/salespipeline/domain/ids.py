"""Whether the ids of contacts (VAT, SIREN, …) can be right: by their check digits, as python-stdnum knows them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from salespipeline.errors import Invalid, Problem, Refused, shown
from salespipeline.text import fold

__all__ = ["check_ids", "need_stdnum", "wrong_ids"]

# What people call them: where python-stdnum keeps them. A VAT number is looked up under its own country.
_KNOWN = {
    "siren": "fr.siren", "siret": "fr.siret", "nif": "es.nif", "cif": "es.cif", "codice fiscale": "it.codicefiscale",
    "partita iva": "it.iva", "ust-id": "vat", "ust-idnr": "vat", "ust-idnr.": "vat", "vat": "vat", "vat number": "vat",
    "vat no": "vat", "tva": "vat", "uid": "ch.uid", "kvk": "nl.kvk", "abn": "au.abn", "acn": "au.acn", "cnpj": "br.cnpj",
    "ein": "us.ein", "gstin": "in_.gstin", "pan": "in_.pan", "lei": "lei", "iban": "iban", "bic": "bic", "isin": "isin",
    "nip": "pl.nip", "regon": "pl.regon", "krs": "pl.krs", "orgnr": "no.orgnr", "cvr": "dk.cvr", "y-tunnus": "fi.ytunnus",
}  # fmt: skip


def need_stdnum() -> None:
    """Raise ``Refused`` where python-stdnum is not installed: nothing is said to be right that nobody looked at."""
    try:
        import_module("stdnum")
    except ImportError:
        message = "ids are checked with python-stdnum, which is not installed: pip install 'salespipeline[ids]'"
        raise Refused(message, action="check ids") from None


def wrong_ids(ids: Iterable[tuple[str, str]]) -> tuple[Problem, ...]:
    """Return a problem for each id that cannot be right. What has a name that is not known is not looked at.

    >>> wrong_ids([("VAT", "FR 40 303 265 045"), ("SIREN", "303265045"), ("DUNS", "12")])
    ()
    >>> [problem.message for problem in wrong_ids([("SIREN", "303265046")])]
    ["'303265046' is not a SIREN: its check digits do not fit; look at it again"]
    """
    need_stdnum()
    return tuple(problem for name, value in ids if (problem := _problem(name, value)) is not None)


def check_ids(ids: Iterable[tuple[str, str]]) -> None:
    """Raise ``Invalid`` with every id that cannot be right."""
    problems = wrong_ids(ids)
    if problems:
        raise Invalid(problems)


def _problem(name: str, value: str) -> Problem | None:
    place = _KNOWN.get(fold(name))
    if place is None or not value:
        return None
    errors: Any = import_module("stdnum.exceptions")
    module = _vat(value) if place == "vat" else import_module(f"stdnum.{place}")
    if module is None:
        return None
    try:
        module.validate(value)
    except errors.InvalidLength:
        why = "it has another length"
    except errors.InvalidFormat:
        why = "it is not written as one"
    except errors.InvalidChecksum:
        why = "its check digits do not fit"
    except errors.ValidationError:
        why = "one of its parts is not possible"
    else:
        return None
    return Problem(f"ids.{name}", "id", f"{shown(value)} is not a {name}: {why}; look at it again")


def _vat(value: str) -> Any:
    """Return what knows VAT numbers of the country that *value* begins with; ``None`` where none is known."""
    country = value[:2].lower()
    if not country.isalpha() or not country.isascii():
        return None  # nobody knows whose it is
    country = {"el": "gr", "xi": "gb"}.get(country, country)
    try:
        found: Any = import_module("stdnum.util").get_cc_module(country, "vat")
    except (ImportError, ValueError):
        return None
    return found
