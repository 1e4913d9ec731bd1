"""`/_mail/` of the account: the page of what was sent, and what tests and `make run` ask of it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from local.mail.outcomes import Outcome
from local.mail.page import HEADERS, render_index, render_mail
from local.mail.service import Caller, MailService

ADMIN = "/_mail/"
_HOSTS = ("127.0.0.1", "localhost")

Answer = tuple[int, dict[str, str], bytes]


def answer_admin(
    service: MailService,
    caller: Caller,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
) -> Answer:
    """Serve a page, a file, or a change; nothing by other names (rebinding) or for other pages."""
    host = headers.get("host", "")
    if host.rpartition(":")[0] not in _HOSTS:
        return _text(403, "only by the address itself")
    if headers.get("origin", f"http://{host}") not in (f"http://{host}", f"https://{host}"):
        return _text(403, "not for another page")
    place = path.removeprefix(ADMIN)
    if method == "GET":
        return _show(service, place)
    if method != "POST" or not headers.get("content-type", "").startswith("application/json"):
        return _text(400, "a change is a POST of JSON")
    try:
        _change(service, caller, place, json.loads(body or b"{}"))
    except (KeyError, TypeError, ValueError) as error:
        return _text(400, f"{type(error).__name__}: {error}")
    return 200, {"Content-Type": "application/json"}, b"{}"


def _change(service: MailService, caller: Caller, name: str, asked: dict[str, Any]) -> None:
    if name == "settings":
        service.change(caller, **asked)
    elif name == "verify":
        service.verify(asked["EmailIdentity"])
    elif name == "outcomes":
        service.chosen.update({address: Outcome(value) for address, value in asked.items()})
    else:
        raise ValueError(f"no change is called {name!r}")


def _show(service: MailService, place: str) -> Answer:
    if place == "":
        return _page(render_index(service.mailbox.read()))
    if place == "folder":
        folder = {"Folder": str(service.mailbox.folder.resolve())}
        return 200, {"Content-Type": "application/json"}, json.dumps(folder).encode()
    message_id, _, part = place.partition("/")
    mail = service.mailbox.find(message_id)
    if mail is None:
        return _text(404, "there is no such message")
    if part == "":
        return _page(render_mail(mail))
    if part == "message.eml":
        return _file("message.eml", mail.file.read_bytes())
    number = part.partition("/")[0]
    files = mail.attachments
    if not number.isdecimal() or int(number) >= len(files):
        return _text(404, "there is no such file")
    return _file(files[int(number)].name, files[int(number)].content)


def _page(text: str) -> Answer:
    return 200, {"Content-Type": "text/html; charset=utf-8", **HEADERS}, text.encode()


def _file(name: str, content: bytes) -> Answer:
    """Never shown, always saved: it is somebody else's."""
    plain = re.sub(r"[^A-Za-z0-9_. -]", "_", name)
    return (
        200,
        {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f'attachment; filename="{plain}"',
            **HEADERS,
        },
        content,
    )


def _text(status: int, text: str) -> Answer:
    return status, {"Content-Type": "text/plain; charset=utf-8", **HEADERS}, text.encode()
