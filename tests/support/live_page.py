"""The live page's server in front of the command line's stub of the API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import boto3

from snapshots.api import Api
from snapshots.connection import Account
from snapshots.open.server import PageServer
from tests.unit.snapshots.stub import StubApi


@contextmanager
def serving_page(
    stub: StubApi, *, target: str | None = None, warn: Callable[[str], None] = lambda _: None
) -> Iterator[PageServer]:
    """The server of a deployment's page, which serves until the end."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")
    account = Account(session=session, region="eu-west-1", endpoint_url=stub.url)
    title = "SnapshotExport eu-west-1"
    server = PageServer(Api(stub.url, account), title=title, target=target, warn=warn)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
