"""``open``: from a URL to a pipeline. A scheme is an entry point; exactly one is loaded."""

from __future__ import annotations

import os
import re
from importlib import metadata
from typing import TYPE_CHECKING
from urllib.parse import quote

from salespipeline.errors import OpenError, shown
from salespipeline.files import Scanner
from salespipeline.ports import CONTRACT, Blobs, Clock, Ids, Mailer, Rates, Renderer, Store
from salespipeline.sales import Sales, new_id, utc_now

if TYPE_CHECKING:
    from salespipeline.mail import Inbox
    from salespipeline.permissions import Policy

__all__ = ["open", "open_store"]

GROUP = "salespipeline.stores"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):", re.IGNORECASE)  # two letters at least: C: is a drive


def open(
    target: str | os.PathLike[str] | Store,
    *,
    actor: str = "system",
    blobs: Blobs | None = None,
    mailer: Mailer | None = None,
    renderer: Renderer | None = None,
    clock: Clock = utc_now,
    ids: Ids = new_id,
    rates: Rates | None = None,
    scanner: Scanner | None = None,
    inbox: Inbox | None = None,
    policy: Policy | None = None,
) -> Sales:
    """Open a sales pipeline.

    *target* is ``"memory:"``, ``"sqlite:///deals.db"``, a bare path (SQLite), the URL of another backend, or a
    ``Store``. *actor* is who acts, *blobs* where files are kept (the store's own place by default), *mailer* what
    mails, *renderer* what draws documents, *rates* what knows rates of exchange, *scanner*
    what looks for viruses in files, *inbox* where replies to notes come back to, *policy*
    what says who may see and do what. *clock* and *ids* are injected, so
    that the same input gives the same bytes (SPEC EXT-3). Raises ``OpenError`` for a bad URL, and ``StorageError``
    where the store cannot be opened.

    >>> sales = open("memory:", actor="jane")
    >>> sales.actor
    'jane'
    """
    store = open_store(target) if isinstance(target, str | os.PathLike) else target
    if not hasattr(store, "transaction"):
        raise OpenError(f"a URL, a path or a store is needed, such as 'memory:' or 'deals.db', not {shown(target)}")
    try:
        return Sales(
            store, actor=actor, blobs=blobs, mailer=mailer, renderer=renderer, clock=clock, ids=ids, rates=rates,
            scanner=scanner, inbox=inbox, policy=policy,
        )  # fmt: skip
    except BaseException:
        if store is not target:
            store.close()
        raise


def open_store(target: str | os.PathLike[str]) -> Store:
    """Open the store at a URL or path, and nothing else."""
    url = os.fspath(target)
    if not url:
        raise OpenError("an empty URL was given: write 'memory:', 'sqlite:///deals.db' or a path")
    found = _SCHEME.match(url)
    if found is None or isinstance(target, os.PathLike):
        url, scheme = "sqlite:///" + quote(url), "sqlite"
    else:
        scheme = found[1].lower()
    entries = list(metadata.entry_points(group=GROUP, name=scheme))
    if not entries:
        known = ", ".join(sorted({entry.name for entry in metadata.entry_points(group=GROUP)}))
        raise OpenError(f"no store is registered for {scheme!r}: there is {known}; is its package installed?")
    try:
        connect = entries[0].load()
    except ImportError as error:
        if (error.name or "").startswith("salespipeline"):
            raise
        message = f"the store for {scheme!r} needs {error.name or 'a package'}: pip install 'salespipeline[{scheme}]'"
        raise OpenError(message) from error
    store: Store = connect(url)
    contract = getattr(store, "contract", CONTRACT)
    if contract != CONTRACT:
        store.close()
        message = f"the store for {scheme!r} keeps storage contract {contract!r} and this library has {CONTRACT}: "
        raise OpenError(message + "install versions of both that go together")
    return store
