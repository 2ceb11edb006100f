"""The kind of a file is what stands in it; the name is believed only where the content leaves it open. (SPEC ATT-1)"""

from __future__ import annotations

import io
import zipfile

import pytest
from fpdf import FPDF
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from salespipeline.domain.sniffing import media_type


def picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, kind)
    return out.getvalue()


def archive(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return out.getvalue()


def pdf() -> bytes:
    made = FPDF()
    made.add_page()
    return bytes(made.output())


OFFICE = "application/vnd.openxmlformats-officedocument"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_pictures_made_by_another_library_are_known(kind):
    assert media_type(picture(kind), "offer.pdf") == f"image/{kind.lower()}"


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (pdf(), "virus.exe", "application/pdf"),
        (archive("a.txt"), "a.pdf", "application/zip"),
        (archive("[Content_Types].xml", "word/document.xml"), "x", f"{OFFICE}.wordprocessingml.document"),
        (archive("[Content_Types].xml", "xl/workbook.xml"), "x", f"{OFFICE}.spreadsheetml.sheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "list.XLS", "application/vnd.ms-excel"),
        (b"MZ\x90\x00\x03", "offer.pdf", "application/vnd.microsoft.portable-executable"),
        (b"MZ is how this memo begins", "memo.txt", "text/plain"),
        (b"BMW, two vans", "list.csv", "text/csv"),
        (b"<!DOCTYPE html><p>", "offer.pdf", "text/html"),
        (b"\xef\xbb\xbf  <script>alert(1)</script>", "a.txt", "text/html"),
        (b"<!-- x --><svg onload='alert(1)'>", "logo.png", "image/svg+xml"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "logo.png", "image/svg+xml"),
        (b"<?xml version='1.0'?><Invoice/>", "factur-x.xml", "application/xml"),
        (b"name;price\nbay;210,00\n", "prices.csv", "text/csv"),
        (b"name;price\n", "prices.exe", "text/plain"),
        ("\ufeffà la carte".encode("utf-16-le"), "menu.txt", "text/plain"),
        (b"From: a@x.example\r\nSubject: hello\r\n\r\nhi", "mail", "message/rfc822"),
        (b"\x00\x01\x02", "offer.pdf", "application/octet-stream"),
        (b"", "empty.pdf", "application/octet-stream"),
        (b"plain", "no suffix", "text/plain"),
    ],
)  # fmt: skip
def test_the_content_decides(content, name, expected):
    assert media_type(content, name) == expected


@given(st.binary(max_size=300), st.text(max_size=30))
def test_whatever_is_given_it_is_a_media_type_and_no_name_makes_it_active(content, name):
    found = media_type(content, name)
    assert found.count("/") == 1
    assert found.isprintable()
    if found in ("text/html", "image/svg+xml"):
        assert b"<" in content
