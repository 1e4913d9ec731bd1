"""Who is in the play: recipients whose names, ids and manifests are as hostile as the world's.

Each recipient sees a customer that no other recipient of its burst sees. What a recipient must end
as is said here only where no reading of the rules leaves a doubt: a plain one is accepted. For all
others the witness asks for one of two things: refused, or its own rows and no other's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.support.messages import pdf_group, visuals_group

LINE_ENDS = ("\n", "\r\n", "\r")
NAMES = (
    "x",
    "x.pdf?b",
    "x.pdf",
    "x#1",
    "x.pdf#page=2",
    "Invoice #3",
    "50 %",
    "a%20b",
    "a b",
    "a+b",
    "a=b&c=d;e",
    "quote's",
    'say "so"',
    "Report",
    "report",
    "REPORT",
    "Stra\u00dfe",
    "STRASSE",
    "M\u00fcller",
    "Mu\u0308ller",
    "deep/er/still",
    "deep/er",
    "manifest",
    "manifest.json",
    "report.html",
    "../x",
    "/x",
    "a//b",
    "CON",
    "aux.pdf",
    "trailing.",
    "trailing ",
    "zero\u200bwidth",
    "\u202efdp.exe",
    "\u58f2\u4e0a+\u5229\u76ca",
    "\U0001f600 100 %",
    "\u00e9" * 200,
    "{recipient}",
    "{number}-{format}",
    "x-november-2",
    "x-november-4",
    "s3://elsewhere/x",
    "https://example.org/x?y=z",
)
"""File names; many recipients share each of them."""
RECIPIENT_IDS = ("a@example.org", "A@example.org", "+1", "=1+1", "-x", "..", "a@example.org")
VALUES = ("", " ", "\u00a0", "\u200b", " {0}", "{0} ", "*", "{0},cust-0320", "{0}|cust-0320")
"""Tag values that are not the customer's id: blank, padded, invisible, every row, several."""


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """One recipient. `customer` is whose rows it may see; one that `is_plain` is accepted."""

    recipient_id: str
    customer: str
    value: str
    name: str | None
    is_plain: bool


@dataclass(frozen=True, kw_only=True)
class Burst:
    """One burst of the cast. `manifest` is its text: lines of `recipients`, in their order."""

    burst_id: str
    format: str
    template: dict[str, Any]
    recipients: Sequence[Recipient]
    manifest: bytes


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Bursts that are sent together, and single exports beside them."""

    bursts: Sequence[Burst]
    singles: Sequence[dict[str, Any]] = field(default_factory=tuple)


def make_cast(count: int, seed: int) -> Cast:
    """Two bursts of `count` recipients each at once, and the singles that cross their ids."""
    draw = Random(seed)
    first = _burst(
        draw,
        "november",
        count,
        customers=range(1, 301),
        template=_template("sales-overview", pdf_group()),
        ends=LINE_ENDS,
    )
    second = _burst(
        draw,
        "november-1",
        count,
        customers=range(300, 0, -1),
        template=_template(
            "open-invoices",
            visuals_group("CSV", "lines"),
            visuals_group("EXCEL", "lines"),
            visuals_group("CSV", "by-customer-and-region"),
            DestinationConfiguration={},
        ),
        ends=None,
    )
    return Cast(bursts=(first, second), singles=tuple(_singles()))


def _singles() -> list[dict[str, Any]]:
    """Single exports whose ids and names are those of bursts and their recipients."""
    ids = ("november", "november-1", "november-3", "november-1-2", "november-04")
    return [
        {
            "ExportId": export_id,
            "DashboardId": "paid-invoices",
            "Name": "x",
            "UserConfiguration": {
                "AnonymousUsers": [
                    {
                        "RowLevelPermissionTags": [
                            {"Key": "customer_id", "Value": f"cust-{310 + index:04d}"}
                        ]
                    }
                ]
            },
            "SnapshotConfiguration": {"FileGroups": [pdf_group()]},
        }
        for index, export_id in enumerate(ids)
    ]


def _template(dashboard: str, *groups: dict[str, Any], **configuration: Any) -> dict[str, Any]:
    return {
        "DashboardId": dashboard,
        "SnapshotConfiguration": {"FileGroups": [*groups], **configuration},
    }


def _burst(
    draw: Random,
    burst_id: str,
    count: int,
    *,
    customers: Sequence[int],
    template: dict[str, Any],
    ends: Sequence[str] | None,
) -> Burst:
    """As CSV with these line ends mixed, or as JSON Lines without them."""
    recipients = [_recipient(draw, index, customers[index]) for index in range(count)]
    if ends is None:
        text = "".join(_json_line(each) + "\n" for each in recipients)
    else:
        header = "RecipientId,Name,tag:customer_id"
        lines = [header, *(_csv_line(each) for each in recipients)]
        text = "".join(line + draw.choice(ends) for line in lines)
    return Burst(
        burst_id=burst_id,
        format="JSON_LINES" if ends is None else "CSV",
        template=template,
        recipients=recipients,
        manifest=text.encode(),
    )


def _recipient(draw: Random, index: int, number: int) -> Recipient:
    """Half of them are plain but for their names; of the others some have a hostile id or value."""
    customer = f"cust-{number:04d}"
    own = f"recipient-{index}"
    kind = draw.random()
    if kind < 0.5:
        plain = index % 4 == 0
        name = f"statement-{index}" if plain else draw.choice(NAMES)
        return Recipient(
            recipient_id=own, customer=customer, value=customer, name=name, is_plain=plain
        )
    value = draw.choice(VALUES).format(customer) if kind > 0.8 else customer
    return Recipient(
        recipient_id=draw.choice(RECIPIENT_IDS) if 0.5 <= kind < 0.65 else own,
        customer=customer,
        value=value,
        name=draw.choice(NAMES),
        is_plain=False,
    )


def _csv_line(each: Recipient) -> str:
    cells = (each.recipient_id, each.name or "", each.value)
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


def _json_line(each: Recipient) -> str:
    data: dict[str, Any] = {"RecipientId": each.recipient_id}
    if each.name:
        data["Name"] = each.name
    if each.value:
        data["RowLevelPermissionTags"] = [{"Key": "customer_id", "Value": each.value}]
    return json.dumps(data, ensure_ascii=False)
