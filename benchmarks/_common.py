"""What the benchmarks share: ways that are timed in turns in one run, a table of ratios, and JSON.

Machines are shared and noisy, so that an absolute time says little. Every round therefore times ours and each peer
one after the other, in the same process, in another order each time. A ratio is the median over the rounds of what
ours took beside what the peer took in the same round; the times shown are medians too.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

CLOCKS = {"wall": perf_counter, "cpu": process_time}
_chosen = ["wall"]
SLICE = 0.02  # seconds that one way is timed for in a round, where a single call does not take longer


class Row(NamedTuple):
    """One comparison. *ratio* is ``ours / peer`` in time: below 1, ours is the faster one.

    *goal* is ``"<= 1.4"``, a ratio not to be exceeded, or ``">= 45x"``: so many times faster; or empty.
    """

    name: str
    ours: float
    peer: float
    peer_name: str
    ratio: float
    unit: str
    goal: str

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; ``None`` where there is none."""
        sign, _, figure = self.goal.partition(" ")
        if not figure:
            return None
        return self.ratio <= (1 / float(figure.rstrip("x")) if sign == ">=" else float(figure))


class Way(NamedTuple):
    """One way to do the work: *run* is timed; *before* makes ready for each round and is not."""

    run: Callable[[], object]
    before: Callable[[], object] = lambda: None
    once: bool = False  # whether a round can hold one call only


Peers = Mapping[str, tuple[Callable[[], object] | Way, str]]


def race(
    name: str,
    ours: Callable[[], object] | Way,
    peers: Peers,
    *,
    rounds: int = 9,
    calls: int | None = None,
    per: int = 1,
) -> list[Row]:
    """Time ours and every peer in turns: a row for each peer, which comes with the goal beside it.

    Each runs once before the clock starts, so that none pays for what is done once a process; that call also tells how
    many of them make a slice, unless *calls* does. A call that does the same *per* times is shown as one of them.
    """
    ways = [one if isinstance(one, Way) else Way(one) for one in (ours, *[way for way, _ in peers.values()])]
    counts = [1 if way.once else calls or _calls(way) for way in ways]
    times: list[list[float]] = [[] for _ in ways]
    for number in range(max(rounds, 1)):
        places = range(len(ways)) if number % 2 == 0 else range(len(ways) - 1, -1, -1)
        for place in places:
            times[place].append(_timed(ways[place], counts[place]) / per)
    mine = median(times[0])
    rows = []
    for (peer_name, (_, goal)), theirs in zip(peers.items(), times[1:], strict=True):
        unit, scale = _unit(max(mine, median(theirs)))
        ratio = median([one / other for one, other in zip(times[0], theirs, strict=True)])
        rows.append(Row(name, mine * scale, median(theirs) * scale, peer_name, ratio, unit, goal))
    return rows


def _calls(way: Way) -> int:
    _timed(way, 1)
    return min(1000, max(1, int(SLICE / _timed(way, 1))))


def _timed(way: Way, calls: int) -> float:
    way.before()
    gc.collect()  # nobody pays for the rubbish of another
    run, clock = way.run, CLOCKS[_chosen[0]]
    start = clock()
    for _ in range(calls):
        run()
    return max(clock() - start, 1e-9) / calls


def _unit(seconds: float) -> tuple[str, float]:
    return ("s", 1) if seconds >= 1 else ("ms", 1e3) if seconds >= 1e-3 else ("µs", 1e6)


def compare(
    name: str,
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    peer_name: str,
    goal: str,
    rounds: int = 15,
    calls: int | None = None,
    per: int = 1,
) -> Row:
    """Time ours and one peer in turns: see ``race``."""
    return race(name, ours, {peer_name: (peer, goal)}, rounds=rounds, calls=calls, per=per)[0]


def row(name: str, ours: float, peer: float, *, peer_name: str, unit: str, goal: str) -> Row:
    """Return the row of two figures that were measured side by side."""
    return Row(name, ours, peer, peer_name, ours / peer, unit, goal)


def limit(name: str, ours: float, most: float, unit: str, words: str) -> Row:
    """Return the row of a figure that must not exceed *most*."""
    return Row(name, ours, most, f"at most {words}", ours / most, unit, "<= 1")


def seconds(work: Callable[[], object], rounds: int = 5) -> float:
    """Return how long *work* takes on the wall's clock: the median of some rounds."""
    times = []
    for _ in range(rounds):
        gc.collect()
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return median(times)


def _choose(clock: str) -> str:
    _chosen[0] = clock
    return clock


def arguments(description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too, beside those of others")
    parser.add_argument(
        "--clock",
        choices=CLOCKS,
        default="wall",
        type=_choose,
        help="what is counted: all time, or this process's own, for machines that others use too (default: %(default)s)",
    )
    parser.add_argument("--rounds", type=int, default=9, help="how often each way is timed (default: %(default)s)")
    return parser


def show(rows: Sequence[Row], to: Path | None) -> None:
    """Print the table; add the rows to the JSON file, in the place of earlier rows of the same name."""
    width, peers = (
        max(len(text) for text in column) for column in ([r.name for r in rows], [r.peer_name for r in rows])
    )
    print(f"\n{'':{width}}  {'ours':>9}  {'peer':>9}       {'ours/peer':>9}  {'peer':{peers}}  goal")
    for one in rows:
        verdict = {True: "reached", False: "NOT REACHED", None: ""}[one.reached]
        factor = f"{one.ratio:8.2f}x" if one.ratio >= 0.1 else f"{1:3}/{1 / one.ratio:<5.4g}"
        figures = f"{one.ours:9.4g}  {one.peer:9.4g}  {one.unit:<3} {factor:>10}"
        print(f"{one.name:{width}}  {figures}  {one.peer_name:{peers}}  {one.goal:<8} {verdict}".rstrip())
    missed = sum(one.reached is False for one in rows)
    print(f"{len(rows)} rows; {sum(one.reached is True for one in rows)} goals reached, {missed} not")
    sys.stdout.flush()
    if to is None:
        return
    names = {one.name for one in rows}
    kept = json.loads(to.read_text()) if to.exists() else []
    keys = ("name", "ours", "peer", "peer_name", "ratio", "unit", "goal", "reached")
    fresh = [{key: getattr(one, key) for key in keys} for one in rows]
    to.write_text(json.dumps([one for one in kept if one["name"] not in names] + fresh, indent=1) + "\n")
