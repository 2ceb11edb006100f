"""Reading the mails that were sent."""

from __future__ import annotations

import email
import email.policy
import re


def words(mail, kind="plain"):
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    return message.get_body((kind,)).get_content()


def tokens(text):
    return re.findall(r"https://sales\.example/accept/([^\s\"<]+)", text)
