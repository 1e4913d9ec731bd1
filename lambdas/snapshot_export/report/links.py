"""Addresses of files that a report can link to without becoming a key to them.

An address that is signed would open the file to whoever has the page, and expire. The console asks
who is there.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from snapshot_export.domain.object_address import ObjectAddress

_CONSOLES = {"cn": "amazonaws.cn", "us-gov": "amazonaws-us-gov.com"}


def console_link(uri: str, region: str) -> str:
    """The S3 console's page of an object, whose address `uri` is."""
    place = ObjectAddress.parse(uri)
    domain = next(
        (found for start, found in _CONSOLES.items() if region.startswith(f"{start}-")),
        "aws.amazon.com",
    )
    query = urlencode({"region": region, "prefix": place.key}, safe="/", quote_via=quote)
    return f"https://{region}.console.{domain}/s3/object/{quote(place.bucket, safe='')}?{query}"
