"""The stack's API over HTTP, signed with SigV4, or with a bearer token under a JWT authorizer."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from snapshots.connection import Account
from snapshots.errors import CliError, ExitCode, UnreachableError

PAGE = 100
THREADS = 8
_ATTEMPTS = 6
_MAX_WAIT = 8.0
_PASSING = frozenset({429, 500, 502, 503, 504})
_EXIT_CODES = {
    400: ExitCode.USAGE, 413: ExitCode.USAGE, 415: ExitCode.USAGE, 422: ExitCode.USAGE,
    401: ExitCode.UNREACHABLE, 403: ExitCode.UNREACHABLE,
    404: ExitCode.NOT_FOUND, 409: ExitCode.CONFLICT,
}  # fmt: skip


class Api:
    """Calls of docs/architecture.md, "Ways in and out". May be used by several threads at once.

    What can pass (no answer, 429, 5xx) is tried again with growing, jittered waits: every call is
    safe to repeat, since ids come from here. Everything else is a CliError.
    """

    def __init__(self, url: str, account: Account, *, token: str | None = None) -> None:
        self.url = url
        self._account = account
        self._token = token
        proxies = {} if account.endpoint_url else get_environ_proxies(url)
        self._http = URLLib3Session(
            timeout=60,
            proxies=proxies,
            max_pool_connections=THREADS,
            verify=os.environ.get("AWS_CA_BUNDLE") or True,  # type: ignore[arg-type]  # or a path
        )

    def get(self, *path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """GET a resource; members of `query` that are None are left out."""
        return self._call("GET", path, query=query)

    def post(self, *path: str, body: Any) -> dict[str, Any]:
        """POST a body that carries its own id, or what it makes of the resource."""
        return self._call("POST", path, body=body)

    def put(self, *path: str, body: Any, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """PUT a body; `query` as in `get`."""
        return self._call("PUT", path, query=query, body=body)

    def delete(self, *path: str) -> dict[str, Any]:
        """DELETE a resource."""
        return self._call("DELETE", path)

    def pages(self, *path: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Every page of a listing, each fetched when it is asked for."""
        token: str | None = None
        while True:
            page = self.get(*path, query={**query, "NextToken": token or query.get("NextToken")})
            yield page
            token = page.get("NextToken")
            if not token:
                return

    def _call(
        self, method: str, path: tuple[str, ...], *, query: Any = None, body: Any = None
    ) -> dict[str, Any]:
        url = "/".join((self.url, *(quote(part, safe="") for part in path)))
        chosen = {name: value for name, value in (query or {}).items() if value is not None}
        url += f"?{urlencode(chosen, quote_via=quote)}" if chosen else ""
        data = None if body is None else json.dumps(body).encode()
        attempt = 0
        while True:
            attempt += 1
            request = self._sign(method, url, data).prepare()
            try:
                response = self._http.send(request)
                if response.status_code not in _PASSING:
                    return _read(method, path, response.status_code, response.content)
                failure = _error(method, path, response.status_code, response.content)
            except (BotoCoreError, HTTPClientError) as error:
                failure = UnreachableError(f"cannot reach {self.url}: {error}")
            if attempt == _ATTEMPTS:
                raise failure
            time.sleep(random.uniform(0.1, min(_MAX_WAIT, 0.3 * 2**attempt)))

    def _sign(self, method: str, url: str, data: bytes | None) -> AWSRequest:
        headers = {"Content-Type": "application/json"} if data is not None else {}
        request = AWSRequest(method=method, url=url, data=data, headers=headers)
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
            return request
        try:
            credentials: Any = self._account.session.get_credentials()
            SigV4Auth(credentials, "execute-api", self._account.region).add_auth(request)
        except BotoCoreError as error:
            raise UnreachableError(f"{error}; log in, or choose a profile with --profile") from None
        return request


def _read(method: str, path: tuple[str, ...], status: int, content: bytes) -> dict[str, Any]:
    if status >= 300:
        raise _error(method, path, status, content)
    return _decode(content)


def _error(method: str, path: tuple[str, ...], status: int, content: bytes) -> CliError:
    """The API's own error, or API Gateway's, which has only a `message`."""
    body = _decode(content)
    reason = body.get("Message") or body.get("message") or "no reason given"
    exit_code = _EXIT_CODES.get(status, ExitCode.UNREACHABLE)
    message = f"{reason} ({method} /{'/'.join(path)}: {status})"
    code = body.get("Code") or f"HTTP_{status}"
    problems = body.get("Problems") or ()
    return CliError(message, exit_code, code=code, problems=problems)


def _decode(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content) if content else {}
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
