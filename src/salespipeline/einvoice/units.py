"""Units of measure: from what people write to the codes of UN/ECE Recommendation 20 (BT-130)."""

from __future__ import annotations

from functools import lru_cache

from salespipeline.text import fold

__all__ = ["ONE", "unit_code"]

ONE = "C62"
_WORDS = {
    "C62": "piece pieces pc pcs unit units each ea u no stuck stk unite unites",
    "HUR": "hour hours h hr hrs heure heures stunde stunden std",
    "MIN": "minute minutes min",
    "DAY": "day days d jour jours j tag tage",
    "WEE": "week weeks semaine semaines woche wochen",
    "MON": "month months mois monat monate",
    "ANN": "year years an ans annee annees jahr jahre",
    "GRM": "g gram grams gramme grammes gramm",
    "KGM": "kg kilogram kilograms kilogramme kilogrammes kilogramm kilo kilos",
    "TNE": "t tonne tonnes tons",
    "MMT": "mm millimetre millimetres",
    "CMT": "cm centimetre centimetres",
    "MTR": "m metre metres meter meters",
    "KMT": "km kilometre kilometres kilometer kilometers",
    "MTK": "m2 sqm qm",
    "MTQ": "m3 cbm",
    "LTR": "l litre litres liter liters",
    "MLT": "ml",
    "KWH": "kwh",
    "SET": "set sets",
    "PR": "pair pairs paire paires paar",
    "XBX": "box boxes boite boites karton",
    "XPK": "pack packs package packages paquet paquets packung",
    "XPX": "pallet pallets palette paletten palettes",
    "XRO": "roll rolls rouleau rouleaux rolle rollen",
    "LS": "lump sum|lump|forfait|pauschal|pauschale|flat",
    "P1": "% percent",
}
_CODES = {word: code for code, words in _WORDS.items() for word in words.split("|" if "|" in words else " ")}
_CODES |= {"lump sum": "LS"}


@lru_cache(maxsize=4096)
def unit_code(unit: str) -> str | None:
    """Return the code of a *unit*: of none, of a word that is known, or of a code itself; else ``None``.

    >>> unit_code(""), unit_code("Stunden"), unit_code("m²"), unit_code("KGM"), unit_code("sack")
    ('C62', 'HUR', 'MTK', 'KGM', None)
    """
    if not unit:
        return ONE
    if unit in _WORDS:
        return unit
    return _CODES.get(fold(unit).rstrip("."))
