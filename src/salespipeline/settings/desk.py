"""``sales.settings``: the lists that an administrator keeps. (SPEC section 1)"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Unpack

import attrs

from salespipeline.arguments import OrganisationFacts
from salespipeline.domain.activity import Activity
from salespipeline.domain.checks import Checks
from salespipeline.domain.fields import FieldSchema
from salespipeline.domain.numbering import Series
from salespipeline.domain.organisation import Organisation
from salespipeline.domain.settings import Department, LostReason, NoteTag, Probability, Settings, Tag, TaxRate, User
from salespipeline.domain.sniffing import is_picture
from salespipeline.domain.stages import Pipeline, Stage
from salespipeline.domain.templates import Template
from salespipeline.errors import shown
from salespipeline.linking import renew
from salespipeline.query import Cmp, Query
from salespipeline.settings.carrying import Existing, SettingsReport, settings_from, settings_json
from salespipeline.settings.fields import FieldList
from salespipeline.settings.items import Items
from salespipeline.settings.kinds import NoteTagList, ProbabilityList, SeriesList, TagList, TaxRateList, UserList
from salespipeline.settings.lists import refuse_unknown
from salespipeline.settings.names import DepartmentList, LostReasonList, PipelineList, StageList
from salespipeline.settings.saved import FilterList
from salespipeline.settings.stock import Stock
from salespipeline.settings.templates import TemplateList
from salespipeline.text import PALETTE

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["SettingsDesk"]

MOST_BYTES = 5_000_000  # of a logo


class SettingsDesk:
    """Every list of the administrator, to look at and to change."""

    def __init__(self, sales: Sales) -> None:
        self._sales = sales
        self.pipelines = PipelineList(sales, Pipeline, lambda settings: settings.pipelines)
        self.stages = StageList(sales, Stage, lambda settings: settings.stages)
        self.probabilities = ProbabilityList(sales, Probability, lambda settings: settings.probabilities)
        self.tags = TagList(sales, Tag, lambda settings: settings.tags)
        self.note_tags = NoteTagList(sales, NoteTag, lambda settings: settings.note_tags)
        self.tax_rates = TaxRateList(sales, TaxRate, lambda settings: settings.tax_rates)
        self.users = UserList(sales, User, lambda settings: settings.users)
        self.departments = DepartmentList(sales, Department, lambda settings: settings.departments)
        self.lost_reasons = LostReasonList(sales, LostReason, lambda settings: settings.lost_reasons)
        self.series = SeriesList(sales, Series, lambda settings: settings.series)
        self.fields = FieldList(sales, FieldSchema, lambda settings: settings.fields)
        self.templates = TemplateList(sales, Template, lambda settings: settings.templates)
        self.filters = FilterList(sales)
        self.items = Items(sales)
        self.stock = Stock(sales)

    @property
    def snapshot(self) -> Settings:
        """All lists as one immutable value, as they stand now."""
        with self._sales.work(write=False) as work:
            return work.settings

    @property
    def palette(self) -> Mapping[str, str]:
        """The names that a colour may be given by, each with its ``#rrggbb``. (SPEC SET-3)

        >>> sales.settings.palette["teal"]
        '#099268'
        """
        return MappingProxyType(PALETTE)

    @property
    def organisation(self) -> Organisation:
        """Who sells: name, address, currency, locale, time zone."""
        return self.snapshot.organisation

    def history(self) -> list[Activity]:
        """Return every change of every list and of the organisation, oldest first: who, when, from what to what. (SPEC SET-9)

        >>> _ = sales.acting("tom").settings.edit_organisation(payment_days=14)
        >>> last = sales.settings.history()[-1]
        >>> last.by, last.record_id, last.changes
        ('tom', 'organisation', (Change(field='payment_days', before=None, after=14),))
        """
        with self._sales.work(write=False) as work:
            of_settings = Cmp("record_kind", "=", "setting")
            return list(work.find(Query(kind="activity", where=of_settings, order=("at",))))

    def edit_organisation(self, *, logo: bytes | None = None, **values: Unpack[OrganisationFacts]) -> Organisation:
        """Replace some facts of the organisation; *logo* are the bytes of a PNG or JPEG."""
        refuse_unknown("organisation", Organisation, values, but={"logo": "pass its bytes as logo="})
        facts: dict[str, Any] = dict(values)
        checks = Checks()
        checks.take(attrs.evolve(self.organisation, **facts).checked)  # before a file is kept
        if logo is not None and (not isinstance(logo, bytes) or not is_picture(logo) or len(logo) > MOST_BYTES):
            message = f"a logo is the bytes of a PNG or JPEG, at most {MOST_BYTES:,} of them, not {shown(logo)}"
            checks.add("logo", "type", message)
        checks.done(record="organisation", action="edit")
        if logo is not None:
            facts["logo"] = self._sales.blobs.keep([logo])
        with self._sales.work() as work:
            before = work.settings.organisation
            after = attrs.evolve(before, **facts).checked()
            kept = work.keep(after, before if before.version else None, action="edited")
            work.touch_settings()
            if kept.accept_url and work.settings.keyring.newest is None:
                renew(work, revoke=False)
            return kept

    def export(self) -> str:
        """Return the whole of the settings as JSON: for a template of a pipeline, a test, a bug report.

        Every list, the organisation, the predefined items, and the files of logos and templates. What belongs to one store
        stays there: the keys that sign links, and how far numbers have come. The same settings give the same text.

        >>> other = sp.open("memory:")
        >>> print(other.settings.import_(sales.settings.export()))
        7 added, 0 replaced, 0 kept
        >>> other.settings.stages
        <3 stages: Prospect, Quotation sent, Order signed>
        """
        return settings_json(self._sales)

    def import_(self, text: str, *, existing: Existing = "refuse") -> SettingsReport:
        """Take over what ``export`` gave, all of it or nothing.

        Entries are the same where their labels are (of users their ids, of items their references), and *existing* says
        what happens then: ``"refuse"`` raises ``Invalid`` where they differ, ``"keep"`` leaves what is there, ``"replace"``
        gives it the values of the file. Raises ``Invalid`` with everything that is wrong, each with its place.

        >>> print(sales.settings.import_(sales.settings.export()))
        0 added, 0 replaced, 7 kept
        """
        return settings_from(self, self._sales, text, existing)

    def renew_link_key(self, *, revoke: bool = False) -> str:
        """Sign the links in mails with a new key from now on, and return its name.

        Links that were mailed before stay good, unless *revoke* forgets the former keys: do that where one became known.

        >>> _ = sales.settings.edit_organisation(accept_url="https://sales.example/accept/{token}")
        >>> len(sales.settings.renew_link_key(revoke=True))
        8
        """
        with self._sales.work() as work:
            return renew(work, revoke=revoke)

    def _repr_html_(self) -> str:
        from salespipeline.notebook import desk_html

        return desk_html(self)

    def __repr__(self) -> str:
        return f"<settings: {self.stages!r}, {self.probabilities!r}, {self.tags!r}, {self.users!r}>"
