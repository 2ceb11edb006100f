"""16 threads in each of 4 processes hammer one store: nothing is lost, and nobody is told that it is busy."""

from __future__ import annotations

import time

import pytest
from tests.stores.hammering import hammered

PROCESSES, THREADS, EACH = 4, 16, 100


@pytest.mark.faults
def test_nothing_is_lost_and_nobody_is_refused(faults_url: str) -> None:
    began = time.perf_counter()
    hammered(faults_url, PROCESSES, THREADS, EACH)
    took, total = time.perf_counter() - began, PROCESSES * THREADS * EACH
    print(f"\n{total:,} changes by {PROCESSES * THREADS} threads in {took:.0f} s: {total / took:,.0f}/s")
