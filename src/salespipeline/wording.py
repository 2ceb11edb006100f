"""Which words a mail gets: those that were asked for, else the administrator's, else the default ones. (SPEC SEND-4, SET-10)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from salespipeline.domain.checks import suggestion
from salespipeline.domain.settings import Settings
from salespipeline.domain.templates import SEVERAL, TYPES, MailTemplate, Template
from salespipeline.errors import Invalid, Problem, TemplateError, shown

if TYPE_CHECKING:
    from salespipeline.send_options import SendOptions, Written

__all__ = ["Wording"]


class Wording:
    """Chooses the words of each mail of a plan; raises ``Invalid`` where a template was named that nobody knows."""

    def __init__(self, options: SendOptions, settings: Settings) -> None:
        self._asked = options.template
        self._purpose = options.purpose
        self._settings = settings
        self._chosen: dict[tuple[str, str], MailTemplate] = {}
        named = self._asked.values() if isinstance(self._asked, Mapping) else [self._asked]
        unknown = [name for name in named if isinstance(name, str) and name not in TYPES and self._kept(name) is None]
        if unknown:
            known = [one.label for one in settings.templates] + list(TYPES)
            problems = [
                Problem("template", "unknown", f"no template is called {shown(name)}: {suggestion(name, known)}")
                for name in unknown
            ]
            raise Invalid(problems, action="send all")

    def _kept(self, name: str) -> Template | None:
        found = self._settings.templates.get(name)
        return found if found is not None and not found.archived else None

    def of(self, type: str, locale: str) -> MailTemplate:
        """Return the words for a document of this type in this language; ``several`` is for more than one document."""
        key = type, locale
        if key not in self._chosen:
            self._chosen[key] = self._choose(type, locale)
        return self._chosen[key]

    def _choose(self, type: str, locale: str) -> MailTemplate:
        from salespipeline.render.bodies import default_template

        asked: Written | None = self._asked.get(type) if isinstance(self._asked, Mapping) else self._asked
        if isinstance(asked, str):
            asked = self._kept(asked) or default_template(asked, locale, self._purpose)
        if isinstance(asked, Template):
            if (asked.for_type, asked.purpose) == (type, self._purpose):
                return asked.words
            if (type == SEVERAL) is (asked.for_type == SEVERAL):
                message = (
                    f"template {shown(asked.label)} is for {asked.purpose} of {asked.for_type.replace('_', ' ')}: name one for "
                    "each type, such as template={'invoice': '…'}"
                )
                raise TemplateError(message, template=asked.label)
            asked = None  # of several documents in one mail, or of the one alone, it says nothing
        if isinstance(asked, MailTemplate):
            return asked
        fitting = [(one.fits(type, self._purpose, locale), one) for one in self._settings.templates]
        best = max((fit for fit, _ in fitting), default=0)
        if best:
            return next(one.words for fit, one in fitting if fit == best)
        return default_template(type, locale, self._purpose)
