"""A file name that anybody typed is safe to attach, to write and to unpack, and unlike the others."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from salespipeline.errors import MailError
from salespipeline.mail import safe_filename

DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}
pieces = st.sampled_from(
    [
        "/",
        "\\",
        "..",
        ".",
        " ",
        "CON",
        "nul.",
        ".pdf",
        "\u202e",
        "\u200b",
        "\0",
        "\r\n",
        "\ud800",
        "．．／",
        "e\u0301",
        "é",
        "😀",
    ]
)
names = st.lists(st.one_of(pieces, st.text(max_size=40)), max_size=40).map("".join)


@given(names)
@example("CO\u200bN")
@example("e\u200d\u0301.pdf")
@example("a" * 5000 + ".pdf")
@example(".." + "\u200b" + "/" + "\u202e")
def test_whatever_is_typed_becomes_a_name_that_is_safe_everywhere(name: str) -> None:
    safe = safe_filename(name)
    assert 1 <= len(safe.encode()) <= 150
    assert PurePosixPath(safe).name == PureWindowsPath(safe).name == safe, "no folder, no drive"
    assert not set(safe) & set('<>:"|?*/\\')
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in safe)
    assert safe == safe.strip(" .")
    assert safe.partition(".")[0].strip().upper() not in DEVICES
    assert unicodedata.is_normalized("NFKC", safe)
    assert safe_filename(safe) == safe


@given(
    st.lists(
        st.one_of(names, st.sampled_from(["Offer.pdf", "OFFER.PDF", "offer (2).pdf", "e\u0301", "é"])), max_size=12
    )
)
def test_no_two_names_are_the_same_even_where_capitals_do_not_count(typed: list[str]) -> None:
    taken: list[str] = []
    for name in typed:
        taken.append(safe_filename(name, taken))
    folded = {unicodedata.normalize("NFD", name.casefold()) for name in taken}
    assert len(folded) == len(typed)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Offer.pdf", "Offer.pdf"),
        ("Angebot Müller & Söhne, 12 %.pdf", "Angebot Müller & Söhne, 12 %.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Temp\\a.txt", "a.txt"),
        ("．．／．．／secret", "secret"),
        ("a\r\nX-Evil: 1.pdf", "a X-Evil_ 1.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("nul\0.txt", "_nul.txt"),
        ("CON", "_CON"),
        ("com1.pdf", "_com1.pdf"),
        ("COM\u00b9", "_COM1"),
        ("console.pdf", "console.pdf"),
        ('a<b>:"c|d?e*.pdf', "a_b___c_d_e_.pdf"),
        (".htaccess", "htaccess"),
        ("name. . .", "name"),
        ("a/b/", "b"),
        ("e\u0301.pdf", "é.pdf"),
        ("", "file"),
        ("...", "file"),
        ("/", "file"),
        ("\u202e", "file"),
    ],
)
def test_a_name_is_cleaned_in_a_way_people_recognise(name: str, safe: str) -> None:
    assert safe_filename(name) == safe


@pytest.mark.parametrize(
    "long", ["x" * 400 + ".pdf", "é" * 200 + ".pdf", "😀" * 5000 + ".pdf", "/".join("ab" * 3000) + ".pdf"]
)
def test_a_long_name_keeps_its_extension(long: str) -> None:
    assert safe_filename(long).endswith(".pdf")
    assert len(safe_filename(long, [safe_filename(long)]).encode()) <= 150
    assert safe_filename(long, [safe_filename(long)]).endswith(" (2).pdf")


def test_a_name_of_nothing_is_what_the_caller_says() -> None:
    assert safe_filename("..", otherwise="mail") == "mail"


@pytest.mark.parametrize("name", [None, 7, b"a.pdf", Path("a.pdf")])
def test_what_is_no_text_is_no_name(name: object) -> None:
    with pytest.raises(MailError, match="name of a file is text"):
        safe_filename(name)  # type: ignore[arg-type]
