"""References in spreadsheet formats. (SPEC SET-8)"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import salespipeline as sp
from salespipeline.domain.numbering import check_pattern, format_number


@pytest.mark.parametrize(
    ("pattern", "number", "text"),
    [
        ("00000", 7, "00007"),
        ("00000", 123456, "123456"),
        ("00-00-00", 123, "00-01-23"),
        ("00-00-00", 1234567, "123-45-67"),
        ("", 7, "7"),
        ("##-##", 5, "5"),
        ("##-##", 123, "1-23"),
        ("A-0#", 5, "A-05"),
    ],
)
def test_digits_fill_from_the_right_and_nothing_is_cut(pattern, number, text):
    assert format_number(pattern, number) == text


@given(st.text("0#-/ X", min_size=1, max_size=12).filter(lambda p: "0" in p), st.integers(1, 10**12))
def test_no_digit_is_ever_lost(pattern, number):
    digits = "".join(one for one in format_number(pattern, number) if one.isdigit())
    assert int(digits) == number


@pytest.mark.parametrize("pattern", ["0.0", "0%", "0E0", "0;0", "yyyy-0", "dd0", "HH0", "abc"])
def test_formats_that_a_spreadsheet_reads_otherwise_are_refused(pattern):
    with pytest.raises(sp.Invalid):
        check_pattern(pattern)
