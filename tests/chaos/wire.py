"""The QuickSight emulator without its sockets: requests reach its WSGI applications at once."""

from __future__ import annotations

import io
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit
from urllib.response import addinfourl

import botocore.endpoint
from botocore.awsrequest import AWSResponse, HeadersDict
from werkzeug.test import Client, TestResponse

from local.quicksight import Settings
from local.quicksight.emulator import Emulator
from local.quicksight.http_api import make_api, make_download_api
from tests.support.world import ACCOUNT, ATHENA_ROLE, REGION, Clock

API, DOWNLOADS = "http://quicksight.emulator", "https://downloads.emulator"


class Wire:
    """An emulator, and what botocore and urllib send to it. Anything else that is sent is refused.

    Has the `emulator` of a QuickSightServer, which is all that a World asks of one.
    """

    def __init__(self, clock: Clock) -> None:
        self.emulator = Emulator(
            Settings(account=ACCOUNT, region=REGION, athena_role=ATHENA_ROLE), now=clock.now
        )
        self.emulator.downloads.base_url = DOWNLOADS
        self._api = Client(make_api(self.emulator))
        self._downloads = Client(make_download_api(self.emulator))

    @contextmanager
    def connected(self) -> Iterator[Wire]:
        """Let this process's requests come here. moto answers before them what it knows."""

        def send(_endpoint: Any, request: Any) -> AWSResponse:
            return self._send(request)

        def open_address(_opener: Any, url: str, *_more: Any, **_options: Any) -> addinfourl:
            return self._open(url)

        with (
            patch.object(botocore.endpoint.Endpoint, "_send", send),
            patch.object(urllib.request.OpenerDirector, "open", open_address),
        ):
            yield self

    def _send(self, request: Any) -> AWSResponse:
        if not request.url.startswith(API):
            raise AssertionError(f"a request left the process: {request.url}")
        answer = _ask(
            self._api,
            request.url,
            method=request.method,
            headers=[(name, _text(value)) for name, value in request.headers.items()],
            data=request.body,
        )
        headers: Any = HeadersDict(answer.headers)
        raw = _Raw(answer.data)
        return AWSResponse(request.url, answer.status_code, headers, raw)

    def _open(self, url: str) -> addinfourl:
        if not url.startswith(DOWNLOADS):
            raise AssertionError(f"a request left the process: {url}")
        answer = _ask(self._downloads, url)
        body, headers = _Download(answer.data), Message()
        if answer.status_code >= 400:
            raise urllib.error.HTTPError(url, answer.status_code, "refused", headers, body)
        return addinfourl(body, headers, url, answer.status_code)


class _Download(io.BytesIO):
    """A body as http.client gives it, which knows its length."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.length = len(data)


class _Raw(io.BytesIO):
    """A body as botocore reads it from urllib3."""

    def stream(self, *_arguments: Any, **_more: Any) -> Iterator[bytes]:
        yield self.read()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _ask(client: Client, url: str, **request: Any) -> TestResponse:
    parts = urlsplit(url)
    raw = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return client.open(
        raw,
        base_url=f"{parts.scheme}://{parts.netloc}",
        environ_overrides={"REQUEST_URI": raw},
        **request,
    )
