"""What an export says of itself: ``manifest.json``."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import attrs

from salespipeline.catalog import CATALOG, FORMAT
from salespipeline.errors import Invalid, NewerFormat, Problem

__all__ = ["FILES", "LAYOUT", "MANIFEST", "NUMBERS", "Listed", "Manifest", "name_of", "place_of"]

WHAT = "salespipeline export"
LAYOUT = 1  # of the files; the format of the bodies in them has a number of its own, that of the catalog
MANIFEST, NUMBERS, FILES = "manifest.json", "numbers.jsonl", "files.jsonl"
_NAME = re.compile(r"records/([a-z][a-z0-9_]*)\.jsonl")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def name_of(kind: str) -> str:
    """Return the name of the file that holds the records of *kind*."""
    return f"records/{kind}.jsonl"


def place_of(digest: str) -> str:
    """Return where the bytes with this SHA-256 stand."""
    return f"files/{digest}"


@attrs.frozen
class Listed:
    """One file of lines: how many, how many bytes in all, and their SHA-256."""

    name: str
    lines: int
    bytes: int
    sha256: str

    @property
    def kind(self) -> str | None:
        """The kind whose records it holds; ``None`` for the numbers and the list of files."""
        found = _NAME.fullmatch(self.name)
        return None if found is None else found[1]


@attrs.frozen(kw_only=True)
class Manifest:
    """What an export holds. *missing* are files that records name, and that were not there when it was made."""

    files: tuple[Listed, ...]
    missing: tuple[str, ...] = ()
    layout: int = LAYOUT
    format: int = FORMAT

    def to_json(self) -> str:
        """Return it as it is written, with a SHA-256 of itself."""
        facts: dict[str, Any] = {
            "what": WHAT,
            "layout": self.layout,
            "format": self.format,
            "files": [attrs.asdict(one) for one in self.files],
            "missing": list(self.missing),
        }
        return json.dumps(facts | {"sha256": _sum(facts)}, ensure_ascii=False, indent=1) + "\n"

    @property
    def sha256(self) -> str:
        """The SHA-256 that names this export: another content has another one."""
        sum: str = json.loads(self.to_json())["sha256"]
        return sum

    @classmethod
    def of(cls, text: str) -> Manifest:
        """Read one; raises ``NewerFormat``, or ``Invalid`` where it is no manifest, or not as it was written."""
        try:
            facts = json.loads(text)
            if not isinstance(facts, dict) or facts.get("what") != WHAT:
                raise _broken("it does not say that this is an export of salespipeline")
            if max(_number(facts, "layout") - LAYOUT, _number(facts, "format") - FORMAT) > 0:
                raise NewerFormat(
                    f"the export has layout {facts['layout']} and format {facts['format']}; this version reads up to "
                    f"{LAYOUT} and {FORMAT}: upgrade salespipeline"
                )
            if facts.pop("sha256", None) != _sum(facts):
                raise _broken("it is not as it was written: its own SHA-256 is another one")
            files = tuple(Listed(**one) for one in facts["files"])
            manifest = cls(files=files, missing=tuple(facts["missing"]), layout=facts["layout"], format=facts["format"])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            if isinstance(error, Invalid):
                raise
            raise _broken(f"it cannot be read ({type(error).__name__})") from None
        manifest._check()
        return manifest

    def _check(self) -> None:
        names = [one.name for one in self.files]
        strange = [one.name for one in self.files if one.kind is None and one.name not in (NUMBERS, FILES)]
        strange += [one.name for one in self.files if one.kind is not None and one.kind not in CATALOG.by_name]
        if strange or len(set(names)) != len(names) or not {NUMBERS, FILES} <= set(names):
            raise _broken(
                f"it lists other files than an export has: {', '.join(strange) or 'two of one name, or too few'}"
            )


def _number(facts: dict[str, Any], name: str) -> int:
    number = facts[name]
    if type(number) is not int or number < 1:
        raise _broken(f"its {name} is no number")
    return number


def _broken(why: str) -> Invalid:
    return Invalid(Problem(MANIFEST, "manifest", f"{why}; make the export anew"), action="import")


def _sum(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
