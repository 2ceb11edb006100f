"""A gigabyte passes through fifty megabytes of memory, in and out. (SPEC ATT-1, ATT-2, EXT-5)"""

from __future__ import annotations

import subprocess
import sys

import pytest

resource = pytest.importorskip("resource", reason="the memory of a process is measured where POSIX measures it")
pytestmark = pytest.mark.faults

PASSING = """
import os, resource, sys
import salespipeline as sp

where, folder = sys.argv[1:]
blobs = sp.blobs.Folder(folder + "/files") if where == "folder" else None
with sp.open(f"sqlite:///{folder}/sales.db", blobs=blobs) as sales:
    acme = sales.contacts.add("Acme Ltd")
    sales.attachments.add(acme, "small", b"x", audience="both")
    sum(map(len, sales.attachments.download_all(acme, audience="web")))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    block = os.urandom(1_000_000)
    sales.attachments.add(acme, "big", (block for _ in range(1000)), audience="both")
    assert sum(map(len, sales.attachments.download_all(acme, audience="web"))) > 1_000_000_000
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("where", ["database", "folder"])
def test_a_gigabyte_passes_through_fifty_megabytes(where, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PASSING, where, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    print(f"{where}: {done.stdout.strip()} MB more")
    assert int(done.stdout) < 50


CARRIED = """
import os, resource, sys
import salespipeline as sp
from salespipeline import maintenance

name, folder = sys.argv[1:]
source, target = f"sqlite:///{folder}/a.db", f"sqlite:///{folder}/b.db"
with sp.open(source) as sales:
    acme = sales.contacts.add("Acme Ltd")
    block = os.urandom(1_000_000)
    sales.attachments.add(acme, "big", (block for _ in range(1000)), audience="both")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
maintenance.export(source, f"{folder}/{name}")
os.remove(f"{folder}/a.db")
maintenance.import_(target, f"{folder}/{name}")
with sp.open(target) as sales:
    (big,) = sales.attachments
    assert big.size == 1_000_000_000
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("name", ["all.zip", "all"])
def test_a_gigabyte_is_carried_into_another_store_through_fifty_megabytes(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CARRIED, name, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    print(f"{name}: {done.stdout.strip()} MB more")
    assert int(done.stdout) < 50
