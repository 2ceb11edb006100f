"""The tables in docs/documents.md are those of the code. (SPEC DOC-3)"""

from __future__ import annotations

from pathlib import Path

import pytest

from salespipeline.domain.rules_table import markdown

PAGE = Path(__file__).parent.parent / "docs" / "documents.md"


@pytest.mark.skipif(not PAGE.exists(), reason="the docs are not here")
def test_the_docs_print_the_table_of_the_code():
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("<!-- what may follow what -->\n")
    printed, _, _ = rest.partition("<!-- end -->")
    assert printed.strip() == markdown().strip(), "print salespipeline.domain.rules_table.markdown() there again"
