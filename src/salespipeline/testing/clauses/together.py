"""Threads and processes for the clauses: begun at once, always ended, and their errors brought home."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["PATIENCE", "Child", "child", "result_of_process", "together"]

PATIENCE = 60.0  # seconds after which something hangs; nothing is measured with it


def together(*tasks: Callable[[], Any]) -> list[Any]:
    """Run each task in a thread of its own, begun at once; return what each returned, or the error it raised."""
    barrier = threading.Barrier(len(tasks))
    results: list[Any] = [None] * len(tasks)

    def run(place: int, task: Callable[[], Any]) -> None:
        barrier.wait(PATIENCE)
        try:
            results[place] = task()
        except BaseException as error:  # noqa: BLE001 - it is the result
            results[place] = error

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        if thread.is_alive():
            pytest.fail("a thread waits for ever")
    return results


class Child:
    """A forked process that runs *task*, which is given this end of a line to its parent."""

    def __init__(self, task: Callable[[Connection], Any]) -> None:
        if not hasattr(os, "fork"):
            pytest.skip("this platform cannot fork")
        self._line, theirs = multiprocessing.Pipe()
        with warnings.catch_warnings():  # the threads of the parent hold no lock that the child takes
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            self._run(task, theirs)
        theirs.close()
        self._gone = False

    @staticmethod
    def _run(task: Callable[[Connection], Any], line: Connection) -> None:
        try:
            try:
                line.send((True, task(line)))
            except pytest.fail.Exception as error:  # pytest's own cannot be pickled
                line.send((False, AssertionError(str(error))))
            except BaseException as error:  # noqa: BLE001 - it is the result
                line.send((False, error))
        finally:
            os._exit(0)  # not a moment longer: nothing of the parent may be cleaned up here

    def hear(self) -> Any:
        """Return the next thing that the child says."""
        if not self._line.poll(PATIENCE):
            pytest.fail("a process waits for ever")
        return self._line.recv()

    def say(self, word: Any) -> None:
        """Tell the child something."""
        self._line.send(word)

    def result(self) -> Any:
        """Return what the task returned, or raise what it raised."""
        done, result = self.hear()
        self._wait()
        if not done:
            raise result
        return result

    def kill(self) -> None:
        """Kill the child without warning, if it lives."""
        if not self._gone:
            os.kill(self.pid, signal.SIGKILL)
            self._wait()

    def _wait(self) -> None:
        os.waitpid(self.pid, 0)
        self._gone = True
        self._line.close()


@contextmanager
def child(task: Callable[[Connection], Any]) -> Iterator[Child]:
    """Run *task* in a process that does not outlive the block."""
    process = Child(task)
    try:
        yield process
    finally:
        process.kill()


def result_of_process(task: Callable[[], Any]) -> Any:
    """Run *task* in a process of its own and return what it returned, or raise what it raised."""
    with child(lambda _: task()) as process:
        return process.result()
