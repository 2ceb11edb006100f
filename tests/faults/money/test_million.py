"""A million generated invoices, held to the rule in whole numbers and to their mirror. (SPEC MON-3)

``SALES_INVOICES`` makes it fewer or more, ``SALES_SEED`` another million.
"""

from __future__ import annotations

import os
import random
from concurrent.futures import ProcessPoolExecutor

import pytest
from tests.domain.invoices import Invoice, check

from salespipeline.domain.lines import Discount
from salespipeline.domain.totals import totals

INVOICES = int(os.environ.get("SALES_INVOICES", "1000000"))
SEED = int(os.environ.get("SALES_SEED", "20261124"))
BATCH = 5000
PARTS = 10  # each a test of its own, so that one that hangs is told from many that take their time


def try_batch(number: int) -> int:
    """Make and check one batch; the dice are its own, so that a failure can be had again alone."""
    dice = random.Random(f"{SEED}-{number}")
    for _ in range(min(BATCH, INVOICES - number * BATCH)):
        one = Invoice(dice)
        there = totals(one.lines, one.currency, discount=one.discount, charges=one.charges)
        check(one, there)
        discount = one.discount
        if discount is not None and discount.amount is not None:
            discount = Discount(amount=-discount.amount)
        mirrored = [charge.negated() for charge in one.charges]
        back = totals([line.negated() for line in one.lines], one.currency, discount=discount, charges=mirrored)
        assert (back.net, back.tax, back.total) == (-there.net, -there.tax, -there.total)
    return min(BATCH, INVOICES - number * BATCH)


@pytest.mark.faults
@pytest.mark.parametrize("part", range(PARTS))
def test_every_invoice_of_a_million_adds_up(part: int) -> None:
    batches = range(part, (INVOICES + BATCH - 1) // BATCH, PARTS)
    with ProcessPoolExecutor() as pool:
        assert sum(pool.map(try_batch, batches)) == sum(min(BATCH, INVOICES - number * BATCH) for number in batches)
