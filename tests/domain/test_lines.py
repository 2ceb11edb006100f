"""Line items and their sums. (SPEC OPP-3, MON-3)"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.invoices import CURRENCIES

import salespipeline as sp
from salespipeline.domain.totals import totals

# (quantity, price, discount, tax) of each line; net, tax and total as the rule gives them.
VECTORS = [
    ([("16", "348.35", "4%", "22")], "5350.66", "1177.15", "6527.81"),
    ([("1", "55.55", None, "23"), ("1", "11.11", None, "23")], "66.66", "15.33", "81.99"),
    ([("10", "30.75", "5%", "15"), ("1", "70", "5%", "15")], "358.63", "53.79", "412.42"),
    (
        [("1", price, None, "8.5") for price in ("598.89", "329.84", "-59.89", "-32.98")],
        "835.86",
        "71.05",
        "906.91",
    ),
    ([("1", price, None, "10") for price in ("54.45", "600", "-500")], "154.45", "15.45", "169.90"),
    ([("2", "348.11", None, "25")] * 3, "2088.66", "522.17", "2610.83"),
    ([("9.5", "124.75", None, "0")], "1185.13", "0.00", "1185.13"),
    ([("1", "-7612.50", None, "19")], "-7612.50", "-1446.38", "-9058.88"),
]


@pytest.mark.parametrize(("lines", "net", "tax", "total"), VECTORS)
def test_sums_are_those_of_the_rule(lines, net, tax, total):
    made = [sp.Line("x", quantity=q, unit_price=p, discount=d, tax=t) for q, p, d, t in lines]
    result = totals(made, "EUR")
    assert (str(result.net.amount), str(result.tax.amount), str(result.total.amount)) == (net, tax, total)


def test_currencies_without_and_with_three_minor_digits():
    line = sp.Line("x", quantity=3, unit_price="4.5", tax="10")
    assert str(totals([line], "JPY").total) == "15 JPY"  # 13.5 → 14, tax 1.4 → 1
    assert str(totals([line], "KWD").total) == "14.850 KWD"


amounts = st.decimals("-99999", "99999", places=2, allow_nan=False)
some_lines = st.lists(
    st.builds(
        sp.Line,
        st.just("x"),
        quantity=st.decimals("0", "999", places=1),
        unit_price=amounts,
        tax=st.sampled_from(["0", "5.5", "20"]),
        discount=st.sampled_from([None, "3%", "1.25"]),
    ),
    min_size=1,
    max_size=6,
)


@given(some_lines, st.sampled_from(CURRENCIES), st.randoms())
def test_the_order_of_lines_makes_no_difference_and_total_is_net_plus_tax(lines, currency, dice):
    result = totals(lines, currency)
    dice.shuffle(lines)
    assert totals(lines, currency) == result
    assert result.total == result.net + result.tax
    assert result.net == sum((tax.net for tax in result.taxes), sp.Money.zero(currency))


@given(some_lines, st.sampled_from(CURRENCIES))
def test_negated_lines_take_the_others_back_exactly(lines, currency):
    there, back = totals(lines, currency), totals([line.negated() for line in lines], currency)
    assert (back.net, back.tax, back.total) == (-there.net, -there.tax, -there.total)


def test_every_problem_of_a_line_is_named():
    with pytest.raises(sp.Invalid) as caught:
        sp.Line("", quantity=1.5, unit_price="1,50", tax="120", discount="200%", cost=True)
    paths = [(problem.path, problem.code) for problem in caught.value.problems]
    assert paths == [
        ("description", "empty"),
        ("quantity", "float"),
        ("unit_price", "number"),
        ("discount", "range"),
        ("tax", "range"),
        ("cost", "type"),
    ]
