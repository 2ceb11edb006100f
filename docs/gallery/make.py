"""Draw the documents that docs/pdf.md shows, as pictures: ``python docs/gallery/make.py``.

It needs ``pypdfium2``, ``factur-x``, ``segno`` for the payment code, and the browser Chromium for the page of HTML.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pypdfium2
from PIL import Image

from salespipeline.render.page import page
from salespipeline.render.pdf import PdfRenderer, Theme

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))  # the documents are those that the tests draw

from tests.einvoice.kinds import issued, line  # noqa: E402
from tests.render.papers import picture, view  # noqa: E402

GREEN = Theme(accent="#14532d", payment_code=True)
BROWN = Theme(accent="#7c2d12", paper="letter", logo="right")
PAPERS = {
    "quote": (view("quote", "en_GB", logo=picture()), Theme()),
    "draft": (view("quote", "fr_FR", logo=picture(), draft=True, subject="Nouvel entrepôt"), BROWN),
    "invoice": (view("invoice", "de_DE", logo=picture(), subject="Neues Lager in Altona"), GREEN),
    "long-invoice": (view("invoice", "de_DE", lines=24, logo=picture()), GREEN),
    "credit-note": (view("credit_note", "fr_FR", rates=1, due=None, subject="Retour"), Theme()),
    "delivery-note": (view("delivery_note", "en_GB", lines=5), BROWN),
}


def electronic() -> bytes:
    """Return a Factur-X, which looks like any other invoice."""
    lines = [
        line("210.00", 40, description="Rayonnage, travée de 3,6 m", discount="4%", unit="pièces"),
        line("45.00", "7.5", tax="10", unit="h", description="Pose"),
        line("12.50", 3, tax="5.5", description="Manuel"),
    ]
    facts = {"delivered": "2026-11-20", "customer_reference": "CDE 4711", "subject": "Nouvel entrepôt"}
    sales, invoice = issued("FR", lines=lines, **facts)
    return sales.documents.einvoice(invoice).content


def main() -> None:
    """Write one picture a page."""
    drawn = {name: PdfRenderer(theme=theme).render(shown).content for name, (shown, theme) in PAPERS.items()}
    for name, content in (drawn | {"facturx": electronic()}).items():
        with pypdfium2.PdfDocument(content) as document:
            for at, sheet in enumerate(document, 1):
                sheet.render(scale=1.1).to_pil().quantize(48).save(HERE / f"{name}-{at}.png", optimize=True)
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.stderr.write("no Chromium is here: page-dark.png stays as it is\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        source, taken = Path(folder, "page.html"), Path(folder, "page.png")
        source.write_text(page(PAPERS["invoice"][0], theme=GREEN), encoding="utf-8")
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--blink-settings=preferredColorScheme=0",
        ]
        options += ["--window-size=860,1330", f"--screenshot={taken}", f"file://{source}"]
        subprocess.run([browser, *options], check=True, capture_output=True, timeout=60)  # noqa: S603
        with Image.open(taken) as picture:
            picture.convert("RGB").quantize(64).save(HERE / "page-dark.png", optimize=True)


if __name__ == "__main__":
    main()
