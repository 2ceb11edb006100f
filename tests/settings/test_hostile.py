"""Hostile text through every field of every record of the settings, and back: kept as it is, or refused by name."""

from __future__ import annotations

import unicodedata

import attrs
import pytest
from tests.settings.test_grid import LISTS

import salespipeline as sp
from salespipeline.domain.organisation import Organisation
from salespipeline.errors import Duplicate
from salespipeline.testing.clauses.hostile import HOSTILE

MORE = ("\0", "a\0b", "\ud800", "x" * 100_001, "{{ document.__class__ }}", "{% for", "=HYPERLINK(1)", "𝒜" * 60)
TEXTS = (*HOSTILE, *MORE)
# What is said once, when one is added, and is no text of people.
FIXED = {"id", "record_type", "key", "type", "for_type", "owner_id", "of"}


def texts_for(url):
    """Return all of them in memory, and enough elsewhere: what a store does with text is the contract's to test."""
    return TEXTS if url == "memory:" else ("İıſßẞﬁ", *TEXTS[3::6])


def as_kept(text):
    """Return what may come back: composed, with our line ends, without white space around it."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def texts_of(cls):
    return [
        field.name
        for field in attrs.fields(cls)
        if field.type in (str, "str", "str | None") and field.name not in FIXED
    ]


def tried(call, field, given):
    """Return what was kept of what was *given*, and the paths of what was refused."""
    try:
        return getattr(call(**{field: given}), field), set()
    except sp.Invalid as error:
        return None, {problem.path.partition("[")[0].partition(":")[0].partition(".")[0] for problem in error.problems}
    except Duplicate as error:
        return None, {field} if "already" in str(error) else set()


@pytest.mark.parametrize("name", LISTS)
def test_text_comes_back_as_it_was_given_or_is_refused(sales, opened, url, name):
    desk = getattr(sales.settings, name)
    entry = LISTS[name].add(desk, "Alpha")
    entry = entry[0] if isinstance(entry, tuple) else entry
    kept = []
    for field in texts_of(type(entry)):
        for text in texts_for(url):
            found, refused = tried(lambda **values: desk.edit(entry.id, **values), field, text)
            if found is None:
                # The words of a template are looked at together, and its label is called its name.
                assert refused & {field, "name" if field == "label" else field, "html", "css", "text"}, (field, text)
                continue
            kept.append(text)
            if field not in ("colour", "locale", "category", "purpose", "at"):
                assert found.strip() in (as_kept(text), text), (field, text)
        texts = [version for version in desk.versions(entry.id) if getattr(version, field) is not None]
        assert texts[-1] == desk[entry.id]
    other = sales if url == "memory:" else opened(url)
    assert getattr(other.settings, name)[entry.id] == desk[entry.id]
    assert "İıſßẞﬁ" in kept or not texts_of(type(entry))


def test_the_organisation_takes_text_as_it_is_given_or_refuses_it(sales, opened, url):
    kept = 0
    for field in texts_of(Organisation):
        for text in texts_for(url):
            found, refused = tried(sales.settings.edit_organisation, field, text)
            assert refused <= {field}
            kept += bool(found)
            assert not found or found in (as_kept(text), text), (field, text)
    for field in ("address", "ids", "payment", "terms", "legal_notes"):
        for text in texts_for(url):
            given = [text] if field == "address" else {"a": text}
            found, refused = tried(sales.settings.edit_organisation, field, given)
            assert refused <= {field}
            kept += found is not None
            assert found in (None, (as_kept(text),) if field == "address" else (("a", as_kept(text)),))
    assert kept > (100 if url == "memory:" else 20)
    other = sales if url == "memory:" else opened(url)
    assert other.settings.organisation == sales.settings.organisation


def test_every_problem_of_the_organisation_is_told_at_once(sales):
    wrong = {
        "name": 3, "address": 7, "postcode": "x" * 21, "city": "a\nb", "country": "\0", "ids": "VAT", "payment": [("a",)],
        "electronic_address": "nowhere", "email": "no mail", "phone": "call me", "website": "javascript:alert(1)",
        "terms": {"quote": "\0"}, "legal_notes": 1, "einvoice": "paper", "currency": "POUNDS", "locale": "??",
        "time_zone": "Mars/Olympus", "quote_days": -1, "payment_days": "30", "typed_characters": 0,
        "accept_url": "https://x.example/", "lost_reason_needed": "yes", "ids_checked": 1, "logo": b"GIF89a...",
    }  # fmt: skip
    before = sales.settings.organisation
    with pytest.raises(sp.Invalid) as caught:
        sales.settings.edit_organisation(**wrong)
    assert {problem.path.partition("[")[0].partition(".")[0] for problem in caught.value.problems} == set(wrong)
    assert set(wrong) == {field.name for field in attrs.fields(Organisation)} - {"id", "version"}
    assert sales.settings.organisation == before
