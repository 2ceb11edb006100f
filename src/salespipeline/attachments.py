"""``sales.attachments``: files at any record, who may see them, and all of them as one ZIP. (SPEC ATT-1, ATT-2)"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeAlias
from zlib import crc32

import attrs

from salespipeline.collection import Collection
from salespipeline.deal_filters import as_id, deal_filter
from salespipeline.domain.attachments import Attachment, Audience, Scan, as_viewer
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.settings import Settings
from salespipeline.domain.sniffing import HEAD, media_type
from salespipeline.errors import Invalid, Problem, Refused, shown
from salespipeline.files import Unchecked
from salespipeline.filters import Filter, choice, identity, moment, search, words
from salespipeline.listing import Listing, Shape
from salespipeline.query import All, Cmp, Predicate
from salespipeline.subjects import Subject, subject_of
from salespipeline.sweeping import GRACE, Swept, sweep
from salespipeline.work import Work
from salespipeline.zipping import Packed, zipped

__all__ = ["MOST_BYTES", "Attachments", "Content", "attachment_on", "kept_file"]

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())

Content: TypeAlias = "bytes | BinaryIO | os.PathLike[str] | Iterable[bytes]"
MOST_BYTES = 2_000_000_000  # of one file, unless the caller says otherwise
MOST_IN_MEMORY = 64 * 1024 * 1024
_CHUNK = 256 * 1024


def _row(one: Attachment, _settings: Settings, _names: Mapping[str, str]) -> dict[str, object]:
    return {
        "name": one.name,
        "media_type": one.media_type,
        "size": one.size,
        "audience": one.audience.value,
        "scan": one.scan.value,
        "record": one.record_kind,
        "created": one.created_at,
        "created_by": one.created_by,
    }


def _seen_by() -> Filter:
    """Who looks: ``web`` and ``resources`` see what is for them or for both, ``everyone`` sees all."""

    def make(_operator: str, value: object, _settings: Settings, _path: str) -> Predicate:
        viewer = as_viewer(value)
        return All(()) if viewer == "everyone" else Cmp(viewer, "=", 1)

    return Filter(("",), make)


class Attachments(Collection[Attachment]):
    """Every attachment; found by id or by name. Bytes are kept once, however many attachments have them.

    >>> plan = sales.attachments.add(deal, "Plan.txt", b"forty bays", audience="both")
    >>> [str(one) for one in sales.attachments.of(deal)]
    ['Plan.txt (text/plain, 10 bytes, for both)']
    >>> b"".join(sales.attachments.read(plan))
    b'forty bays'
    >>> sales.attachments.edit(plan, name="Plan A.txt", audience="resources").seen_by("web")
    False
    >>> sales.attachments.delete(plan.id)
    >>> sales.attachments.of(deal).count()
    0
    """

    cls = Attachment
    key = "name"
    shape = Shape(
        kind="attachment",
        filters={
            "opportunity": deal_filter,
            "record": identity("record", as_id),
            "name": words("name"),
            "text": search("text"),
            "media_type": words("media_type"),
            "audience": _seen_by(),
            "scan": choice("scan", Scan),
            "digest": identity("digest", as_id),
            "created": moment("created", "created"),
        },
        orders={"created": "created", "name": "name", "size": "size"},
        default="created",
        row=_row,
        columns=dict.fromkeys(("name", "media_type"), str)
        | {"size": int, "audience": str, "scan": str, "record": str, "created": datetime, "created_by": str},
    )

    def add(
        self,
        record: object,
        name: str,
        content: Content,
        *,
        audience: str | Audience,
        comment: str = "",
        most_bytes: int = MOST_BYTES,
    ) -> Attachment:
        """Put a file to a record: an opportunity, a document, a job, a contact or a note, or what one is called.

        *content* are bytes, a path, a file that is open for reading, or chunks of bytes: what is large is never held
        whole. *audience* says who may see it: ``"web"``, ``"resources"`` or ``"both"``. Raises ``Invalid`` where that
        is not said, or where there are more than *most_bytes*.
        """
        facts = {"name": name, "audience": audience, "comment": comment}
        with self._sales.work(write=False) as work:
            attachment_on(work, subject_of(work, record), facts)  # before anything is kept
        file = kept_file(self, name, content, most_bytes)
        with self._sales.work() as work:
            return work.keep(attachment_on(work, subject_of(work, record), facts | file), action="created")

    def of(self, record: object, *, audience: str = "everyone") -> Listing[Attachment]:
        """Return the files of a record; of an opportunity also those of its notes, its documents and its jobs.

        *audience* is who looks: ``"web"``, ``"resources"`` or ``"everyone"``. (SPEC ATT-1)
        """
        with self._sales.work(write=False) as work:
            subject = subject_of(work, record)
        if isinstance(subject.record, Opportunity):
            return self.where(opportunity=subject.record, audience=audience)
        return self.where(record=subject.id, audience=audience)

    def read(self, attachment: Attachment | str) -> Iterator[bytes]:
        """Yield the bytes in chunks. Raises ``Refused`` at once for a file in quarantine."""
        with self._sales.doing("download").work(write=False) as work:
            record = self._named(work, attachment)
        record.refuse_reading()
        return self._sales.blobs.read(record.digest)

    def content(self, attachment: Attachment | str) -> bytes:
        """Return the bytes of a small file, up to 64 MB; ``read`` is for large ones.

        >>> sales.attachments.content(sales.attachments.add(deal, "a.txt", b"ABC", audience="web"))
        b'ABC'
        """
        record = self.get(attachment) if isinstance(attachment, str) else attachment
        if record.size > MOST_IN_MEMORY:
            message = f"{record.name!r} has {record.size:,} bytes: take it in chunks, with read()"
            raise Refused(message, record=f"attachment {record.id}", action="content")
        return b"".join(self.read(attachment))

    def edit(
        self,
        attachment: Attachment | str,
        *,
        name: str | None = None,
        audience: str | Audience | None = None,
        comment: str | None = None,
    ) -> Attachment:
        """Rename it, say anew who may see it, or comment on it."""
        given = {"name": name, "audience": audience, "comment": comment}
        values = {key: value for key, value in given.items() if value is not None}
        return self._change(attachment, lambda one, _work: attrs.evolve(one, **values).checked(), "edited")  # type: ignore[arg-type]

    def delete(self, attachment: Attachment | str) -> None:
        """Take a file away from its record. Its bytes go with the next ``sweep`` after a day, if nothing else has them."""
        with self._sales.work() as work:
            work.remove(self._named(work, attachment))

    # --- quarantine -------------------------------------------------------------------------------------------

    def scan(self, attachment: Attachment | str | None = None) -> list[Attachment]:
        """Let the scanner look at one file, or at all that wait for it; returns them as they are now.

        >>> shop = sp.open("memory:", scanner=lambda name, chunks: "EICAR" if b"EICAR" in b"".join(chunks) else None)
        >>> acme = shop.contacts.add("Acme Ltd")
        >>> bad = shop.attachments.add(acme, "bad.txt", b"X5O EICAR", audience="both")
        >>> str(bad.scan), bad.finding, [one.finding for one in shop.attachments.scan(bad)]
        ('infected', 'EICAR', ['EICAR'])
        """
        waiting = list(self.where(scan="pending")) if attachment is None else [self._got(attachment)]
        found = []
        for one in waiting:
            facts = self._scanned(one.name, one.digest)

            def move(before: Attachment, _work: Work, facts: Mapping[str, object] = facts) -> Attachment:
                return attrs.evolve(before, **facts)  # type: ignore[arg-type]

            found.append(self._change(one.id, move, "scanned"))
        return found

    def release(self, attachment: Attachment | str) -> Attachment:
        """Let a file out of quarantine: somebody has looked at it, and the history says who.

        >>> shop = sp.open("memory:", scanner=lambda name, chunks: "an odd macro")
        >>> odd = shop.attachments.add(shop.contacts.add("Acme Ltd"), "odd.doc", b"...", audience="both")
        >>> shop.attachments.content(shop.attachments.release(odd))
        b'...'
        """
        return self._change(attachment, lambda one, _work: one.released(), "released")

    def _got(self, attachment: Attachment | str) -> Attachment:
        return self.get(attachment) if isinstance(attachment, str) else attachment

    def _scanned(self, name: str, digest: str) -> dict[str, object]:
        """Return what the scanner says of the bytes of *digest*; where it fails they stay in quarantine."""
        scanner = self._sales.scanner
        if scanner is None:
            return {"scan": Scan.UNSCANNED}
        try:
            finding = scanner(name, self._sales.blobs.read(digest))
        except Exception as error:  # noqa: BLE001 - whatever a scanner of others raises, nobody may read the file
            log.warning("a file was not scanned: %s", type(error).__name__)
            return {"scan": Scan.PENDING, "finding": ""}
        if finding is None:
            return {"scan": Scan.CLEAN, "finding": ""}
        said = "".join(one if one.isprintable() else "?" for one in str(finding)[:200])
        return {"scan": Scan.INFECTED, "finding": said.strip() or "something"}

    # --- many -------------------------------------------------------------------------------------------------

    def download_all(self, record: object, *, audience: str) -> Iterator[bytes]:
        """Yield one ZIP of the files of a record that *audience* may see, as it is made. (SPEC ATT-2)

        *audience* is who gets it: ``"web"``, ``"resources"`` or ``"everyone"``. The same files give the same bytes.
        Names are safe on every system, and distinct; what is in quarantine is left out.

        >>> _ = sales.attachments.add(deal, "../Plan.txt", b"forty bays", audience="web")
        >>> import io, zipfile
        >>> zipfile.ZipFile(io.BytesIO(b"".join(sales.attachments.download_all(deal, audience="web")))).namelist()
        ['Plan.txt']
        """
        from salespipeline.mail.filenames import safe_filenames

        listed = self._sales.doing("download").attachments.of(record, audience=as_viewer(audience))
        files = [one for one in listed if not one.quarantined]
        names = safe_filenames(one.name for one in files)
        blobs = self._sales.blobs
        # The sum that a ZIP makes anyway shows whether the bytes are those that were kept: another would be for nothing.
        known = blobs.unchecked if isinstance(blobs, Unchecked) else blobs.read
        return zipped(
            Packed(name, one.created_at, one.size, (blobs.read if one.crc32 is None else known)(one.digest), one.crc32)
            for name, one in zip(names, files, strict=True)
        )

    def sweep(self, *, older_than: float = GRACE) -> Swept:
        """Remove bytes that no record names and that nobody has kept for *older_than* seconds, a day by default.

        >>> sales.attachments.sweep().removed
        ()
        """
        return sweep(self._sales, older_than=older_than)


def kept_file(attachments: Attachments, name: str, content: Content, most_bytes: int) -> dict[str, object]:
    """Keep the bytes of a file, outside any transaction, and return what an attachment says of them."""
    chunks = _Counted(_chunks(content), most_bytes, name)
    digest = attachments._sales.blobs.keep(chunks)
    kind = media_type(chunks.head, name)
    facts: dict[str, object] = {"digest": digest, "crc32": chunks.crc32, "size": chunks.size, "media_type": kind}
    return facts | attachments._scanned(name, digest)


def attachment_on(work: Work, subject: Subject, facts: Mapping[str, object]) -> Attachment:
    """Return an attachment of *subject*, checked, with the *facts* that are known so far."""
    values: dict[str, object] = {"digest": "", "size": 0, "media_type": "", **facts}
    return Attachment(
        id=work.new_id(),
        record_kind=subject.kind,
        record_id=subject.id,
        opportunity_id=subject.opportunity_id,
        created_at=work.at,
        created_by=work.by,
        **values,  # type: ignore[arg-type]
    ).checked()


class _Counted:
    """Chunks that are counted as they pass, of which the first ones are looked at, and not too many are let through."""

    def __init__(self, chunks: Iterable[bytes], most: int, name: str) -> None:
        self._chunks = chunks
        self._most = most
        self._name = name
        self.size = self.crc32 = 0
        self.head = b""

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            if not isinstance(chunk, bytes | bytearray | memoryview):
                message = f"a file is made of bytes, not {shown(chunk)} ({type(chunk).__name__})"
                raise Invalid(Problem("content", "type", message))
            self.size += len(chunk)
            self.crc32 = crc32(chunk, self.crc32)
            if self.size > self._most:
                message = f"{shown(self._name)} has more than {self._most:,} bytes, which is the most that is taken"
                raise Invalid(Problem("content", "large", message))
            if len(self.head) < HEAD:
                self.head += bytes(chunk[: HEAD - len(self.head)])
            yield bytes(chunk)


def _chunks(content: object) -> Iterator[bytes]:
    if isinstance(content, bytes | bytearray | memoryview):
        yield from (bytes(content[start : start + _CHUNK]) for start in range(0, len(content), _CHUNK))
    elif isinstance(content, os.PathLike):
        with Path(content).open("rb") as file:
            yield from _chunks(file)
    elif callable(read := getattr(content, "read", None)):
        while chunk := read(_CHUNK):
            yield chunk
    elif isinstance(content, Iterable) and not isinstance(content, str):
        yield from content
    else:
        message = f"a file is bytes, a path, an open file or chunks of bytes, not {shown(content)}"
        raise Invalid(Problem("content", "type", message))
