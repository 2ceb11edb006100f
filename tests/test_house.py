"""How the package is laid out: who may import whom, what an import costs, and a few habits.

The table is the law. A new module has no row, and so fails, until somebody gives it one.
"""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import salespipeline

PACKAGE = Path(salespipeline.__file__).parent
LONGEST_FILE = 400

# module or package: what of the package it may import | what from elsewhere, beside the standard library.
# "~" means only inside a function (or for a type checker): loaded when used, not when imported. The longest
# matching name decides; a package's own modules may always import each other.
FOUNDATION = "errors entries query cursor money text words exchange"
FACE = f"{FOUNDATION} domain reports ports files indexes catalog codec"
# The modules of the façade, one a line. They may import each other.
FACADES = [
    "acting",
    "activities",
    "alerts",
    "attachments",
    "batches",
    "change_report",
    "claiming",
    "collection",
    "composing",
    "criteria",
    "contacts",
    "deal_filters",
    "deal_listing",
    "deal_moves",
    "deal_plans",
    "deal_references",
    "deliveries",
    "delivery",
    "documents",
    "einvoicing",
    "duplicates",
    "each",
    "endings",
    "expanding",
    "exported",
    "filters",
    "feed",
    "following",
    "guard",
    "guarding",
    "importing",
    "issuing",
    "jobs",
    "line_rows",
    "linking",
    "listing",
    "merging",
    "moving",
    "note_people",
    "notes",
    "notices",
    "obstacles",
    "numbers",
    "past",
    "patience",
    "permissions",
    "opportunities",
    "person_filter",
    "planning",
    "posting",
    "ranking",
    "rehearsing",
    "receiving",
    "report",
    "ringing",
    "rotting",
    "sales",
    "sealing",
    "searching",
    "send_options",
    "sending_report",
    "settings",
    "settling",
    "sights",
    "starting",
    "stopping",
    "stock",
    "subjects",
    "suggesting",
    "survivors",
    "sweeping",
    "tables",
    "views",
    "wording",
    "work",
    "zipping",
]
TABLE = {
    "": f"{FACE} ~sales ~opening ~permissions ~blobs ~mail ~demo | ",
    "errors": " | ",
    "entries": " | attrs",
    "_iso4217": " | ",
    "money": "errors _iso4217 | attrs",
    "text": "errors | ~email_validator",
    "exchange": "errors money text | attrs",
    "query": "errors entries | attrs",
    "cursor": "errors entries query | ",
    "ports": "errors entries query money exchange | attrs",
    "transmission": "ports | attrs",
    "transmitters": "mail ports transmission | attrs",
    "files": "errors ports | ",
    "domain": "errors money text exchange | attrs",
    "domain.recurring": "errors | ~dateutil",
    "domain.display": "~notebook ~tables | ~pandas ~polars",
    "domain.ids": "errors text | ~stdnum",
    "reports": "errors entries query money domain ~notebook | attrs",
    "words": "errors text | ",
    "indexes": "entries domain text words | ",
    "catalog": "entries query domain text indexes | attrs",
    "codec": "errors entries money domain catalog reading | attrs cattrs",
    "reading": " | attrs",
    "arguments": "domain money exchange ~mail ~render | ",
    "stores": "errors entries query ports blobs | attrs psycopg psycopg_pool",
    "blobs": "errors entries ports files stores.sqlite_file ~stores.postgres_session | attrs",
    "mail": "errors entries ports | attrs email_validator",
    # The words of a mail are a value of the domain; what fills them is here.
    "render": "errors entries ports money domain.templates | "
    "attrs babel fontTools fpdf jinja2 markupsafe PIL ~css_inline ~facturx ~lxml ~segno",
    "einvoice": f"{FOUNDATION} domain | attrs ~babel ~facturx ~lxml ~pypdf ~saxonche ~stdnum",
    # The façade: all of the above, and never a concrete store, mailer or renderer except when one is asked for.
    **dict.fromkeys(
        [*FACADES, "opening"],
        f"{FACE} {' '.join(FACADES)} einvoice transmission rewriting arguments ~opening ~notebook ~mail ~render | attrs ~uuid_utils",
    ),
    "rewriting": f"{FACE} | ",
    "worker": f"{FACE} batches claiming delivery following ringing ~sales ~mail ~opening | ",
    "exports": f"{FACE} rewriting | attrs",
    "maintenance": f"{FACE} exports rewriting opening sales ~blobs | attrs",
    "notebook": f"{FACE} change_report listing reports sales sending_report settings views ~render | ~pandas ~polars",
    "demo": f"{FACE} sales sending_report ~opening ~mail | attrs",
    # The suite, and the command that runs it on whatever a URL names.
    "testing": "errors entries query ports stores opening | attrs hypothesis pytest ~psycopg",
}

# What values in, values out may not reach for: a clock, ids, chance, files, the machine's locale, the network.
PURE = (
    "errors",
    "entries",
    "money",
    "text",
    "words",
    "query",
    "cursor",
    "exchange",
    "domain",
    "reports",
    "indexes",
    "catalog",
)
IMPURE_MODULES = frozenset(
    [
        "asyncio",
        "fcntl",
        "getpass",
        "glob",
        "io",
        "locale",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "platform",
        "random",
        "secrets",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib",
        "uuid",
    ]
)
IMPURE_CALLS = frozenset({"now", "today", "utcnow", "open", "print", "input", "getenv", "read_text", "write_text"})

# Nobody who only imports the package should wait for these.
HEAVY = frozenset(
    [
        "PIL",
        "altair",
        "asyncio",
        "babel",
        "email",
        "email_validator",
        "fontTools",
        "facturx",
        "fpdf",
        "hypothesis",
        "importlib.metadata",
        "jinja2",
        "lxml",
        "pandas",
        "polars",
        "psycopg",
        "psycopg_pool",
        "pypdf",
        "pytest",
        "saxonche",
        "smtplib",
        "sqlite3",
        "ssl",
        "stdnum",
        "zoneinfo",
    ]
)


class Import(NamedTuple):
    """One import: what, on which line, and whether importing the module does it."""

    target: str
    line: int
    eager: bool


def imports(source: str, module: str, *, package: bool = False) -> Iterator[Import]:
    """Yield every import in *source*, at any depth, by absolute name (``salespipeline.money``)."""
    yield from _imports(ast.parse(source), module, package, eager=True)


def _imports(node: ast.AST, module: str, package: bool, *, eager: bool) -> Iterator[Import]:
    match node:
        case ast.Import(names=names):
            yield from (Import(alias.name, node.lineno, eager) for alias in names)
        case ast.ImportFrom(names=names):
            base = node.module or ""
            if node.level:
                here = module.split(".")
                here = here[: len(here) - node.level + package]
                base = ".".join([*here, base] if base else here)
            yield from (Import(f"{base}.{alias.name}", node.lineno, eager) for alias in names)
        case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
            yield Import(name, node.lineno, eager)
        case ast.Call(func=ast.Name(id="import_module" | "__import__"), args=[ast.Constant(value=str(name)), *_]):
            yield Import(name, node.lineno, eager)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            eager = False
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            for child in node.body:
                yield from _imports(child, module, package, eager=False)
            for child in node.orelse:
                yield from _imports(child, module, package, eager=eager)
            return
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, module, package, eager=eager)


def under(name: str, root: str) -> bool:
    """Say whether *name* is *root* or inside it."""
    return name == root or name.startswith(root + ".")


def row_of(module: str) -> str | None:
    """Return the name of the row that decides for *module* (``domain.lines``), or ``None``."""
    if module == "":
        return ""
    return max((row for row in TABLE if row and under(module, row)), key=len, default=None)


def offences(source: str, module: str, *, package: bool = False) -> list[str]:
    """Say what *module* (``domain.lines``) imports against the table."""
    row = row_of(module)
    if row is None:
        return [f"{module} has no row in the table of tests/test_house.py: say what it may import"]
    inside, outside = (side.split() for side in TABLE[row].split("|"))
    found = []
    full = f"salespipeline.{module}" if module else "salespipeline"
    for target, line, eager in imports(source, full, package=package):
        top, _, rest = target.partition(".")
        if top == "salespipeline":
            own = bool(row) and under(rest, row)
            name, allowed = rest or "salespipeline", [*inside, *([row] if own else [])]
        elif top in sys.stdlib_module_names:
            continue
        else:
            name, allowed = target, outside
        if any(under(name, entry.removeprefix("~")) for entry in allowed if not (eager and entry.startswith("~"))):
            continue
        lazily = any(under(name, entry.removeprefix("~")) for entry in allowed)
        found.append(f"{module or '__init__'}:{line} imports {target}" + (" when it is imported" if lazily else ""))
    return found


def impurities(source: str, module: str) -> list[str]:
    """Say where *module* reaches for more than the values that it was given."""
    found = [
        f"{module}:{line} imports {target}"
        for target, line, _ in imports(source, f"salespipeline.{module}")
        if target.partition(".")[0] in IMPURE_MODULES
    ]
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in IMPURE_CALLS:
                found.append(f"{module}:{node.lineno} calls {name}()")
    return found


def anys(source: str, module: str) -> list[str]:
    """Say which public signatures and attributes of *module* are typed ``Any``."""
    return [f"{module}:{line} shows Any" for line in _anys(ast.parse(source).body)]


def _anys(body: list[ast.stmt]) -> Iterator[int]:
    for node in body:
        shown: list[ast.expr | None] = []
        match node:
            case ast.ClassDef() if not node.name.startswith("_"):
                yield from _anys(node.body)
                shown += node.bases
            case ast.FunctionDef() | ast.AsyncFunctionDef() if not node.name.startswith("_"):
                arguments = node.args
                every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
                every += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
                shown += [node.returns, *(one.annotation for one in every)]
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
                shown += [node.annotation, node.value if getattr(node.annotation, "id", "") == "TypeAlias" else None]
        for annotation in shown:
            for part in ast.walk(annotation) if annotation is not None else ():
                if (
                    isinstance(part, ast.Name | ast.Attribute)
                    and getattr(part, "id", getattr(part, "attr", "")) == "Any"
                ):
                    yield part.lineno


def name_of(path: Path) -> str:
    """Return the name of the module in *path*, as the table has it."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = sorted(PACKAGE.rglob("*.py"))
EVERY_FILE = pytest.mark.parametrize("path", FILES, ids=[path.relative_to(PACKAGE).as_posix() for path in FILES])


@EVERY_FILE
def test_a_module_imports_only_what_its_row_allows(path: Path) -> None:
    assert offences(path.read_text("utf-8"), name_of(path), package=path.name == "__init__.py") == []


def test_no_row_is_idle() -> None:
    used = {row_of(name_of(path)) for path in FILES}
    assert sorted(set(TABLE) - used) == []


@EVERY_FILE
def test_a_pure_module_takes_values_and_gives_values(path: Path) -> None:
    if not any(under(name_of(path), pure) for pure in PURE):
        pytest.skip("may act")
    assert impurities(path.read_text("utf-8"), name_of(path)) == []


@EVERY_FILE
def test_a_file_holds_one_idea(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("name", ["errors", "entries", "money", "text", "query", "ports", "opening", "sales", "report"])
def test_the_public_face_shows_no_any(name: str) -> None:
    files = [path for path in FILES if under(name_of(path), name)]
    assert files
    assert [found for path in files for found in anys(path.read_text("utf-8"), name_of(path))] == []


@EVERY_FILE
def test_all_names_what_is_there(path: Path) -> None:
    if path.name == "__main__.py":
        pytest.skip("a command")
    module = importlib.import_module(f"salespipeline.{name_of(path)}".rstrip("."))
    names = getattr(module, "__all__", [])
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(module, name)] == []


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = (
        "import json, sys; before = set(sys.modules); import salespipeline; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    loaded = json.loads(subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, check=True).stdout)
    assert "salespipeline.errors" in loaded or "salespipeline" in loaded
    assert [name for name in loaded if any(under(name, heavy) for heavy in HEAVY)] == []


# --- the checks themselves --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("domain.lines", "import cattrs", "domain.lines:1 imports cattrs"),
        ("domain.lines", "from salespipeline.query import Cmp", "domain.lines:1 imports salespipeline.query.Cmp"),
        ("domain.lines", "from salespipeline import query", "domain.lines:1 imports salespipeline.query"),
        ("domain.lines", "from salespipeline import open", "domain.lines:1 imports salespipeline.open"),
        ("domain.lines", "from .. import query", "domain.lines:1 imports salespipeline.query"),
        ("domain.lines", "from ..query import Cmp", "domain.lines:1 imports salespipeline.query.Cmp"),
        ("domain.lines", "import salespipeline", "domain.lines:1 imports salespipeline"),
        ("domain.lines", "def f():\n    import salespipeline.codec", "domain.lines:2 imports salespipeline.codec"),
        ("domain.lines", "if TYPE_CHECKING:\n    import fpdf", "domain.lines:2 imports fpdf"),
        ("domain.lines", "class A:\n    def f(self): from jinja2 import Template", "domain.lines:2 imports jinja2.Template"),
        ("domain.lines", "f = lambda: import_module('pandas')", "domain.lines:1 imports pandas"),
        ("domain.lines", "importlib.import_module('fpdf.fpdf')", "domain.lines:1 imports fpdf.fpdf"),
        ("stores.sqlite", "from salespipeline.domain import lines", "stores.sqlite:1 imports salespipeline.domain.lines"),
        ("stores.sqlite", "from salespipeline.money import Money", "stores.sqlite:1 imports salespipeline.money.Money"),
        ("text", "import email_validator", "text:1 imports email_validator when it is imported"),
        ("queryx", "", "queryx has no row in the table of tests/test_house.py: say what it may import"),
    ],
)  # fmt: skip
def test_a_forbidden_import_is_seen(module: str, source: str, complaint: str) -> None:
    assert offences(source, module) == [complaint]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("domain.lines", "import re\nfrom decimal import Decimal\nimport attrs\nfrom salespipeline.money import Money"),
        ("domain.lines", "from salespipeline.domain.settings import Stage\nfrom . import settings"),
        ("domain.lines", "from salespipeline.domain import settings\nfrom salespipeline import text"),
        ("text", "def f():\n    import email_validator"),
        ("text", "if TYPE_CHECKING:\n    import email_validator\nelse:\n    import re"),
        ("stores.sqlite", "import sqlite3\nfrom salespipeline.stores.base import BaseTransaction"),
    ],
)
def test_an_allowed_import_is_let_through(module: str, source: str) -> None:
    assert offences(source, module) == []


def test_a_relative_import_of_a_package_starts_at_the_package() -> None:
    assert offences("from .lines import Line", "domain", package=True) == []
    assert offences("from . import fpdf", "stores", package=True) == []
    assert offences("from ..money import Money", "stores", package=True) == [
        "stores:1 imports salespipeline.money.Money"
    ]


def test_an_impure_module_is_seen() -> None:
    source = "import random\nfrom os import path\nat = datetime.now(UTC)\nfile = open('x')\ndate = at.date()"
    assert impurities(source, "domain.x") == [
        "domain.x:1 imports random",
        "domain.x:2 imports os.path",
        "domain.x:3 calls now()",
        "domain.x:4 calls open()",
    ]


def test_a_shown_any_is_seen_and_a_private_one_is_not() -> None:
    source = """
def shown(value: Any) -> int: ...
def back() -> dict[str, typing.Any]: ...
def _hidden(value: Any) -> Any: ...
class Public:
    field: Any
    _field: Any
    def method(self, *args: Any, other: list[Any] | None = None) -> None: ...
    def _method(self) -> Any: ...
class _Private:
    def method(self) -> Any: ...
Alias: TypeAlias = dict[str, Any]
"""
    assert anys(source, "x") == [f"x:{line} shows Any" for line in (2, 3, 6, 8, 8, 12)]
