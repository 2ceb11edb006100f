"""The words printed on documents, in the document's language.

One gettext catalogue a language, ``locales/fr.po``, read once a process as it is: nothing to compile. Its
``msgid`` are keys such as ``due`` or ``due.quote`` (what ``due`` is called on a quote). A region's catalogue,
``en_GB.po``, holds only what differs. The language is always the document's, never the machine's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from salespipeline.errors import Invalid, Problem, shown

__all__ = ["add_labels", "known_keys", "label", "languages", "problem_of"]

FALLBACK = "en"
_SHIPPED = Path(__file__).parent / "locales"
_TAG = re.compile(r"[a-z]{2,3}(_[A-Za-z0-9]{2,8})*", re.ASCII)
_CASE = {2: str.upper, 4: str.title}  # a region, a script: fr_CA, zh_Hant_TW
_NONE: Mapping[str, str] = MappingProxyType({})
_added: dict[str, dict[str, str]] = {}


def label(key: str, locale: str, type: str = "", own: Mapping[str, str] = _NONE) -> str:
    """Return the label called *key* in the language of *locale*, as it reads on a document of *type*.

    *own* are words that stand before those of the catalogue, by key or by ``key.type``.

    ``fr_CA`` takes what a catalogue ``fr_CA`` says, then ``fr``, then English, which also stands in for unknown
    languages. A key that no catalogue knows is returned as it is, so that a caller's own wording
    (``("Vessel", "MS Anna")``) prints unchanged. Keys are found without regard to case.

    >>> label("invoice", "de_AT"), label("due", "en_US", "quote"), label("Vessel", "en")
    ('Rechnung', 'Valid until', 'Vessel')
    """
    known = _labels(locale)
    name = key.lower()
    for one in (f"{name}.{type}", name) if type else (name,):
        found = own.get(one) if own else None
        if found is None:
            found = known.get(one)
        if found is not None:
            return found
    return key


def problem_of(key: str, words: str) -> Problem | None:
    """Return what is wrong with *words* for the label called *key*, if something is."""
    if key.lower().partition(".")[0] == "page" and sorted(re.findall(r"\{[^{}]*\}|[{}]", words)) != [
        "{pages}",
        "{page}",
    ]:
        message = f"{shown(words)} must hold {{page}} and {{pages}} once each and no other braces"
        return Problem(f"labels.{key}", "placeholder", message)
    return None


def known_keys() -> frozenset[str]:
    """Return the keys that documents ask for, without those of one type.

    >>> "due" in known_keys(), "due.quote" in known_keys()
    (True, False)
    """
    return frozenset(key.partition(".")[0] for key in _labels(FALLBACK))


def languages() -> tuple[str, ...]:
    """Return the tags of all catalogues, sorted: those shipped and those added.

    >>> {"de", "en", "en_GB", "fr"} <= set(languages())
    True
    """
    return tuple(sorted({path.stem for path in _SHIPPED.glob("*.po")} | set(_added)))


def add_labels(locale: str, labels: Mapping[str, str] | Path | str) -> None:
    """Add a language, or change some words of one, for this process.

    *labels* is a mapping of keys to words, or the path of a ``.po`` file; ``locales/en.po`` beside this module
    lists the keys. What is missing is taken from English. Call it once, at start-up. Raises ``Invalid`` for a
    malformed tag, a file that is not a catalogue, or a ``page`` without its two places.

    >>> add_labels("es", {"invoice": "Factura", "page": "Página {page} de {pages}"})
    >>> label("invoice", "es_MX"), label("iban", "es_MX")
    ('Factura', 'IBAN')
    """
    tag = _tag(locale)
    if not _TAG.fullmatch(tag):
        raise Invalid(Problem("locale", "locale", f"{shown(locale)} is not a language tag, such as 'es' or 'es_MX'"))
    given = dict(labels) if isinstance(labels, Mapping) else _read(Path(labels))
    problems = [one for one in (problem_of(key, words) for key, words in given.items()) if one is not None]
    if problems:
        raise Invalid(problems)
    _added[tag] = {**_added.get(tag, {}), **{key.lower(): words for key, words in given.items()}}
    _labels.cache_clear()


@lru_cache(maxsize=256)
def _labels(locale: str) -> dict[str, str]:
    parts = _tag(locale).split("_") if len(locale) <= 40 else [FALLBACK]
    found: dict[str, str] = {}
    for tag in (FALLBACK, *("_".join(parts[:count]) for count in range(1, len(parts) + 1))):
        if _TAG.fullmatch(tag):  # never a path out of the folder
            file = _SHIPPED / f"{tag}.po"
            if file.exists():
                found |= _read(file)
            found |= _added.get(tag, {})
    return found


def _tag(locale: str) -> str:
    language, *rest = locale.replace("-", "_").split("_")
    return "_".join([language.lower(), *(_CASE.get(len(part), str.lower)(part) for part in rest)])


def _read(file: Path) -> dict[str, str]:
    from babel.messages.pofile import PoFileError, read_po

    try:
        with file.open("rb") as stream:
            catalogue = read_po(stream, abort_invalid=True)
    except (OSError, ValueError, PoFileError) as error:
        message = f"{file} cannot be read as a gettext catalogue: {error}"
        raise Invalid(Problem("labels", "catalogue", message)) from error
    return {str(entry.id): str(entry.string) for entry in catalogue if entry.id and entry.string}
