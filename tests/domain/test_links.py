"""Tokens: whoever changes one has one that nobody signed. (SPEC DOC-7, DOC-9)"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salespipeline.domain.links import Keyring, LinkKey, genuine, read, token_of
from salespipeline.errors import LinkInvalid

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
KEY = LinkKey(name="0a1b2c3d", secret="5e" * 32, made_at=AT, made_by="jane")
OTHER = LinkKey(name="0a1b2c3d", secret="5f" * 32, made_at=AT, made_by="jane")
CONTENT = "ab" * 32
TOKEN = token_of(KEY, "0190f5e4-7c1d-7bbb-8000-0123456789ab", CONTENT, AT)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


def accepted(token: object, key: LinkKey = KEY, content: str = CONTENT) -> bool:
    try:
        return genuine(read(token), [key], content)
    except LinkInvalid:
        return False


def test_a_token_says_which_key_document_and_moment_and_fits_into_an_address():
    claim = read(TOKEN)
    assert (claim.key, claim.document_id, claim.until) == ("0a1b2c3d", "0190f5e4-7c1d-7bbb-8000-0123456789ab", AT)
    assert accepted(TOKEN)
    assert set(TOKEN) <= set(LETTERS)
    assert len(TOKEN) < 150


def test_every_character_that_is_changed_into_any_other_spoils_it():
    for at, one in enumerate(TOKEN):
        for other in LETTERS:
            if other != one:
                assert not accepted(TOKEN[:at] + other + TOKEN[at + 1 :]), (at, other)


def test_every_bit_that_is_turned_spoils_it():
    plain = TOKEN.encode()
    for at in range(len(plain)):
        for bit in range(8):
            changed = bytearray(plain)
            changed[at] ^= 1 << bit
            assert not accepted(changed.decode("latin-1"))


def test_what_is_left_out_or_put_in_spoils_it():
    for at in range(len(TOKEN)):
        assert not accepted(TOKEN[:at] + TOKEN[at + 1 :])
        assert not accepted(TOKEN[:at])
        for extra in ("A", ".", "=", " ", "\n", "\u0661", "%2E"):
            assert not accepted(TOKEN[:at] + extra + TOKEN[at:])
    assert not accepted(TOKEN + "=")
    assert not accepted(TOKEN + "\n")


@given(st.text(alphabet="0123456789abcdef", min_size=64, max_size=64))
def test_it_is_good_for_one_content(content):
    assert accepted(TOKEN, content=content) is (content == CONTENT)


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_it_is_good_for_one_document(one, other):
    try:
        made = token_of(KEY, one, CONTENT, AT)
    except UnicodeEncodeError:
        return
    claim = read(made)
    assert claim.document_id == one
    if one != other:
        name = token_of(KEY, other, CONTENT, AT).split(".")[2] if other.isascii() else "eA"
        swapped = made.split(".")
        if swapped[2] != name:
            swapped[2] = name
            assert not accepted(".".join(swapped))


@given(st.one_of(st.text(max_size=600), st.none(), st.integers(), st.binary(max_size=50)))
def test_whatever_somebody_sends_is_refused_with_the_same_words(token):
    with pytest.raises(LinkInvalid) as caught:
        read(token)
    assert str(caught.value).startswith("this link is not one that was made here")


def test_a_moment_that_no_calendar_has_is_refused():
    with pytest.raises(LinkInvalid):
        read(TOKEN.replace(f".{int(AT.timestamp())}.", ".999999999999."))


def test_another_key_of_the_same_name_is_another_key():
    assert not accepted(TOKEN, key=OTHER)


def test_keys_are_renewed_and_revoked_and_never_shown():
    ring = Keyring().renewed(KEY, revoke=False)
    newer = LinkKey(name="11111111", secret="66" * 32, made_at=AT, made_by="jane")
    both, alone = ring.renewed(newer, revoke=False), ring.renewed(newer, revoke=True)
    assert both.newest == alone.newest == newer
    assert (both.get("0a1b2c3d"), alone.get("0a1b2c3d")) == (KEY, None)
    assert "5e5e" not in repr(both)
