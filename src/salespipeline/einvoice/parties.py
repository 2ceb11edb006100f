"""Seller and buyer in the terms of EN 16931: their ids by scheme, address and country (BG-4, BG-7)."""

from __future__ import annotations

import re
from functools import lru_cache

import attrs

from salespipeline.domain.facts import Party

__all__ = ["Ids", "country_code", "electronic_address", "ids_of", "party_terms"]

_SEPARATORS = re.compile(r"[\s.\-/]+")
_SCHEME = re.compile(r"[0-9]{4}", re.ASCII)
# What people call an id, beside the keys that documents have labels for.
_CALLED = {
    "vat_number": "vat", "vat_id": "vat", "tva": "vat", "n_tva": "vat", "ust_id": "vat", "ust_idnr": "vat", "mwst": "vat",
    "steuernummer": "tax_number", "tax_id": "tax_number", "company_no": "company_number", "registration": "company_number",
    "registration_number": "company_number", "gln": "0088", "duns": "0060", "leitweg_id": "buyer_reference",
}  # fmt: skip
_ELSEWHERE = {"EL": "GR", "XI": "GB"}  # prefixes of VAT numbers that are no codes of countries
_NICKNAMES = {"uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "usa": "US"}
# What CLDR has a name for beside the countries of ISO 3166.
_NO_COUNTRIES = frozenset(["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"])
_NAMED_IN = ("en", "fr", "de")  # languages in which a country's name is understood


@attrs.frozen(kw_only=True)
class Ids:
    """The ids of a party by what they are; *others* by the scheme of ISO/IEC 6523 that they are in."""

    vat: str = ""
    tax_number: str = ""
    siren: str = ""
    siret: str = ""
    company_number: str = ""
    buyer_reference: str = ""
    others: tuple[tuple[str, str], ...] = ()

    @property
    def legal(self) -> tuple[str, str]:
        """The id that a register gave, and its scheme: ``("123456782", "0002")`` for a SIREN."""
        siren = self.siren or self.siret[:9]
        return (siren, "0002") if siren else (self.company_number, "")


def ids_of(party: Party) -> Ids:
    """Return the ids of *party*, whatever their keys are called, without the spaces that people write in them.

    >>> ids_of(Party(name="Acme", ids=(("VAT", "FR 83 404 833 048"), ("SIRET", "404 833 048 00022")))).legal
    ('404833048', '0002')
    """
    found: dict[str, str] = {}
    others: list[tuple[str, str]] = []
    names = {field.name for field in attrs.fields(Ids)} - {"others"}
    for key, value in party.ids:
        name = _SEPARATORS.sub("_", key.strip().lower()).strip("_")
        name = _CALLED.get(name, name)
        bare = value if name in ("company_number", "buyer_reference") else _SEPARATORS.sub("", value)
        if name in names:
            found.setdefault(name, bare)
        elif _SCHEME.fullmatch(name):
            others.append((name, bare))
    vat = found.get("vat", "").upper()
    if vat and not vat[:2].isalpha():
        code = country_code(party.country)
        vat = {"GR": "EL"}.get(code, code) + vat
    return Ids(**found | {"vat": vat}, others=tuple(others))


@lru_cache(maxsize=1024)
def country_code(country: str) -> str:
    """Return the code of ISO 3166 for a *country* that is one, or its name in English, French or German; or nothing.

    >>> country_code("FR"), country_code("Deutschland"), country_code("Atlantis")
    ('FR', 'DE', '')
    """
    from babel import Locale

    wanted = country.strip().casefold()
    if wanted in _NICKNAMES:
        return _NICKNAMES[wanted]
    for language in _NAMED_IN:
        for code, name in Locale.parse(language).territories.items():
            if len(code) == 2 and code not in _NO_COUNTRIES and wanted in (code.casefold(), name.casefold()):
                return str(code)
    return ""


def country_of_vat(vat: str) -> str:
    """Return the country that a VAT number is of: ``GR`` for one that begins with ``EL``."""
    return _ELSEWHERE.get(vat[:2], vat[:2])


def electronic_address(party: Party, ids: Ids) -> tuple[str, str]:
    """Return the scheme and the address where electronic invoices reach *party* (BT-34, BT-49).

    What was given; else the SIREN of a French company, by which it stands in the directory of its country; else its e-mail.
    """
    if party.electronic_address:
        scheme, _, address = party.electronic_address.partition(":")
        return scheme, address
    siren = ids.siren or ids.siret[:9]
    if siren:
        return "0225", siren
    return ("EM", party.email) if party.email else ("", "")


def party_terms(party: Party, *, selling: bool, taxed: bool = True) -> dict[str, object]:
    """Return the terms of *party*; its VAT number is left out where nothing is *taxed* (BR-O-02)."""
    ids = ids_of(party)
    legal, legal_scheme = ids.legal
    scheme, address = electronic_address(party, ids)
    identifiers = dict(ids.others)
    if ids.siret:
        identifiers["0009"] = ids.siret
    lines = [line for line in party.address if line.strip()]
    contact = {"name": party.person, "phone": party.phone, "email": party.email}
    terms: dict[str, object] = {
        "name": party.name,
        "identifiers": identifiers,
        "legal_identifier": legal,
        "legal_identifier_schemeid": legal_scheme,
        "vat_identifier": ids.vat if taxed else "",
        "tax_identifier": ids.tax_number if selling else "",
        "einvoicing_addr": address,
        "einvoicing_addr_schemeid": scheme,
        "contacts": [{key: value for key, value in contact.items() if value}] if any(contact.values()) else [],
        "addr_l1": lines[0] if lines else "",
        "addr_l2": lines[1] if len(lines) > 1 else "",
        "addr_l3": ", ".join(lines[2:]),
        "postcode": party.postcode,
        "city": party.city,
        "country_code": country_code(party.country),
    }
    return {key: value for key, value in terms.items() if value}
