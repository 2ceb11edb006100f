"""The errands of the project. ``nox -l`` lists them; ``nox -s tests`` and ``nox -s demo`` are the two to know.

What is installed is a wheel built from the checkout, never ``src`` itself: what is tested is what a user gets.
``nox -R`` keeps the environments and installs nothing but that wheel.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.sessions = ["lint", "types", "docs", "tests"]
nox.options.reuse_venv = "yes"
nox.options.default_venv_backend = "virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False

PYPROJECT = nox.project.load_toml("pyproject.toml")
RUNNING = "{}.{}".format(*sys.version_info)
OTHERS = [version for version in nox.project.python_versions(PYPROJECT) if version != RUNNING]


def install(session: nox.Session, *groups: str) -> None:
    """Install what the package needs, the dependency *groups*, and the package as a wheel."""
    # The pip of Python 3.11 knows no --group, so the groups are resolved here.
    needs = nox.project.dependency_groups(PYPROJECT, *groups) if groups else ()
    session.install(*PYPROJECT["project"]["dependencies"], *needs)
    # Not session.install: under -R that would do nothing, and the tests would run on the code of yesterday.
    session.run("python", "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", ".", silent=True)


def pytest(session: nox.Session) -> None:
    """Run the test suite."""
    install(session, "test")
    # A store from elsewhere is found by its entry point, so it is installed as its users would.
    store = "./examples/store_in_an_afternoon"
    session.run("python", "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", store, silent=True)
    # As many at once as there are cores; -n 0 after -- for one after the other.
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Test on the Python that runs nox; arguments after -- go to pytest, such as -- --cov."""
    pytest(session)
    # pytest's closing line is the last word of this session; failures are still logged.
    logging.getLogger("nox").setLevel(logging.WARNING)


@nox.session(python=OTHERS)
def versions(session: nox.Session) -> None:
    """Test on the other Pythons that the package supports, where they are installed."""
    pytest(session)


@nox.session
def mutants(session: nox.Session) -> None:
    """Show that the suite for stores rejects every sabotaged store, each by the clause meant for it."""
    install(session, "test")
    session.run("pytest", "tests/mutants", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """Kill, hammer and exhaust, for as long as it takes: -- [AREA ...] [--scale 0.01] [pytest's own options]."""
    install(session, "test")
    named = list(itertools.takewhile(lambda argument: not argument.startswith("-"), session.posargs))
    areas = [f"tests/faults/{area}" for area in named] or ["tests/faults"]
    session.run(
        "pytest", "-m", "faults", "-s", "-o", "faulthandler_timeout=7200", *areas, *session.posargs[len(named) :]
    )


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style of the code, and that the news fragments can be read."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "check", "--quiet", ".")
    session.run("ruff", "format", "--check", "--quiet", ".")
    session.run("towncrier", "build", "--draft", "--version", PYPROJECT["project"]["version"], silent=True)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types: mypy on everything, pyright as well on what users see."""
    install(session, "types")
    session.run("mypy")
    session.run("pyright")


@nox.session
def demo(session: nox.Session) -> None:
    """Show the main job on a generated pipeline; the folder to fill may be given after --."""
    install(session)
    folder = Path(session.invoked_from, *(session.posargs or ["demo-output"]))
    session.run("python", "-m", "salespipeline.demo", str(folder))


@nox.session
def bench(session: nox.Session) -> None:
    """Measure beside peers: -- [AREA ...] [--json PATH] [options that the areas' scripts take]."""
    areas = list(itertools.takewhile(lambda argument: not argument.startswith("-"), session.posargs))
    parser = argparse.ArgumentParser(prog="nox -s bench -- [AREA ...]", add_help=False)
    parser.add_argument("--json", type=Path, metavar="PATH")
    chosen, options = parser.parse_known_args(session.posargs[len(areas) :])
    scripts = {path.stem: path for path in sorted(Path("benchmarks").glob("[!_]*.py"))}
    if unknown := [area for area in areas if area not in scripts]:
        session.error(f"No benchmark called {', '.join(unknown)}; there are: {', '.join(scripts)}.")
    install(session, "bench")
    rows: list[dict[str, object]] = []
    for area in areas or scripts:
        part = Path(session.create_tmp(), f"{area}.json")
        session.run("python", str(scripts[area]), "--json", str(part), *options)
        rows += json.loads(part.read_text(encoding="utf-8"))
    if chosen.json:
        Path(session.invoked_from, chosen.json).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation, with the reference and the notebooks; every warning is an error."""
    install(session, "docs")
    session.run("sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")
    session.log("open docs/_build/html/index.html")


@nox.session(reuse_venv=False)
def package(session: nox.Session) -> None:
    """Build the sdist, the wheel from it, and try the wheel in an environment that holds nothing else."""
    folder = Path(session.create_tmp()).resolve()
    for leftover in folder.iterdir():
        shutil.rmtree(leftover)
    session.install("build")
    session.run("python", "-m", "build", "--outdir", str(folder / "dist"), silent=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    session.run("python", "-m", "venv", str(folder / "clean"), silent=True)
    python = str(folder / "clean" / "bin" / "python")
    session.run(python, "-m", "pip", "install", "--quiet", str(wheel), external=True)
    session.run(python, "-m", "pip", "check", external=True, silent=True)
    smoke = Path("tests", "smoke.py").resolve()
    with session.chdir(folder):
        session.run(python, "-I", str(smoke), external=True)
