"""Links of mails on a deployed stack, followed as their readers do."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any

from local.deployed import Deployed
from local.mail import Mail

_TOKEN = re.compile(r"/files/([A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])")


@dataclass(frozen=True)
class Followed:
    """What a link answered."""

    status: int
    headers: Message
    body: bytes

    @property
    def refusal(self) -> tuple[int, bytes, dict[str, str]]:
        """Without what is another each time: the gateway's id of the call, and the time."""
        of_a_call = ("date", "apigw-requestid", "x-amzn-requestid")
        kept = {n.lower(): v for n, v in self.headers.items() if n.lower() not in of_a_call}
        return self.status, self.body, kept


def links_of(deployed: Deployed, mail: Mail) -> list[str]:
    """The links in a mail's text."""
    base = re.escape(deployed.outputs["LinksUrl"])
    return re.findall(rf"{base}/files/[A-Za-z0-9_-]+", mail.text)


def tokens_of(text: str) -> list[str]:
    """The tokens in a text."""
    return _TOKEN.findall(text)


def follow(deployed: Deployed, link: str, method: str = "GET") -> Followed:
    """One call, no redirection followed."""

    class Stays(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stays)
    request = urllib.request.Request(deployed.link_here(link), method=method)
    try:
        with opener.open(request, timeout=60) as answer:
            return Followed(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return Followed(error.code, error.headers, error.read())


def download(address: str) -> bytes:
    """What an address downloads."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=60) as answer:
        data: bytes = answer.read()
        return data
