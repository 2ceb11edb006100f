"""The sixty faults, and which tests inject each of them on which stores. (SPEC SEND-5, SEND-6)

What stands here is looked up: each test is there, takes that case, and runs on those stores.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

KILL = "faults.sending.test_kills:test_killed_at_a_point"
PRESS = "faults.sending.test_kills:test_killed_before_anything_leaves"
SERVER = "sending.test_faults:test_a_fault_of_the_server_mails_nothing_twice_and_loses_nothing"
ANY_CALL = "sending.test_faults:test_a_store_that_fails_at_any_call_mails_nothing_twice_and_loses_nothing"
AT_T = "sending.test_store_faults:test_a_store_that_cannot_write_at_t1_or_t2"
RACE = "sending.test_store_faults:test_a_race_that_is_lost_at_t1_or_t2_is_run_again"
CLOCK = "sending.test_world_faults:test_a_clock_that_jumps_while_a_letter_is_carried"
CONTENT = "sending.test_content_faults:test_what_a_document_holds_changes_nothing_for_the_next"
RENDERER = "sending.test_faults:test_a_renderer_that_is_none_fails_its_document_and_no_other"

# Each fault: the tests, with the cases that are meant, after a "|". Crashes are of processes, which share no memory.
CRASHES = {
    "before the plan's commit": [f"{PRESS}|before the plan's commit"],
    "after the plan's commit": [f"{PRESS}|after the plan's commit"],
    "after the claim": [f"{KILL}|after the claim", f"{KILL}|inside the claim"],
    "while it draws": [f"{KILL}|while it draws"],
    "after it prepared": [f"{KILL}|after it prepared", f"{KILL}|while it keeps the bytes"],
    "before the commit of T1": [f"{KILL}|inside T1"],
    "after T1": [f"{KILL}|after T1", f"{KILL}|while it connects"],
    "after RCPT": [f"{KILL}|after MAIL, RCPT"],
    "in the middle of DATA": [f"{KILL}|mid DATA", f"{KILL}|before the dot"],
    "after the dot, before the reply": [f"{KILL}|after the dot"],
    "after the 250, before T2": [f"{KILL}|after the reply", f"{KILL}|before T2"],
    "inside T2": [f"{KILL}|inside T2"],
    "after T2": [f"{KILL}|after T2"],
    "while a batch goes on": [
        "faults.sending.test_kills:test_killed_while_a_batch_that_paused_goes_on|while it goes on",
        "faults.sending.test_kills:test_killed_while_a_batch_that_paused_goes_on|after it went on",
    ],
    "in an upgrade": [
        "faults.sending.test_kills:test_killed_in_an_upgrade_with_deliveries_in_flight|while it changes the layout",
        "faults.sending.test_kills:test_killed_in_an_upgrade_with_deliveries_in_flight|while it writes all anew",
    ],
    "in the writing of an attachment": [
        f"{PRESS}|while it keeps an attachment",
        f"{PRESS}|while it names an attachment",
        f"{PRESS}|while it keeps the files of the plan",
    ],
}
OF_THE_SERVER = {
    "refuses": [f"{SERVER}|hangs up before it greets", f"{SERVER}|554 as a greeting"],
    "421 as a greeting": [f"{SERVER}|421 as a greeting"],
    "TLS fails": [f"{SERVER}|TLS that fails"],
    "535 to the password": [f"{SERVER}|535 to the password"],
    "450 to a recipient": [f"{SERVER}|450 to the recipients"],
    "451 to a recipient": [f"{SERVER}|451 to the recipients"],
    "550 to one of two": [f"{SERVER}|550 to one of two"],
    "550 to all": [f"{SERVER}|550 to both"],
    "452": [f"{SERVER}|452 to the recipients"],
    "554 to DATA": [f"{SERVER}|554 to DATA"],
    "drops in the middle of DATA": [f"{SERVER}|hangs up at DATA", f"{SERVER}|resets in the middle of the message"],
    "drops after the dot, and has it": [f"{SERVER}|hangs up after the dot", f"{SERVER}|resets after the dot"],
    "drops after the dot, and has it not": [
        f"{SERVER}|resets in the middle of the message",  # a small one may be written to its end by then
        "faults.sending.test_kills:test_killed_at_any_moment",  # whose server drops some that it has, and some that it has not
    ],
    "hangs after the dot": [f"{SERVER}|says nothing after the dot"],
    "451 after the dot": [f"{SERVER}|451 after the dot"],
    "552 after the dot": [f"{SERVER}|552 after the dot"],
    "421 between two mails": [f"{SERVER}|421 between two mails", f"{SERVER}|hangs up between two mails"],
    "QUIT fails": [f"{SERVER}|a goodbye that fails"],
    "drips": [f"{SERVER}|an answer in drips"],
    "an odd 250": [f"{SERVER}|an odd 250", f"{SERVER}|nonsense after the dot", f"{SERVER}|354 after the dot"],
    "a rate limit": [f"{SERVER}|450 to the sender: a rate limit", f"{SERVER}|421 to the sender"],
}
AT_ONCE = {
    "many press at once": ["faults.sending.test_crowds:test_sixteen_presses_at_once",
                           "sending.test_deal_plans:test_many_who_press_at_once_draft_one_document_for_each"],
    "a storm of holds": ["faults.sending.test_storms:test_no_mail_leaves_after_a_hold_or_a_cancel_was_accepted",
                         "sending.test_sending:test_what_is_held_or_changed_after_the_plan_does_not_leave"],
    "an edit while the batch leaves": [
        "sending.test_world_faults:test_a_document_that_is_edited_while_the_batch_leaves_does_not_leave_as_planned"
    ],
    "a cancel while the batch leaves": [
        "sending.test_worker:test_cancelling_while_workers_work_leaves_out_all_that_has_not_left",
        "faults.sending.test_storms:test_no_mail_leaves_after_a_hold_or_a_cancel_was_accepted",
    ],
    "a worker away past its lease": [
        "sending.test_faults:test_a_worker_that_was_away_past_its_lease_finds_that_another_has_sent"
    ],
    "a fork": ["sending.test_world_faults:test_a_fork_sends_nothing_twice"],
    "the clock jumps forward": [f"{CLOCK}|forward"],
    "the clock jumps back": [f"{CLOCK}|back"],
    "an attachment is replaced": [
        "sending.test_world_faults:test_a_file_that_is_replaced_while_the_batch_leaves_goes_as_it_was_planned"
    ],
}  # fmt: skip
OF_THE_STORE = {
    "no room at T1": [f"{AT_T}|no room", f"{AT_T}|T1", ANY_CALL],
    "no room at T2": [f"{AT_T}|no room", f"{AT_T}|T2", ANY_CALL],
    "no writes": [f"{AT_T}|no writes", "sending.test_store_faults:test_a_store_that_takes_no_writes_mails_nothing"],
    "the server starts anew": ["faults.sending.test_crowds:test_sixteen_workers"],
    "a backend is killed": ["sending.test_store_faults:test_a_backend_that_is_killed_loses_nothing"],
    "a deadlock, a race that is lost": [
        f"{RACE}|deadlock",
        f"{RACE}|serialization failure",
        "sending.test_store_faults:test_a_deadlock_while_a_mail_is_settled_is_run_again",
    ],
    "the n-th call fails": [ANY_CALL, "sending.test_worker:test_a_lost_answer_to_t1_is_no_mail"],
}
OF_THE_CONTENT = {
    "a template fails": ["sending.test_batches:test_a_mail_that_cannot_be_made_costs_no_mail"],
    "the renderer raises, or returns nothing": [RENDERER],
    "a bad address": [f"{CONTENT}|no address", f"{CONTENT}|an address that the server cannot write"],
    "a letter that no font has": [f"{CONTENT}|a letter that no font has"],
    "too large": [f"{CONTENT}|larger than the server takes"],
    "hostile names": [f"{CONTENT}|a name that poses as addresses"],
    "hostile words": [f"{CONTENT}|words that pose as header fields, as markup and as the end"],
}  # fmt: skip
FAULTS = CRASHES | OF_THE_SERVER | AT_ONCE | OF_THE_STORE | OF_THE_CONTENT

FILES, ALL = {"sqlite", "postgres"}, {"memory", "sqlite", "postgres"}
# By what a test asks for, where it does not say it itself.
STORES = {"sales": ALL, "url": ALL, "faults_url": FILES, "durable_postgres": {"postgres"}}
ALONE = {ANY_CALL: {"memory"}}  # a store of its own
# Files have no sessions and no races; what is in memory ends with its process, and can always be written.
SERVERS_ONLY = {"the server starts anew", "a backend is killed", "a deadlock, a race that is lost"}
FILES_ONLY = {*CRASHES, "no writes"}


def test_there_are_sixty() -> None:
    assert len(CRASHES) == 16
    assert len(OF_THE_SERVER) == 21
    assert len(AT_ONCE) == 9
    assert len(OF_THE_STORE) == len(OF_THE_CONTENT) == 7
    assert len(FAULTS) == 60


def function(name: str) -> Callable[..., None]:
    module, _, function = name.partition(":")
    found: Callable[..., None] = getattr(importlib.import_module(f"tests.{module}"), function)
    return found


def parameters(test: Callable[..., None]) -> Iterator[tuple[str, set[str]]]:
    """Yield what a test is run with: the names, and the cases as a report shows them."""
    marks: list[Any] = list(getattr(test, "pytestmark", ()))
    for mark in marks:
        if mark.name == "parametrize":
            names, values = mark.args
            ids = mark.kwargs.get("ids")
            shown = [str(one) for one in (values if ids is None else ids)]
            yield str(names), set(shown)


def stores_of(name: str) -> set[str]:
    test = function(name)
    for names, cases in parameters(test):
        if names in ("url", "store"):
            return cases
    if name in ALONE:
        return ALONE[name]
    asked = [*inspect.signature(test).parameters]
    return next(STORES[one] for one in asked if one in STORES)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_is_injected_on_each_store(fault: str) -> None:
    pytest.importorskip("psycopg", reason="pip install 'salespipeline[postgres]'")
    stores: set[str] = set()
    for one in FAULTS[fault]:
        name, _, case = one.partition("|")
        assert not case or any(case in cases for _, cases in parameters(function(name))), f"{name} has no case {case!r}"
        stores |= stores_of(name)
    wanted = {"postgres"} if fault in SERVERS_ONLY else FILES if fault in FILES_ONLY else ALL
    assert stores >= wanted, stores
