"""A process that fills hostile templates under limits, and says what became of each: ``attacked.py FIRST STEP``.

Every template may use one second of the processor; the process may grow by 200 MB. What the library does not stop
in time, these limits stop, and the machine goes on.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from pathlib import Path

from hostile import corpus, styles

from salespipeline.errors import TemplateError
from salespipeline.render.bodies import MailTemplate, check_template, render_bodies
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


def checked(source: str) -> str:
    """Return ``stopped`` where the check before saving finds something, in time, or what went wrong."""
    template = MailTemplate("hostile", "subject", source, full=True)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        found = check_template(template)
    except TooSlow:
        return f"it ran for {SECONDS} s"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        return f"raised {type(error).__name__}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    if not all(error.line is not None and len(str(error)) < 600 for error in found):
        return "badly told"
    return "stopped"


def styled(css: str, html: str) -> str:
    """Return ``stopped`` where a style is refused, or written in time."""
    began = time.process_time()
    try:
        render_bodies(MailTemplate("hostile", "subject", "text", html, css=css), {})
    except TemplateError as error:
        if len(str(error)) > 600:
            return "badly told"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        return f"raised {type(error).__name__}"
    used = time.process_time() - began  # what is not written in Python cannot be interrupted
    return "stopped" if used < SECONDS else f"it ran for {used:.1f} s"


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
        print(json.dumps([at, "checked", checked(source)]), flush=True)
    for at, (css, html) in list(enumerate(styles()))[first::step]:
        print(json.dumps([at, "style", styled(css, html)]), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
