"""Reports: literal rows on a small pipeline, and the sums that a naive reading gives on any. (SPEC REP-1 to REP-4, REP-6, MON-4)"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import salespipeline as sp

LINE = {"description": "Bay", "unit_price": "1.00"}


def create(sales, **given):
    quantity = given.pop("worth", 100)
    row = {"contact": "Acme Ltd", "subject": "Shed", "lines": [LINE | {"quantity": quantity}]}
    return sales.opportunities.create(**(row | given))


@pytest.fixture
def small(sales, clock):
    """Nine opportunities of two owners, in two currencies and four months."""
    sales.settings.users.edit("tom", department="North")
    sales.settings.users.add("Ada Byron", id="ada", department="South")
    create(sales, worth=100, owner="jane", probability="Cold 10%", due="2026-12-01", tags=["VIP"])
    create(
        sales,
        worth=250,
        owner="jane",
        probability="Hot 75%",
        due="2026-12-31",
        stage="Quotation sent",
        tags=["VIP", "Rush"],
    )
    create(sales, worth=400, owner="tom", probability="Hot 75%", due="2027-01-01", stage="Quotation sent")
    create(sales, worth=1000, owner="ada", due=None)
    sales.opportunities.hold(create(sales, worth="333.33", owner="ada", probability="Cold 10%", due="2026-12-15"))
    ends = [("jane", 300, "GBP", 1, "win"), ("jane", 100, "GBP", 2, "lose"), ("jane", 200, "GBP", 4, "win"),
            ("tom", 50, "EUR", 10, "win"), ("ada", 70, "GBP", 30, "lose")]  # fmt: skip
    for owner, worth, currency, days, end in ends:
        deal = create(sales, worth=worth, owner=owner, currency=currency, stage="Order signed", tags=["Rush"])
        getattr(sales.opportunities, end)(deal, at=clock.now + timedelta(days=days))
    return sales


def told(report, *names):
    return [tuple(str(getattr(row, name)) for name in names) for row in report]


def test_conversion_by_count_and_by_value(small):
    columns = ("name", "won", "lost", "won_value", "lost_value", "rate", "value_rate")
    conversion = small.reports.conversion
    assert told(conversion(), *columns) == [
        ("", "1", "0", "50.00 EUR", "0.00 EUR", "100.00", "100.00"),
        ("", "2", "2", "500.00 GBP", "170.00 GBP", "50.00", "74.63"),
    ]
    assert told(conversion("owner"), *columns) == [
        ("Ada Byron", "0", "1", "0.00 GBP", "70.00 GBP", "0.00", "0.00"),
        ("Jane Whitfield", "2", "1", "500.00 GBP", "100.00 GBP", "66.67", "83.33"),
        ("Tom Okafor", "1", "0", "50.00 EUR", "0.00 EUR", "100.00", "100.00"),
    ]
    assert told(conversion("department", currency="GBP"), "name", "won", "lost") == [
        ("North", "2", "1"),
        ("South", "0", "1"),
    ]
    assert told(conversion("month", currency="GBP"), "name", "won", "lost") == [
        ("2026-11", "2", "1"),
        ("2026-12", "0", "1"),
    ]
    assert told(conversion("stage", owner="tom"), "name", "won") == [("Order signed", "1")]
    assert told(conversion("tag", owner="ada"), "name", "lost") == [("Rush", "1")]
    assert told(conversion("source", currency="EUR"), "name", "won") == [("free", "1")]
    assert told(conversion("probability", currency="EUR"), "name", "won") == [("", "1")]
    with pytest.raises(sp.Invalid, match="nothing is counted by 'weather': there are 'owner'"):
        conversion("weather")


def test_performance_by_owner_and_department(small):
    columns = ("name", "open", "won", "lost", "open_value", "won_value", "rate", "average_value", "cycle_days")
    assert told(small.reports.performance(), *columns) == [
        ("Tom Okafor", "0", "1", "0", "0.00 EUR", "50.00 EUR", "100.00", "50.00 EUR", "10.00"),
        ("Jane Whitfield", "2", "2", "1", "350.00 GBP", "500.00 GBP", "66.67", "250.00 GBP", "2.50"),
        ("Ada Byron", "2", "0", "1", "1,333.33 GBP", "0.00 GBP", "0.00", "None", "None"),
        ("Tom Okafor", "1", "0", "0", "400.00 GBP", "0.00 GBP", "None", "None", "None"),
    ]
    assert told(
        small.reports.performance("department", currency="GBP"), "name", "open", "won", "lost", "open_value"
    ) == [
        ("North", "3", "2", "1", "750.00 GBP"),
        ("South", "2", "0", "1", "1,333.33 GBP"),
    ]


def test_what_is_coming_by_month_weighted(small):
    assert told(small.reports.coming(), "month", "count", "value", "weighted") == [
        ("", "1", "1,000.00 GBP", "0.00 GBP"),
        ("2026-12", "3", "683.33 GBP", "230.83 GBP"),  # 10.00 + 187.50 + 33.333
        ("2027-01", "1", "400.00 GBP", "300.00 GBP"),
    ]
    assert told(small.reports.coming("owner", due__le="2026-12-31"), "name", "month", "weighted") == [
        ("Ada Byron", "2026-12", "33.33 GBP"),
        ("Jane Whitfield", "2026-12", "197.50 GBP"),
    ]


def test_the_pipeline_by_stage_in_the_order_of_the_stages(small):
    assert told(small.reports.pipeline(), "stage", "count", "value", "weighted") == [
        ("Prospect", "3", "1,433.33 GBP", "43.33 GBP"),
        ("Quotation sent", "2", "650.00 GBP", "487.50 GBP"),
    ]
    small.settings.stages.move("Quotation sent", before="Prospect")
    assert told(small.reports.pipeline(tags="VIP"), "stage", "value") == [
        ("Quotation sent", "250.00 GBP"),
        ("Prospect", "100.00 GBP"),
    ]


def test_rows_are_handed_over_plainly(small):
    assert small.reports.pipeline(tags="Rush").to_dicts() == [
        {
            "stage": "Quotation sent",
            "count": 1,
            "currency": "GBP",
            "value": Decimal("250.00"),
            "weighted": Decimal("187.50"),
        }
    ]
    assert small.reports.pipeline(owner="nobody").to_dicts() == []


def test_a_report_takes_every_filter_of_the_lists(small):
    small.documents.draft("OPP/00001", "quote")
    assert told(small.reports.pipeline(documents="quote"), "count", "value") == [("1", "100.00 GBP")]
    assert told(small.reports.pipeline(contact="acme ltd", text="acme"), "count") == [("3",), ("2",)]
    with pytest.raises(sp.Invalid, match="did you mean 'stage'"):
        small.reports.pipeline(stagee="x")


def test_a_report_is_one_pass_whatever_the_number_of_records(small):
    from salespipeline.stores.wrap import Wrapped

    calls = []

    class Counting(Wrapped):
        def before(self, name):
            calls.append(name)

    sales = sp.Sales(Counting(small.store), actor="jane")
    calls.clear()
    sales.reports.performance("department")
    assert calls.count("tally") == 1
    assert not {"find", "scan", "columns", "get_many"} & set(calls[calls.index("tally") :])


rows = st.lists(
    st.tuples(
        st.sampled_from(["jane", "tom"]),
        st.sampled_from(["Cold 10%", "Hot 75%", None]),
        st.sampled_from(["open", "won", "lost"]),
        st.integers(0, 10**7),
        st.sampled_from(["GBP", "JPY"]),
        st.sampled_from([None, "2026-12-01", "2027-01-31"]),
    ),
    min_size=1,
    max_size=12,
)


def test_every_report_says_what_a_naive_sum_says(sales):
    percents = {"Cold 10%": 10, "Hot 75%": 75, None: 0}

    @settings(max_examples=15)
    @given(rows)
    def law(several):
        for id in sales.opportunities.all().ids():
            sales.opportunities.delete(id)
        cent = {"GBP": Decimal("0.01"), "JPY": Decimal(1)}
        made = []
        for owner, probability, status, minor, currency, due in several:
            worth = minor * cent[currency]
            made.append({
                "contact": "Acme Ltd", "subject": "x", "owner": owner, "probability": probability, "currency": currency,
                "due": due, "status": status, "lines": [LINE | {"unit_price": worth}],
            })  # fmt: skip
        sales.opportunities.create_many(made)
        coming = defaultdict(lambda: [0, Decimal(0), Decimal(0)])
        closed = defaultdict(lambda: [0, 0, Decimal(0), Decimal(0)])
        for owner, probability, status, minor, currency, due in several:
            worth = minor * cent[currency]
            if status == "open":
                sums = coming[(due or "")[:7], currency]
                sums[0] += 1
                sums[1] += worth
                sums[2] += worth * percents[probability] / 100
            else:
                sums, lost = closed[owner, currency], status == "lost"
                sums[lost] += 1
                sums[2 + lost] += worth
        expected = {
            key: (count, value, weighted.quantize(cent[key[1]], ROUND_HALF_UP))
            for key, (count, value, weighted) in coming.items()
        }
        got = {
            (row.month, str(row.value.currency)): (row.count, row.value.amount, row.weighted.amount)
            for row in sales.reports.coming()
        }
        assert got == expected
        for row in sales.reports.conversion("owner"):
            name = {"Jane Whitfield": "jane", "Tom Okafor": "tom"}[row.name]
            sums = closed.pop((name, str(row.won_value.currency)))
            assert [row.won, row.lost, row.won_value.amount, row.lost_value.amount] == sums
        assert not closed
        total = sum(row.value.amount for row in sales.reports.pipeline(currency="GBP"))
        assert total == sum(value for (_, currency), (_, value, _) in coming.items() if currency == "GBP")

    law()
