"""What the benchmarks share: two ways timed in turns in one run, a table of ratios, and JSON.

Machines are shared and noisy, so that an absolute time says little. Every row therefore times ours and the peer
alternately, in the same process, and takes the best of the rounds: what the work costs when nothing disturbs it.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One comparison. *ratio* is ``ours / peer`` in time: below 1, ours is the faster one."""

    name: str
    ours: float
    peer: float
    peer_name: str
    ratio: float
    unit: str
    goal: str


def compare(
    name: str,
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    peer_name: str,
    goal: str,
    rounds: int = 15,
    calls: int = 1,
    per: int = 1,
) -> Row:
    """Time *calls* calls of each in turns, *rounds* times; the best of the rounds, in ms, or µs for short ones.

    A call that does the same *per* times is shown as one of them. Both run once before the clock starts, so that neither
    pays for what is done once a process.
    """
    ours()
    peer()
    best = [float("inf"), float("inf")]
    gc.collect()
    for number in range(rounds):
        for place in (0, 1) if number % 2 == 0 else (1, 0):
            work = (ours, peer)[place]
            start = time.perf_counter()
            for _ in range(calls):
                work()
            best[place] = min(best[place], (time.perf_counter() - start) / calls)
    unit, scale = ("ms", 1e3) if max(best) / per >= 1e-3 else ("µs", 1e6)
    return row(name, best[0] * scale / per, best[1] * scale / per, peer_name=peer_name, unit=unit, goal=goal)


def row(name: str, ours: float, peer: float, *, peer_name: str, unit: str, goal: str) -> Row:
    """Return the row of two figures that were measured side by side."""
    return Row(name, ours, peer, peer_name, ours / peer, unit, goal)


def arguments(description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too, beside those of others")
    parser.add_argument("--rounds", type=int, default=15, help="how often each pair is timed (default: 15)")
    return parser


def show(rows: Sequence[Row], to: Path | None) -> None:
    """Print the table; add the rows to the JSON file, in the place of earlier rows of the same name."""
    width = max(len(one.name) for one in rows)
    print(f"\n{'':{width}}  {'ours':>10}  {'peer':>10}       {'ours/peer':>9}  {'goal':<8} peer")
    for one in rows:
        figures = f"{one.ours:10.4g}  {one.peer:10.4g}  {one.unit:<4} {one.ratio:8.2f}x"
        print(f"{one.name:{width}}  {figures}  {one.goal:<8} {one.peer_name}")
    sys.stdout.flush()
    if to is None:
        return
    names = {one.name for one in rows}
    kept = json.loads(to.read_text()) if to.exists() else []
    keys = ("name", "ours", "peer", "peer_name", "ratio", "unit", "goal")
    fresh = [{key: getattr(one, key) for key in keys} for one in rows]
    to.write_text(json.dumps([one for one in kept if one["name"] not in names] + fresh, indent=1) + "\n")
