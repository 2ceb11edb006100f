"""A real SMTP server in a process of its own: it writes what it took into a file, before it answers.

``mail_server.py FILE [SHARE SEED]`` prints its port. *SHARE* of the mails meet a fault: a refusal for now or for good, a
line that drops before the final dot, or after it, with the mail taken or not. What is dropped after the dot goes to
``FILE.unanswered`` too.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from random import Random

from aiosmtpd.smtp import SMTP


class Handler:
    def __init__(self, path: str, share: float, seed: int) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self.taken = os.open(path, flags)
        self.unanswered = os.open(f"{path}.unanswered", flags)
        self.share = share
        self.chance = Random(seed)

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if self.chance.random() < self.share / 2:
            if self.chance.random() < 0.2:
                server.transport.abort()
            return self.chance.choice(["451 try later", "550 no such user"])
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        fault = self.chance.random() < self.share / 2
        line = re.search(rb"^Message-ID: (\S+)", envelope.content, re.MULTILINE)[1] + b"\n"  # type: ignore[index]
        if not fault or self.chance.random() < 0.5:
            os.write(self.taken, line)
        if fault:
            os.write(self.unanswered, line)
            server.transport.abort()
        return "250 taken"


async def main() -> None:
    share, seed = (float(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 2 else (0.0, 0)
    handler = Handler(sys.argv[1], share, seed)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, hostname="mail.example"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
