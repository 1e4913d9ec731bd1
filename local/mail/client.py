"""The mailbox of a running account, and changes of its SES, by `/_mail/`."""

import json
import ssl
import urllib.request
from pathlib import Path
from typing import Any

from local.mail.admin import ADMIN
from local.mail.mailbox import Mailbox


def page_of(endpoint_url: str) -> str:
    """Where the page of the mailbox is."""
    return endpoint_url + ADMIN


def find_mailbox(endpoint_url: str, ca_file: str | None = None) -> Mailbox:
    """What an account's SES accepted; the account is on this machine."""
    answer = _ask(page_of(endpoint_url) + "folder", ca_file)
    return Mailbox(Path(json.loads(answer)["Folder"]))


def change_mail(endpoint_url: str, name: str, asked: dict[str, Any], ca_file: str | None) -> None:
    """POST `settings`, `verify` or `outcomes` (admin.py); HTTPError if it is refused."""
    _ask(page_of(endpoint_url) + name, ca_file, json.dumps(asked).encode())


def _ask(url: str, ca_file: str | None, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if ca_file:
        context = ssl.create_default_context(cafile=ca_file)
        handlers.append(urllib.request.HTTPSHandler(context=context))
    with urllib.request.build_opener(*handlers).open(request, timeout=30) as answer:
        content: bytes = answer.read()
        return content
