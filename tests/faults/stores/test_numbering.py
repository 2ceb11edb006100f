"""64 writers in 16 processes issue 1,000 numbers each; a tenth is rolled back, processes are killed: no gap, no repeat. (SPEC DOC-6)"""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.faults.stores.numbering_worker import CATALOG

from salespipeline.opening import open_store

PROCESSES, THREADS, EACH = 16, 4, 1000
WORKER = Path(__file__).with_name("numbering_worker.py")


def start(url: str, name: int, seed: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(WORKER), url, str(name), str(THREADS), str(EACH), str(seed)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.mark.faults
def test_numbers_have_no_gap_and_no_repeat(faults_url: str) -> None:
    store = open_store(faults_url)
    store.prepare(CATALOG)
    seeds = itertools.count()
    running = {name: start(faults_url, name, next(seeds)) for name in range(PROCESSES)}
    killed, began = 0, time.perf_counter()
    while running:
        name, process = next(iter(running.items()))
        _, errors = process.communicate(timeout=600)
        del running[name]
        if process.returncode == -signal.SIGKILL:
            killed += 1
            running[name] = start(faults_url, name, next(seeds))
        else:
            assert process.returncode == 0, errors
    took = time.perf_counter() - began
    with store.transaction(write=False) as tx:
        numbers = sorted(int(entry.index["number"]) for entry in tx.scan("issue"))  # type: ignore[arg-type]
    total = PROCESSES * THREADS * EACH
    assert numbers == list(range(1, total + 1))
    with store.transaction() as tx:
        assert tx.next_number("INV") == total + 1
    store.close()
    assert killed > 0
    print(f"\n{total:,} numbers in {took:.0f} s: {total / took:,.0f}/s; {killed} processes killed on the way")
