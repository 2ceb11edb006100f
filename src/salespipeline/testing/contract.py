"""The storage contract as a page: its numbered clauses, written from the suites themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from salespipeline.ports import CONTRACT, Blobs, Store, Transaction
from salespipeline.testing.clauses.base import CAPABILITIES, Clause, clauses_of, told
from salespipeline.testing.suite import BlobsTests, StoreTests

__all__ = ["written"]

_HEAD = """\
# The storage contract

Version {contract}, in {count} clauses. This page is written by `python -m salespipeline.testing --contract`; the clauses
are the tests of `salespipeline.testing`, and a failure prints the number and the sentence that stand here. How to write
a store that keeps them is told in [Write a store](write-a-store.md).

A store keeps *entries*: a kind, an id, a version, a body that nobody looks into, and a small flat index, which is all
that can be queried. What kinds there are and what they index, the *catalog* says.

**The number of the contract** is `salespipeline.ports.CONTRACT`. It grows by one when a store that kept the contract
would no longer do so: a method or an argument more, a clause that forbids what was allowed, another meaning. New
clauses that only say more clearly what was meant leave it, and so do optional methods. A store may say with an
attribute `contract` which number it was written for; `salespipeline.open` refuses any other.

## The methods

"""

_LACKS = """\
## What a store may lack

A store that lacks one of these says so, with a reason, in `lacks`. The clauses that need it must then fail: whoever has
more than is claimed is told. Nothing else can be lacked.

| capability | what it is |
|---|---|
"""


def written() -> str:
    """Return the contract as Markdown."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    clauses = [clause for suite in (StoreTests, BlobsTests) for clause in clauses_of(suite)]
    yield _HEAD.format(contract=CONTRACT, count=len(clauses))
    for protocol in (Store, Transaction, Blobs):
        yield f"### {protocol.__name__}\n\n{inspect.getdoc(protocol)}\n\n".replace("``", "`")
        for name, method in vars(protocol).items():
            if not name.startswith("_") and callable(method):
                yield _method(name, method)
    yield _LACKS
    yield "".join(f"| `{name}` | {meaning} |\n" for name, meaning in CAPABILITIES.items())
    yield "\n"
    for family in dict.fromkeys(clause.family for clause in clauses):
        title, rest = told(family)
        yield f"## {title}\n\n{rest}\n\n".replace("``", "`")
        yield "".join(_line(clause) for clause in clauses if clause.family is family)
        yield "\n" if family is not clauses[-1].family else ""


def _method(name: str, method: object) -> str:
    assert callable(method)
    signature = inspect.signature(method)
    shown = signature.replace(parameters=list(signature.parameters.values())[1:])
    text = (inspect.getdoc(method) or "").replace("``", "`")
    first, *more = text.split("\n\n")
    paragraphs = "".join(f"\n\n  {' '.join(part.split())}" for part in more)
    plain = str(shown).replace("'", "")
    return f"- `{name}{plain}`\n  {' '.join(first.split())}{paragraphs}\n\n"


def _line(clause: Clause) -> str:
    needs = "".join(f" *({', '.join(clause.needs)})*" for _ in clause.needs[:1])
    return f"- **{clause.id}** {clause.sentence}{needs}\n"
