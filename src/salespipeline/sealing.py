"""Seals: each sent document is a link of the chain of its series, so that one that is changed or gone is found. (SPEC DOC-7)

A link is the SHA-256 of the one before it, of the content, of the PDF that left, and of who sent it when. There is no
secret in it: whoever can write the whole store can make a chain anew. Keep the last link of ``verify_seals`` elsewhere, and
that is found too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

import attrs

from salespipeline.catalog import KIND_OF, index_of, instant
from salespipeline.codec import content_digest, plain
from salespipeline.domain.activity import replay
from salespipeline.domain.document import Document, Seal
from salespipeline.domain.facts import Chain
from salespipeline.errors import Corrupt
from salespipeline.past import history_of
from salespipeline.ports import Blobs
from salespipeline.query import Cmp, Count, Query
from salespipeline.text import fold
from salespipeline.work import Work

__all__ = ["link_of", "linked", "problems_of"]


def linked(work: Work, document: Document) -> Document:
    """Return *document*, which is sent and sealed, as the next link of its chain; one that is a link already stays it."""
    if document.seal is None or document.seal.position is not None:
        return document
    work.next_number(
        f"chain:{document.series}"
    )  # whoever links at the same time waits here, and then reads the last link
    chain = work.get(Chain, document.series) or Chain(id=document.series)
    seal = attrs.evolve(document.seal, position=chain.position + 1, previous=chain.link)
    sent = attrs.evolve(document, seal=seal)
    seal = attrs.evolve(seal, link=link_of(sent, seal))
    after = attrs.evolve(chain, position=chain.position + 1, link=seal.link)
    work.keep(after, chain if chain.version else None, action="linked")
    return attrs.evolve(document, seal=seal)


def link_of(document: Document, seal: Seal) -> str:
    """Return the link that *document* has as the one at this place."""
    sent_at = "" if document.sent_at is None else instant(document.sent_at)
    parts = [
        document.series,
        seal.position,
        seal.previous,
        document.id,
        seal.content,
        seal.pdf,
        sent_at,
        document.sent_by,
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def problems_of(work: Work, document: Document, blobs: Blobs) -> list[str]:
    """Return how a sent document differs from what was sealed and written down: nothing, if nobody touched it."""
    found: list[str] = []
    seal = document.seal
    if seal is None:
        return ["it has no seal"]
    if content_digest(document) != seal.content:
        found.append("its content is not what was sealed")
    if seal.link and link_of(document, seal) != seal.link:
        found.append("its link is not that of its content, its PDF and its moment")
    if seal.pdf is not None:
        try:
            for _ in blobs.read(seal.pdf):
                pass
        except Exception as error:  # noqa: BLE001 - whatever a foreign place for files raises, the PDF is not there
            found.append(f"its PDF cannot be read as it left ({type(error).__name__})")
    try:
        versions = list(replay(history_of(work, "document", document.id)))
    except Corrupt as error:
        return [*found, f"its history cannot be read ({error})", *_strays(work, document)]
    if not versions or versions[-1][0].record_version != document.version:
        found.append("its version is not the last one of its history")
    if not versions or json.loads(json.dumps(plain(document))) != versions[-1][1]:
        found.append("it is not what its history makes of it")
    return found + list(_strays(work, document))


def _strays(work: Work, document: Document) -> Iterable[str]:
    """Yield each column that does not hold what the document says."""
    kind = KIND_OF[Document].kind
    names = [field.name for field in kind.fields if not field.many]
    query = Query(kind="document", where=Cmp("reference", "=", fold(document.reference or "")))
    rows = list(work.columns(query, ["id", *names]))
    if len(rows) != 1 or rows[0][0] != document.id:
        yield "its reference leads to another document, or to none"
        return
    index = index_of(document)
    for name, value in zip(names, rows[0][1:], strict=True):
        if value != index.get(name):
            yield f"its column {name} holds {value!r}"
    for field in kind.fields:
        if field.many:
            held = {value for value, _ in work.tally(query, (field.name,), (Count(),)) if value is not None}
            if held != set(index.get(field.name, ())):  # type: ignore[arg-type]
                yield f"its table {field.name} holds {sorted(held)!r}"
