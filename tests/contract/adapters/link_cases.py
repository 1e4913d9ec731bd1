"""What the adapters are to see of AWS where mails have links."""

from __future__ import annotations

import urllib.request

from snapshot_export.adapters.table.links import link_writes
from snapshot_export.domain.link import Link, disposition_of
from tests.contract.adapters.facts import Case, Facts, failed_positions, table_of
from tests.contract.adapters.implementations import Deployment

EXPIRES = 2_000_000_000


def links(deployment: Deployment) -> Facts:
    adapter, table = deployment.services.links, table_of(deployment)
    link = Link(
        link_id="0" * 64,
        export_id="e",
        delivery_id="e-n-1-0",
        target="default",
        uri="s3://b/k",
        etag="1",
        created_at=1.5,
        ends_at=9.0,
    )
    writes = link_writes([link], EXPIRES)
    table.transact(writes)
    yield "a link", adapter.find(link.link_id), link
    again = failed_positions(lambda: table.transact(writes))
    yield "no other of its token", again, ("ConditionFailedError", (0,))
    for now in (2.0, 3.25):
        yield f"opened at {now}", adapter.count_opening(link.link_id, now), True
    (found,) = adapter.of([link.link_id, "1" * 64])
    seen = (found.opened, found.first_opened_at, found.last_opened_at)
    yield "its openings", seen, (2, 2.0, 3.25)
    yield "revoked", adapter.revoke(link.link_id, 4.0), True
    yield "revoked again", adapter.revoke(link.link_id, 5.0), False
    yield "opened when revoked", adapter.count_opening(link.link_id, 6.0), False
    yield "opened when gone", adapter.count_opening("1" * 64, 6.0), False
    kept = adapter.find(link.link_id)
    yield "since when it is revoked", kept and (kept.revoked_at, kept.opened), (4.0, 2)


def linked_files(deployment: Deployment) -> Facts:
    adapter, s3 = deployment.services.files, deployment.client("s3")
    uri = f"s3://{deployment.settings.export_bucket}/exports/e/Zürich.pdf"
    key = uri.split("/", 3)[3]
    yield "unchanged, of none", adapter.is_unchanged(uri, "0"), False
    put = s3.put_object(Bucket=deployment.settings.export_bucket, Key=key, Body=b"first")
    etag = put["ETag"].strip('"')
    yield "unchanged", adapter.is_unchanged(uri, etag), True
    named = disposition_of(uri)
    url = adapter.download_url(uri, 60, disposition=named)
    assert url is not None
    with urllib.request.urlopen(url, timeout=10) as answer:
        yield "saved as", answer.headers["Content-Disposition"], named
    url = adapter.download_url(uri, 60, disposition=named, operation="head_object")
    assert url is not None
    with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=10) as answer:
        yield "its size, looked at", answer.headers["Content-Length"], "5"
    s3.put_object(Bucket=deployment.settings.export_bucket, Key=key, Body=b"second")
    yield "unchanged, of another", adapter.is_unchanged(uri, etag), False


LINK_CASES: tuple[Case, ...] = (links, linked_files)
