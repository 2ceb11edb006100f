"""Which text may be kept, and how it is compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import salespipeline as sp
from salespipeline import text


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (7, "type"),
        ("a\0b", "control"),
        ("a\ud800b", "surrogate"),
        ("a\nb", "lines"),
        ("a\u202eb", "bidi"),
        ("x" * 201, "long"),
        ("x" * 10_000_000, "long"),
        ("  ", "empty"),
    ],
)
def test_what_cannot_be_kept_is_refused(value, code):
    with pytest.raises(sp.Invalid) as caught:
        text.clean(value, "subject", required=True)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert len(str(caught.value)) < 300


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(value):
    assert text.fold(text.fold(value)) == text.fold(value)


@pytest.mark.parametrize(("one", "other"), [("ÉTÉ", "ete"), ("Straße", "STRASSE"), ("Łódź", "lodz"), ("a  b", "A B")])
def test_case_and_accents_make_no_difference(one, other):
    assert text.fold(one) == text.fold(other)


def test_cleaning_gives_composed_text():
    assert text.clean("  Cafe\u0301 ", "name") == "Café"
    assert text.clean("a\r\nb\rc", "note", lines=True) == "a\nb\nc"


@pytest.mark.parametrize("bad", ["a@", "a@b", "a@x.org, b@y.org", "a b@x.org", "a@x.org\r\nBcc: b@y.org"])
def test_bad_addresses_are_refused(bad):
    with pytest.raises(sp.Invalid):
        text.email(bad)


@pytest.mark.parametrize("bad", ["javascript:alert(1)", "file:///etc/passwd", "example.org", 'https://x/"><script>'])
def test_only_web_addresses_are_urls(bad):
    with pytest.raises(sp.Invalid):
        text.url(bad)
