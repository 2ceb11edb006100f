"""``python -m salespipeline.testing URL``, run as anybody runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from salespipeline.ports import CONTRACT
from salespipeline.testing.contract import written
from salespipeline.testing.fresh import fresh

# A store that leaves a number out, as a package that is installed: found by its scheme, with a place of its own.
FORGETFUL = """
from contextlib import contextmanager
from salespipeline.stores.memory import MemoryStore, MemoryTransaction


class ForgetfulTransaction(MemoryTransaction):
    def next_number(self, series):
        super().next_number(series)
        return super().next_number(series)


class ForgetfulStore(MemoryStore):
    def transaction(self, *, write=True):
        return ForgetfulTransaction(self, write=write)


class StoppedTransaction(MemoryTransaction):
    def next_number(self, series):
        raise KeyboardInterrupt  # somebody presses Ctrl-C


class StoppedStore(MemoryStore):
    def transaction(self, *, write=True):
        return StoppedTransaction(self, write=write)


def connect(url):
    return StoppedStore() if url.startswith("stopped") else ForgetfulStore()


@contextmanager
def place(url):
    first = ForgetfulStore()
    yield lambda: ForgetfulStore(beside=first)
"""
ENTRY_POINTS = """
[salespipeline.stores]
forgetful = forgetful:connect
stopped = forgetful:connect

[salespipeline.testing]
forgetful = forgetful:place
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the package of the forgetful store in it."""
    folder = tmp_path / "site"
    (folder / "forgetful-1.dist-info").mkdir(parents=True)
    (folder / "forgetful.py").write_text(FORGETFUL)
    (folder / "forgetful-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: forgetful\nVersion: 1\n")
    (folder / "forgetful-1.dist-info" / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


def run(*arguments: str, cwd: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTEST_ADDOPTS": "--no-such-option"}  # of a session that is not this one
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    command = [sys.executable, "-m", "salespipeline.testing", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_memory_is_told_as_a_table(tmp_path: Path) -> None:
    done = run("memory:", "--only", "T-01,N,C-13,X", cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0] == f"MemoryStore at memory:, storage contract {CONTRACT}"
    assert "  Transactions                              1" in [line.rstrip() for line in lines]
    assert "  Numbers                                  13" in [line.rstrip() for line in lines]
    assert any(line.startswith("  second-process                    lacked: what is in the memory") for line in lines)
    assert any(line.split()[:2] == ["entries", "put"] for line in lines)
    assert list(tmp_path.iterdir()) == []


def test_sqlite_is_told_as_json_and_nothing_is_left_behind(tmp_path: Path) -> None:
    done = run("sqlite:///x.db?synchronous=NORMAL", "--only", "T-01,V-01,P-23,B-01,K", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (told["contract"], told["store"]) == (CONTRACT, "SqliteStore")
    assert told["passed"] == ["T-01", "V-01", "P-23", *[f"K-{number:02}" for number in range(1, 11)], "B-01"]
    assert told["failed"] == []
    assert {speed["what"] for speed in told["speed"]} >= {"entries read by id", "pages of 50 in order"}
    assert all(speed["store"] > 0 and speed["sqlite"] > 0 for speed in told["speed"])
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    kept = tmp_path / "x.db"
    kept.write_bytes(b"of somebody")
    for target in ("sqlite:///x.db", "x.db", str(kept)):
        done = run(target, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "x.db is there already, and the suite never touches what is" in done.stderr
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"of somebody"]


def test_postgresql_gets_a_schema_that_goes_again(postgres: str, tmp_path: Path) -> None:
    import psycopg

    def schemas() -> list[tuple[str]]:
        with psycopg.connect(postgres) as connection:
            names = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'salespipeline\\_testing\\_%'"
            return connection.execute(names).fetchall()

    done = run(postgres, "--only", "T-01,N-01,B-01", "--json", "--no-speed", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["passed"] == ["T-01", "N-01", "B-01"]
    assert schemas() == []


def test_a_store_from_elsewhere_that_fails_is_told_by_its_clauses(installed: Path, tmp_path: Path) -> None:
    done = run("forgetful://", "--only", "N-01,N-02,V-01,C-10", "--no-speed", cwd=tmp_path, path=installed)
    assert done.returncode == 1
    assert "ForgetfulStore at forgetful://" in done.stdout
    assert "  N-01  A series that nobody has used gives 1, then 2, then 3" in done.stdout
    assert "assert [2, 4, 6] == [1, 2, 3]" in done.stdout
    assert "  V-01" not in done.stdout
    told = json.loads(run("forgetful://", "--only", "N", "--json", "--no-speed", cwd=tmp_path, path=installed).stdout)
    (first, *_) = told["failed"]
    assert first["id"] == "N-01"
    assert first["sentence"].startswith("A series that nobody has used gives 1")


def test_who_stops_it_is_told_in_a_sentence(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    done = run("stopped:///x", "--only", "V-01,N-01,P-01", cwd=folder, path=installed)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "stopped: what was made for the clauses is removed again\n"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nope://x"], "no store is registered for 'nope'"),
        (["sqlite:///no/such/folder/x.db"], "there is no folder no/such/folder"),
        (["sqlite:///x.db?colour=blue"], "a SQLite URL has no option 'colour'"),
        (["memory:", "--only", "T-99"], "there is no clause and no family T-99"),
        (["postgresql://jane:secret@127.0.0.1:1/nothing"], "127.0.0.1"),
        ([], "say which store: a URL"),
    ],
)
def test_what_cannot_be_tested_is_said_in_a_sentence(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_and_the_contract_need_no_store(tmp_path: Path) -> None:
    told = run("--help", cwd=tmp_path)
    assert told.returncode == 0
    assert "exit codes:" in told.stdout
    assert run("--contract", cwd=tmp_path).stdout == written()


def test_a_place_closes_what_was_opened_in_it(tmp_path: Path) -> None:
    with fresh(str(tmp_path / "x.db")) as opener:
        store = opener()
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Exception, match="was closed"), store.transaction():
        pass
