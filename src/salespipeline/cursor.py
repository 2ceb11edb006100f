"""Where a page ended, as an opaque text that continues the same query and no other. (SPEC OPP-10)"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from salespipeline.entries import Scalar
from salespipeline.errors import Invalid, Problem
from salespipeline.query import Query

__all__ = ["decode_cursor", "encode_cursor"]


def _fingerprint(query: Query) -> str:
    text = repr((query.kind, query.where, query.order, query.descending))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def encode_cursor(query: Query, after: tuple[Scalar, ...]) -> str:
    """Return an opaque cursor that continues *query* behind *after*."""
    payload = json.dumps([_fingerprint(query), *after], separators=(",", ":"))
    return base64.urlsafe_b64encode(payload.encode()).decode().rstrip("=")


def decode_cursor(query: Query, cursor: str) -> tuple[Scalar, ...]:
    """Return the *after* of a cursor made by ``encode_cursor`` for the same query, or raise ``Invalid``."""
    problem = Problem("after", "cursor", "this cursor does not belong to this query; start from the first page")
    try:
        payload = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Invalid(problem) from error
    if (
        not isinstance(payload, list)
        or len(payload) != len(query.order) + 2
        or payload[0] != _fingerprint(query)
        or not all(type(value) in (int, str) for value in payload)
    ):
        raise Invalid(problem)
    return tuple(payload[1:])
