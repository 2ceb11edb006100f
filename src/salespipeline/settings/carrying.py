"""The whole of the settings as one file of JSON, and from there into another store: a template, a test, a bug report.

What belongs to one store alone stays there: the keys that sign links, and how far numbers have come.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import attrs

from salespipeline.catalog import FORMAT, KIND_OF, SETTING_LISTS, index_of
from salespipeline.codec import UPCASTS, plain, restore
from salespipeline.domain.checks import suggestion
from salespipeline.domain.items import Item
from salespipeline.domain.links import Keyring
from salespipeline.domain.numbering import Series
from salespipeline.domain.organisation import Organisation
from salespipeline.domain.saved import SavedFilter
from salespipeline.domain.stock import StockItem
from salespipeline.errors import Invalid, NewerFormat, Problem, Refused, StorageError, shown
from salespipeline.query import EVERYTHING, Query
from salespipeline.settings.lists import SettingList
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales
    from salespipeline.settings.desk import SettingsDesk

__all__ = ["Existing", "SettingsReport", "settings_from", "settings_json"]

Existing: TypeAlias = Literal["refuse", "keep", "replace"]
T = TypeVar("T")
WHAT, LAYOUT = "salespipeline settings", 1
_GOODS: Mapping[type[Any], str] = {cls: KIND_OF[cls].kind.name for cls in (Item, StockItem)}
_LISTS: Mapping[str, type[Any]] = {name: cls for cls, name in SETTING_LISTS.items() if cls is not Keyring} | {
    name: cls for cls, name in _GOODS.items()
}
# What is said of one store, and means nothing in another.
_OWN: Mapping[type[Any], frozenset[str]] = {
    Series: frozenset({"offset", "starts", "jumps"}),
    StockItem: frozenset({"sold"}),
}
_MARKED = re.compile(r'"([^"\\]+)"')  # a text in JSON, which may be an id
_NEVER = frozenset({"id", "version", "position"})


@attrs.frozen(kw_only=True)
class SettingsReport:
    """What an import of settings did: which entries were *added*, which *replaced*, and which were *kept* as they are.

    >>> print(SettingsReport(added=("stage 'Prospect'",), replaced=(), kept=("tag 'VIP'", "tag 'Rush'")))
    1 added, 0 replaced, 2 kept
    """

    added: tuple[str, ...]
    replaced: tuple[str, ...]
    kept: tuple[str, ...]

    def __str__(self) -> str:
        return f"{len(self.added)} added, {len(self.replaced)} replaced, {len(self.kept)} kept"


def settings_json(sales: Sales) -> str:
    """Return everything that an administrator keeps as JSON: the same settings give the same text."""
    with sales.doing("export").work(write=False) as work:
        records = _all(work)
    lists: dict[str, list[dict[str, Any]]] = {name: [] for name in _LISTS}
    for record in records:
        own = _OWN.get(type(record), frozenset())
        values = {name: value for name, value in plain(record).items() if name not in own and name != "position"}
        lists[_name(record)].append({"id": record.id, **values})
    digests = sorted({digest for one in records for digest in _files(one)})
    files = {digest: base64.b64encode(b"".join(sales.blobs.read(digest))).decode() for digest in digests}
    facts = {"what": WHAT, "layout": LAYOUT, "format": FORMAT, "lists": lists, "files": files}
    return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"


def settings_from(desk: SettingsDesk, sales: Sales, text: str, existing: Existing) -> SettingsReport:
    """Take over settings, all of them or none; raises ``Invalid`` with every problem."""
    if existing not in ("refuse", "keep", "replace"):
        message = f"existing is 'refuse', 'keep' or 'replace', not {shown(existing)}"
        raise Invalid(Problem("existing", "choice", message))
    facts = _read(text)
    problems: list[Problem] = []
    given = list(_given(facts, problems))
    for content in _contents(facts, problems):
        sales.blobs.keep([content])
    with sales.work() as work:
        taking = _Taking(desk, work, existing, problems)
        for path, record in given:
            taking.take(path, record)
        if problems:
            raise Invalid(problems, record="settings", action="import")
        work.touch_settings()
    return SettingsReport(added=tuple(taking.added), replaced=tuple(taking.replaced), kept=tuple(taking.kept))


class _Taking:
    """Takes one entry after the other into a transaction, and notes what came of it."""

    def __init__(self, desk: SettingsDesk, work: Work, existing: Existing, problems: list[Problem]) -> None:
        self._work, self._existing, self._problems = work, existing, problems
        self._lists = {one._cls: one for one in vars(desk).values() if isinstance(one, SettingList)}
        self._there = {_key(one): one for one in _all(work)}
        self._ids = {one.id for one in self._there.values()}
        self._seen: dict[object, str] = {}
        self._moved: dict[str, str] = {}  # the id that an entry has here, by its id in the file
        self.added: list[str] = []
        self.replaced: list[str] = []
        self.kept: list[str] = []

    def take(self, path: str, record: Any) -> None:
        """Take one entry."""
        before = None
        try:
            record = record.checked() if isinstance(record, Organisation | Item | StockItem) else record
            key = _key(record)
            if key in self._seen:
                self._tell(path, "duplicate", f"{_called(record)} stands in {self._seen[key]} already")
                return
            self._seen[key] = path
            before = self._there.get(key)
            if isinstance(record, Item):
                record = attrs.evolve(
                    record, parts=tuple(attrs.evolve(one, item_id=self._part(one)) for one in record.parts)
                )
            self._moved[record.id] = self._free(record.id) if before is None else before.id
            self._put(path, record, before)
        except (Invalid, Refused, StorageError) as error:
            for one in error.problems if isinstance(error, Invalid) else (Problem("", "refused", str(error)),):
                self._tell(f"{path}.{one.path}".rstrip("."), one.code, one.message)

    def _put(self, path: str, record: Any, before: Any) -> None:
        if before is None:
            record = attrs.evolve(record, id=self._moved[record.id])
            after, action, told = self._checked(record, None), "added", self.added
            self._ids.add(record.id)
        else:
            after = self._checked(attrs.evolve(before, **self._values(record, before)), before)
            if plain(after) == plain(before) or self._existing == "keep":
                self.kept.append(_called(record))
                return
            if self._existing == "refuse":
                changed = ", ".join(
                    name for name in plain(after) | plain(before) if plain(after).get(name) != plain(before).get(name)
                )
                message = (
                    f"{_called(record)} is there already, with another {changed}: say existing='keep' or 'replace'"
                )
                self._tell(path, "exists", message)
                return
            action, told = "edited", self.replaced
        listed = self._lists.get(type(record))
        if listed is None:
            self._work.keep(after, before, action=action)
        else:
            listed._keep(self._work, after, before, action)
        told.append(_called(record))

    def _values(self, record: Any, before: Any) -> dict[str, Any]:
        """Return what a record that is there takes from the one in the file."""
        listed = self._lists.get(type(record))
        left = _NEVER | _OWN.get(type(record), frozenset())
        if listed is not None and listed.by_title:  # records name it by its label: its spelling stays
            left |= {listed.title}
        values = {one.name: getattr(record, one.name) for one in attrs.fields(type(record)) if one.name not in left}
        fixed = listed.fixed if listed is not None else {}
        for name, instead in fixed.items():
            if name in values and values[name] != getattr(before, name):
                raise Invalid(
                    Problem(
                        name, "fixed", f"{shown(getattr(before, name))} cannot become {shown(values[name])}: {instead}"
                    )
                )
        return values

    def _checked(self, record: Any, before: Any) -> Any:
        listed = self._lists.get(type(record))
        if listed is None:
            return record.checked()
        if before is None:
            last = max((one.position for one in listed._choose(self._work.settings).all), default=-1)
            record = attrs.evolve(record, position=last + 1)
        if isinstance(record, SavedFilter):
            criteria = _MARKED.sub(lambda match: f'"{self._moved.get(match[1], match[1])}"', record.criteria)
            record = attrs.evolve(record, criteria=listed._criteria(criteria, record.of).to_json())  # type: ignore[attr-defined]
        return listed._checked(self._work, record, before)

    def _part(self, part: Any) -> str:
        item_id = self._moved.get(part.item_id)
        if item_id is None:
            raise Invalid(Problem("parts", "unknown", f"no item of the file has the id {shown(part.item_id)}"))
        return item_id

    def _free(self, id: str) -> str:
        return self._work.new_id() if id == "" or id in self._ids else id

    def _tell(self, path: str, code: str, message: str) -> None:
        self._problems.append(Problem(path, code, message))


def _all(work: Work) -> list[Any]:
    settings = work.settings
    lists = [getattr(settings, one.name) for one in attrs.fields(type(settings))]
    records = [record for listed in lists for record in getattr(listed, "all", ())]
    records = [record for record in records if record.version]  # what exists without asking was never kept
    if settings.organisation.version:
        records.append(settings.organisation)
    for name in _GOODS.values():  # sets behind what they are made of
        goods = work.find(Query(kind=name, where=EVERYTHING))
        records += sorted(goods, key=lambda one: (bool(getattr(one, "parts", ())), one.reference, one.id))
    return records


def _key(record: Any) -> tuple[object, ...]:
    """Return what makes an entry the same as one in another store: its label in any case, or its reference."""
    kind, index = KIND_OF[type(record)].kind, index_of(record)
    return kind.name, *[index.get(name) for name in kind.unique[0]]


def _name(record: Any) -> str:
    return _GOODS.get(type(record)) or SETTING_LISTS[type(record)]


def _called(record: Any) -> str:
    name = getattr(record, "label", None) or getattr(record, "reference", None) or getattr(record, "name", "")
    return f"{_name(record).replace('_', ' ')} {shown(name)}"


def _files(record: Any) -> Iterator[str]:
    if isinstance(record, Organisation) and record.logo is not None:
        yield record.logo
    for one in getattr(record, "enclosures", ()):
        yield one.digest


def _read(text: str) -> dict[str, Any]:
    try:
        facts = json.loads(text)
        if not isinstance(facts, dict) or facts.get("what") != WHAT:
            raise Invalid(Problem("what", "settings", f"this is no file of settings: it does not say {WHAT!r}"))
        layout, format = facts.get("layout"), facts.get("format")
        if type(layout) is not int or type(format) is not int:
            raise Invalid(Problem("layout", "type", "layout and format are numbers: those of a file that was exported"))
    except json.JSONDecodeError as error:
        raise Invalid(Problem(f"line {error.lineno}", "json", f"this is no JSON: {error.msg}")) from None
    except RecursionError:
        raise Invalid(Problem("", "json", "this is nested too deeply to be a file of settings")) from None
    if layout > LAYOUT or format > FORMAT:
        raise NewerFormat(f"the settings have layout {layout} and format {format}: upgrade salespipeline")
    return facts


def _given(facts: Mapping[str, Any], problems: list[Problem]) -> Iterator[tuple[str, Any]]:
    """Yield the records of the file, each with its place in it."""
    lists = facts.get("lists")
    if not isinstance(lists, dict):
        problems.append(Problem("lists", "type", f"the lists by their names are needed, not {shown(lists)}"))
        return
    problems += [
        Problem(f"lists.{name}", "unknown", f"no list is called {shown(name)}: {suggestion(name, _LISTS)}")
        for name in sorted(lists.keys() - _LISTS)
    ]
    for name, cls in _LISTS.items():
        entries = lists.get(name, [])
        if not isinstance(entries, list):
            problems.append(Problem(f"lists.{name}", "type", f"a list of entries is needed, not {shown(entries)}"))
            continue
        for number, entry in enumerate(entries):
            try:
                yield f"{name}[{number}]", _restored(cls, entry, facts["format"])
            except (StorageError, ValueError, TypeError) as error:
                why = str(error).removesuffix("; restore it from a backup")
                problems.append(Problem(f"{name}[{number}]", "entry", why))


def _restored(cls: type[T], entry: object, format: int) -> T:
    if not isinstance(entry, dict):
        raise TypeError(f"an entry is an object with its values, not {shown(entry)}")
    values = dict(entry)
    id = values.pop("id", "")
    own = sorted(_OWN.get(cls, frozenset()) & values.keys())
    if own:
        raise ValueError(f"{' and '.join(own)} belong to one store: leave them out")
    if type(id) is not str:
        raise TypeError(f"an id is text, not {shown(id)}")
    for older in range(format, FORMAT):
        values = UPCASTS[older](_GOODS.get(cls, "setting"), values)
    return restore(cls, id, 0, values)


def _contents(facts: Mapping[str, Any], problems: list[Problem]) -> Iterator[bytes]:
    files = facts.get("files", {})
    if not isinstance(files, dict):
        problems.append(Problem("files", "type", f"files by their digests are needed, not {shown(files)}"))
        return
    for digest, written in files.items():
        try:
            content = base64.b64decode(written, validate=True)
        except (ValueError, TypeError):
            content = b""
        if hashlib.sha256(content).hexdigest() != digest:
            problems.append(
                Problem(f"files.{digest[:12]}", "file", "the bytes are not what the digest names, or no base64")
            )
        elif not problems:  # nothing is kept for what is refused
            yield content
