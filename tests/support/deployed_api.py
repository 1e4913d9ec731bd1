"""Signed calls of a deployed API, as its users make them."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.account.environment import ACCESS_KEY, REGION, SECRET_KEY
from local.deployed import Deployed


def call_api(
    deployed: Deployed,
    method: str,
    path: str,
    body: Any = None,
    keys: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """A call signed by the account, or with a user's `keys`.

    Raises HTTPError for an answer that is none of success.
    """
    url = deployed.api_url + path
    data = None if body is None else json.dumps(body).encode()
    request = AWSRequest(method, url, {"Content-Type": "application/json"}, data)
    SigV4Auth(Credentials(*(keys or (ACCESS_KEY, SECRET_KEY))), "execute-api", REGION).add_auth(
        request
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    sent = urllib.request.Request(url, data, dict(request.headers), method=method)
    with opener.open(sent, timeout=60) as answer:
        found: dict[str, Any] = json.loads(answer.read())
        return found
