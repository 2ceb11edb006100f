"""Colours have names, and what is written on them can be read. (SPEC SET-2, SET-3)"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import salespipeline as sp
from salespipeline.text import readable_on


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@given(st.integers(0, 0xFFFFFF))
def test_any_colour_can_be_read_from(number):
    colour = f"#{number:06x}"
    assert contrast(colour, readable_on(colour)) >= 4.5


def test_a_colour_is_given_by_its_name_or_by_its_number():
    desk = sp.open("memory:").settings
    for name, colour in desk.palette.items():
        tag, note_tag, chance = (
            desk.tags.add(name, colour=name.upper()),
            desk.note_tags.add(name, colour=colour),
            desk.probabilities.add(name, percent=1, colour=name),
        )
        assert tag.colour == note_tag.colour == chance.colour == colour
        assert contrast(colour, tag.text_colour) >= 4.5
        assert tag.text_colour == note_tag.text_colour == chance.text_colour
    with pytest.raises(sp.Invalid, match="'pinkish' is not a colour; write '#rrggbb' or one of grey, red"):
        desk.tags.add("x", colour="pinkish")
    with pytest.raises(TypeError):
        desk.palette["mine"] = "#000000"
