"""Whether links in mails reach the function that opens them, where mails have some."""

from __future__ import annotations

import os

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from snapshots.doctor import fixes
from snapshots.doctor.context import Case
from snapshots.doctor.findings import Verdict, failed, ok, warning

_UNKNOWN_TOKEN = "x" * 43
"""Of the form of a token; nobody was ever given it."""
_NOT_FOUND, _TOO_MANY = 404, 429


def look_at_links(case: Case) -> Verdict:
    """Follow a link that does not exist: only the function refuses it in its own way."""
    url = case.outputs.get("LinksUrl")
    if not url:
        return failed("the stack has no address for links", fixes.DEPLOY)
    reached = url
    if endpoint := case.account.endpoint_url:
        reached = f"{endpoint}/_aws/execute-api/{case.outputs.get('LinksApiId')}/$default"
    http = URLLib3Session(
        timeout=10,
        proxies={} if endpoint else get_environ_proxies(reached),
        verify=os.environ.get("AWS_CA_BUNDLE") or True,  # type: ignore[arg-type]  # or a path
    )
    try:
        request = AWSRequest("GET", f"{reached}/files/{_UNKNOWN_TOKEN}").prepare()
        answer = http.send(request)
    except BotoCoreError as error:
        seen = f"{url} does not answer: {type(error).__name__}"
        return failed(seen, fixes.MAP_LINKS)
    return judge_links(url, answer.status_code, answer.headers.get("Cache-Control"))


def judge_links(url: str, status: int, cache_control: str | None) -> Verdict:
    """By the answer to a token that nobody has: API Gateway's own 404 has no Cache-Control."""
    if status == _TOO_MANY:
        return warning(f"{url} answers {status}: somebody calls it too often", fixes.WAIT)
    if (status, cache_control) != (_NOT_FOUND, "no-store"):
        return failed(f"{url} answers {status}, and not as links do", fixes.MAP_LINKS)
    return ok(f"links begin at {url}")
