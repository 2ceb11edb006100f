"""A mailer for a provider with an HTTP API, an idempotency key, and a way to look a message up."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from urllib.parse import quote

from salespipeline.ports import Accepted, Mail, NotSent, Outcome, Unknown


class ProviderMailer:
    """Sends by the API of a provider. May be shared between threads: each mail has a connection of its own."""

    def __init__(self, host: str, key: str, *, timeout: float = 30.0) -> None:
        self._host, self._key, self._timeout = host, key, timeout

    def send(self, mail: Mail) -> Outcome:
        """Try once to send *mail*, and say truly what became of it."""
        body = json.dumps(
            {
                "from": mail.sender,
                "to": mail.recipients,
                "raw": base64.b64encode(mail.content).decode(),
            }
        )
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Idempotency-Key": mail.message_id,  # asked twice, the provider mails once
        }
        with closing(HTTPConnection(self._host, timeout=self._timeout)) as connection:
            try:
                connection.connect()
                connection.request("POST", "/messages", body, headers)
            except OSError as error:  # the request never was complete
                reason = f"the provider cannot be reached: {error.strerror or type(error).__name__}"
                return NotSent(reason=reason, temporary=True, everything=True)
            try:
                response = connection.getresponse()
                answer = json.loads(response.read())
            except (OSError, HTTPException, ValueError) as error:  # it heard all of it; nobody knows what it did
                return Unknown(reason=f"the provider did not answer: {type(error).__name__}")
        return self._outcome(response.status, answer)

    @staticmethod
    def _outcome(status: int, answer: dict[str, object]) -> Outcome:
        reason = str(answer.get("error", "no reason was given"))
        if status == 202:
            rejected = answer.get("rejected")
            return Accepted(reply=f"202 {answer.get('id')}", refused=rejected if isinstance(rejected, dict) else {})
        if status in (401, 403):  # our key, not this mail
            return NotSent(reason=reason, code=status, everything=True)
        if status in (429, 503):  # the provider promises that nothing was taken
            return NotSent(reason=reason, code=status, temporary=True)
        if 400 <= status <= 499:
            return NotSent(reason=reason, code=status)
        return Unknown(reason=f"the provider failed with {status}")

    def lookup(self, message_id: str) -> bool | None:
        """Say whether the provider took this message; ``None`` where it does not tell."""
        with closing(HTTPConnection(self._host, timeout=self._timeout)) as connection:
            try:
                headers = {"Authorization": f"Bearer {self._key}"}
                connection.request("GET", f"/messages/{quote(message_id, safe='')}", headers=headers)
                return {200: True, 404: False}.get(connection.getresponse().status)
            except (OSError, HTTPException):
                return None

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def __repr__(self) -> str:
        return f"ProviderMailer({self._host!r})"
