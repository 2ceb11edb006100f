"""Django's ORM on the mappers' tables, as its documentation teaches it. One database a process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django
from _sample import LEAST, PAGE, STAGE, STATUS, Deal
from _tables import CHILDREN, COLUMNS, children, parent
from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}, INSTALLED_APPS=[]
)
django.setup()


def _field(kind: str) -> models.Field:
    return models.TextField(null=True) if kind == "text" else models.BigIntegerField(null=True)


def _model(name: str, fields: dict[str, Any], table: str) -> Any:
    meta = type("Meta", (), {"app_label": "bench", "managed": False, "db_table": table})
    return type(name, (models.Model,), {**fields, "Meta": meta, "__module__": __name__})


Opportunity = _model(
    "Opportunity",
    {name: _field(kind) for name, kind in COLUMNS[1:]} | {"id": models.TextField(primary_key=True)},
    "orm_opportunity",
)
CHILD = {
    name: _model(
        name.title(),
        {
            "id": models.BigAutoField(primary_key=True),
            "opportunity": models.ForeignKey(Opportunity, models.CASCADE, related_name=f"{name}s"),
            **{one: _field(kind) for one, kind in fields},
        },
        f"orm_{name}",
    )
    for name, fields in CHILDREN.items()
}
WHOLE = ("lines", "tags", "answers")
BOUND = 500  # rows a statement of bulk_create, as large as SQLite's limit of parameters allows for every table here


class Django:
    """Django's ORM."""

    name = "Django"

    def __init__(self, **database: Any) -> None:
        connection.close()
        wanted = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {}, "CONN_MAX_AGE": None} | database
        if wanted["ENGINE"].endswith("sqlite3"):
            wanted["OPTIONS"] = {"init_command": "PRAGMA synchronous = NORMAL", "transaction_mode": "IMMEDIATE"}
        connection.settings_dict.update(wanted)
        if connection.vendor not in wanted["ENGINE"]:
            self._another(wanted)
        self.objects = Opportunity.objects

    @staticmethod
    def _another(wanted: dict[str, Any]) -> None:
        from django.db import connections

        settings_dict = connection.settings_dict | wanted
        del connections["default"]
        connections.settings["default"] = settings_dict

    def close(self) -> None:
        connection.close()

    def get(self, id: str) -> object:
        return self.objects.prefetch_related(*WHOLE).get(pk=id)

    def page(self, skip: int = 0) -> list[str]:
        found = self.objects.filter(stage=STAGE, status=STATUS, value__gte=LEAST).order_by("-created", "-id")
        return [deal.id for deal in found.prefetch_related(*WHOLE)[skip : skip + PAGE]]

    def funnel(self) -> list[tuple[Any, ...]]:
        keys = ("stage", "currency")
        found = self.objects.filter(status=STATUS).values_list(*keys)
        return list(found.annotate(Count("id"), Sum("value")).order_by(*keys))

    def conversion(self) -> list[tuple[Any, ...]]:
        keys = ("stage", "status", "currency")
        found = self.objects.filter(status__in=("won", "lost")).values_list(*keys)
        return list(found.annotate(Count("id"), Sum("value")).order_by(*keys))

    def owners(self) -> list[tuple[Any, ...]]:
        keys = ("owner", "status", "currency")
        cycles = {"cycles": Coalesce(Sum("cycle"), 0)}
        return list(self.objects.values_list(*keys).annotate(Count("id"), Sum("value"), **cycles).order_by(*keys))

    def load(self) -> int:
        return len(self.objects.prefetch_related(*WHOLE))

    def prefix(self, text: str) -> list[tuple[Any, ...]]:
        found = self.objects.filter(reference__startswith=text)
        return list(found.order_by("reference").values_list("id", "reference"))

    def substring(self, text: str) -> list[tuple[Any, ...]]:
        found = self.objects.filter(reference__contains=text)
        return list(found.order_by("reference").values_list("id", "reference"))

    def columns(self) -> list[tuple[Any, ...]]:
        return list(self.objects.filter(stage=STAGE).values_list("id", "reference", "value"))

    def insert(self, deal: Deal) -> None:
        with transaction.atomic():
            made = self.objects.create(**parent(deal))
            for name, several in children(deal).items():
                CHILD[name].objects.bulk_create([CHILD[name](**one) for one in several])
        assert made.pk

    def update(self, deal: Deal, value: int) -> None:
        with transaction.atomic():
            found = self.objects.get(pk=deal.entry.id)
            mine = self.objects.filter(pk=found.pk, version=found.version)
            assert mine.update(value=value, subject=f"changed {value}", version=found.version + 1)

    def bulk(self, deals: Sequence[Deal]) -> None:
        with transaction.atomic():
            self.objects.bulk_create([Opportunity(**parent(deal)) for deal in deals], batch_size=BOUND)
            beside = [children(deal) for deal in deals]
            for name, cls in CHILD.items():
                cls.objects.bulk_create([cls(**one) for each in beside for one in each[name]], batch_size=BOUND)
