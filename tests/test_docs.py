"""The documentation is true: its code runs, prints what it says, and every page can be found."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

import pytest
from sybil import Document, Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.example import SybilFailure
from sybil.parsers.myst import CodeBlockParser

import salespipeline as sp

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)]
EVERY_PAGE = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
run = PythonEvaluator()


def python(example: Example) -> None:
    """Run a block, and keep what it prints for the block of text behind it."""
    out = io.StringIO()
    with redirect_stdout(out):
        run(example)
    example.namespace["(printed)"] = out.getvalue(), example.region.end


def text(example: Example) -> str | None:
    """A block of text right behind a block of code is what the code prints; … stands for what may differ."""
    printed, end = example.namespace.pop("(printed)", ("", -1))
    if example.document.text[end : example.region.start].strip():
        return None
    shown = str(example.parsed).replace("…", "...")
    printed = printed.replace("…", "...")
    if OutputChecker().check_output(shown, printed, ELLIPSIS):
        return None
    return f"the page shows\n{shown}\nand this was printed\n{printed}"


def examples(path: Path) -> Document:
    return Sybil(parsers=[CodeBlockParser("python", python), CodeBlockParser("text", text)]).parse(path)


@EVERY_PAGE
def test_the_code_of_a_page_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = examples(path)
    try:
        for example in document.examples():
            example.evaluate()
    finally:
        for one in list(document.namespace.values()):
            if isinstance(one, sp.Sales):
                one.close()


def test_output_that_is_not_printed_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n")
    code, shown = examples(page).examples()
    code.evaluate()
    with pytest.raises(SybilFailure, match="the page shows"):
        shown.evaluate()


def entries(page: Path) -> set[Path]:
    """Return the pages that the tables of contents of *page* name."""
    found = set()
    for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        for line in block.splitlines():
            if line and not line.startswith(":"):
                found |= set(page.parent.glob(f"{line}.md"))
    return found


def test_every_page_stands_in_a_table_of_contents():
    start = ROOT / "docs" / "index.md"
    reached, ahead = {start}, [start]
    while ahead:
        for page in entries(ahead.pop()) - reached:
            reached.add(page)
            ahead.append(page)
    assert sorted(str(page) for page in set(PAGES[1:]) - reached) == []
