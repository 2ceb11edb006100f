"""Holds and cancels while batches leave: what was accepted is never mailed; and schedules by chance. (SPEC SEND-5)"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from threading import Event

import pytest
from tests.faults.sending.killing import Found, found, mails, queued, server
from tests.sending.simulator import Simulator, begin

import salespipeline as sp

pytestmark = pytest.mark.faults
BATCH = 40


def test_no_mail_leaves_after_a_hold_or_a_cancel_was_accepted(
    faults_url, tmp_path: Path, children, scaled, enter
) -> None:
    """Somebody holds and cancels documents, in the order in which two workers send them."""
    chance, taken, wanted = Random("storm"), tmp_path / "taken", scaled(5_000)
    stopped: set[str] = set()
    answers: Counter[str] = Counter()
    rounds, clock = 0, Event()
    with server(taken) as mailer:
        while len(stopped) < wanted:
            rounds += 1
            ids = queued(faults_url, BATCH)
            workers = [children.start("send", url=faults_url, mailer=mailer, lease=900.0) for _ in range(2)]
            with sp.open(faults_url, actor="tom") as sales:
                for id in ids[chance.randrange(6) :]:
                    heard, patience = mails(taken).total(), 200
                    while chance.random() < 0.9 and patience and mails(taken).total() == heard:
                        clock.wait(0.005)  # beside the workers, mostly: act when the next mail has left
                        patience -= 1
                    act = chance.choice([sales.documents.hold, sales.documents.cancel])
                    try:
                        kept = act(id, "wait")
                    except sp.Refused as error:  # it is on its way, or has left
                        answers[type(error).__name__] += 1
                    else:
                        if not kept.sent:  # what was sent can still be cancelled
                            stopped.add(id)
            for worker in workers:
                assert children.ended(worker) == 0
    result = found(faults_url, taken, 0)
    with sp.open(faults_url) as sales:
        mailed = {sales.deliveries[letter].document_id for letter in mails(taken)}
    enter(f"{len(stopped)} accepted holds and cancels, {answers.total()} refused · {faults_url.partition(':')[0]}",
          rounds, result)  # fmt: skip
    assert answers.total() > 0 or wanted < 1_000, "nobody was too late: nothing was raced for"
    assert result.violations == 0
    assert not stopped & mailed, "a mail left after a hold or a cancel had been accepted"


def test_schedules_by_chance(scaled, enter) -> None:
    """Larger worlds than can be exhausted, one schedule after the other."""
    runs, chance, simulator = scaled(1_000_000), Random("schedules"), Simulator()
    worlds = [
        begin(documents, workers, crashes=3, jumps=3, holds=2, unknowns=2)
        for documents in (2, 3, 4)
        for workers in (2, 3)
    ]
    for number in range(runs):
        simulator.wander(worlds[number % len(worlds)], chance)
    enter("schedules by chance, in the simulator", runs, Found())
