"""A process that fills hostile templates under limits, and says what became of each: ``attacked.py FIRST STEP``.

Every template may use one second of the processor; the process may grow by 200 MB. What the library does not stop
in time, these limits stop, and the machine goes on.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from pathlib import Path

from hostile import corpus

from salespipeline.errors import TemplateError
from salespipeline.render.bodies import MailTemplate, render_bodies
from salespipeline.render.placeholders import example

SECONDS, MEGABYTES = 1, 200


class TooSlow(BaseException):
    """The second is over."""


def over(*_: object) -> None:
    raise TooSlow


def outcome(source: str, data: dict[str, object], *, html: bool, full: bool = True) -> str:
    """Return ``stopped``, or what went wrong."""
    template = MailTemplate("hostile", "subject", "" if html else source, source if html else None, full=full)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        render_bodies(template, data)
    except TemplateError as error:
        if "MemoryError" in str(error):  # it is our limit that stopped it, not the library's
            return f"it took {MEGABYTES} MB"
        return "stopped" if error.line is not None and len(str(error)) < 600 else f"badly told: {str(error)[:200]}"
    except TooSlow:
        return f"it ran for {SECONDS} s"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        return f"raised {type(error).__name__}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return "it went through"


def big() -> dict[str, object]:
    """Return a record that is as large as records come: a long note, five hundred lines."""
    data = dict(example())
    data["document"] = {**data["document"], "note": ("a word \U0001f600 " * 12_000)[:100_000]}
    data["lines"] = data["lines"] * 500
    return data


def main(first: int, step: int) -> None:
    signal.signal(signal.SIGVTALRM, over)
    data = big()
    outcome("{{ document.total }}", data, html=False)  # what is loaded once is not the template's
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0]) if Path("/proc/self/statm").exists() else 0
    most = pages * resource.getpagesize() + MEGABYTES * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (most, most) if pages else resource.getrlimit(resource.RLIMIT_AS))
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    for at, source in list(enumerate(corpus()))[first::step]:
        for html in (False, True):
            print(json.dumps([at, html, outcome(source, data, html=html)]), flush=True)
        print(json.dumps([at, "plain", outcome(source, data, html=False, full=False)]), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
