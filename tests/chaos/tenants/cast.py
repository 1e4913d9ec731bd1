"""Who is in the play: recipients whose names, ids and manifests are as hostile as the world's.

Each recipient sees a customer that no other recipient of its burst sees. What a recipient must end
as is said here only where no reading of the rules leaves a doubt: a plain one is accepted. For all
others the witness asks for one of two things: refused, or its own rows and no other's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Generic, TypeVar

from local.quicksight.catalogue import DataSet, TagRule
from tests.support.messages import pdf_group, visuals_group

Card = TypeVar("Card")
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
"""File names."""
CROWDED = ("x", "x.pdf", "x.pdf?b", "x.pdf#1", "Report", "report", "M\u00fcller", "Mu\u0308ller")
"""Names that many recipients share, and that are one on some disk or as a URL."""
RECIPIENT_IDS = ("a@example.org", "A@example.org", "+1", "=1+1", "-x", "..", "a@example.org")
VALUES = ("", " ", "\u00a0", "\u200b", " {0}", "{0} ", "*", "{0},cust-0320", "{0}|cust-0320")
"""Tag values that are not the customer's id: blank, padded, invisible, every row, several."""
MERGE = {"FormatType": "PDF", "Sheets": "ALL"}
DOMAIN = "example.com"
SUBJECT = "For <{recipient}>: {export}"
SUBJECT_OF_SINGLE = "For whom it is: {export}"
EMPTIED = "customer-statement"
"""A dashboard that has no rows any more when exports run again."""
TURNED = "cust-0317"
"""A customer's id that becomes, between the acts, the value which matches all rows."""


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """One recipient. `customer` is whose rows it may see; one that `is_plain` is accepted. Nobody
    else has its `addresses`."""

    recipient_id: str
    customer: str
    value: str
    name: str | None
    is_plain: bool
    has_rows: bool
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Burst:
    """One burst of the cast. `manifest` is its text: lines of `recipients`, in their order."""

    burst_id: str
    format: str
    template: dict[str, Any]
    recipients: Sequence[Recipient]
    manifest: bytes

    @property
    def first_line(self) -> int:
        """That of the first recipient."""
        return 2 if self.format == "CSV" else 1


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Bursts that are sent together, and single exports beside them.

    `late` are sent when all of these have ended and `published` has other rules than before; those
    that are `stopped` are cancelled while they run, and those that are `recalled` once their mails
    have gone.
    """

    bursts: Sequence[Burst]
    singles: Sequence[dict[str, Any]]
    published: DataSet
    late: Sequence[dict[str, Any]]
    stopped: Sequence[str]
    recalled: Sequence[str]

    @property
    def every_single(self) -> Iterator[dict[str, Any]]:
        """The single exports of both acts."""
        yield from self.singles
        yield from self.late


class Deck(Generic[Card]):
    """Cards in an order that is drawn; each is dealt before any is dealt again."""

    def __init__(self, draw: Random, cards: Sequence[Card]) -> None:
        self._draw, self._cards = draw, cards
        self._left: list[Card] = []

    def deal(self) -> Card:
        """The next card."""
        self._left = self._left or self._draw.sample(self._cards, len(self._cards))
        return self._left.pop()


def make_cast(count: int, seed: int) -> Cast:
    """Three bursts, of `count` recipients, as many and half as many, and the singles that cross
    their ids."""
    draw = Random(seed)
    first = _burst(
        draw,
        "november",
        count,
        customers=range(1, 301),
        template={"DashboardId": "sales-overview", "Merge": MERGE, "IfEmpty": "NOTE"}
        | {"Probe": {"SheetId": "details", "VisualId": "lines"}}
        | {"Delivery": _mail("AUTO")},
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
        )
        | {"UserConfiguration": _user("cust-0319")},
        ends=None,
    )
    third = _burst(
        draw,
        "november-2",
        count // 2,
        customers=range(150, 301),
        template=_template(EMPTIED, visuals_group("CSV", "lines"), pdf_group())
        | {"IfEmpty": "SKIP", "Delivery": _mail("NEVER")},
        ends=None,
    )
    ids = ("november", "november-1", "november-3", "november-1-2", "november-04")
    return Cast(
        bursts=(first, second, third),
        singles=[_single(each, f"cust-{310 + index:04d}") for index, each in enumerate(ids)],
        published=DataSet(
            "invoices", "Invoices", (TagRule("customer_id", "customer_id", match_all=TURNED),)
        ),
        late=[_single("novem", "cust-0316"), _single("december", TURNED)],
        stopped=["novem"],
        recalled=["november-04"],
    )


def _single(export_id: str, customer: str) -> dict[str, Any]:
    """A single export; the ids and names of many are those of bursts and their recipients."""
    return _template("paid-invoices", pdf_group(), visuals_group("CSV", "lines")) | {
        "ExportId": export_id,
        "Name": "x",
        "UserConfiguration": _user(customer),
        "Delivery": _mail(
            "NEVER" if "-" in export_id else "AUTO",
            To=[*_addresses("single", export_id, both=True)],
            Subject=SUBJECT_OF_SINGLE,
        ),
    }


def _mail(attach: str, **more: Any) -> dict[str, Any]:
    email = {"Subject": SUBJECT, "Body": {"Text": "Good morning."}, "Attach": attach}
    return {"Email": email | more}


def _addresses(burst_id: str, name: object, *, both: bool) -> tuple[str, ...]:
    """Of one recipient: they are another's but for a letter, or for the part behind a `+`."""
    first = f"{name}.{burst_id}@{DOMAIN}"
    return (first, f"{name}.{burst_id}+copy@{DOMAIN}") if both else (first,)


def _user(customer: str) -> dict[str, Any]:
    tags = [{"Key": "customer_id", "Value": customer}]
    return {"AnonymousUsers": [{"RowLevelPermissionTags": tags}]}


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
    hostile = Deck(draw, RECIPIENT_IDS), Deck(draw, VALUES)
    recipients = [_recipient(draw, index, customers[index], *hostile) for index in range(count)]
    if "Delivery" in template:
        recipients = [
            replace(each, addresses=_addresses(burst_id, name, both=index % 5 == 0))
            for index, each in enumerate(recipients)
            for name in [f"{'aA'[index % 2]}nna-{index // 2}"]
        ]
    if ends is None:
        text = "".join(_json_line(each) + "\n" for each in recipients)
    else:
        header = "RecipientId,Name,tag:customer_id,Email"
        lines = [header, *(_csv_line(each) for each in recipients)]
        text = "".join(line + draw.choice(ends) for line in lines)
    return Burst(
        burst_id=burst_id,
        format="JSON_LINES" if ends is None else "CSV",
        template=template,
        recipients=recipients,
        manifest=text.encode(),
    )


def _recipient(
    draw: Random, index: int, number: int, ids: Deck[str], values: Deck[str]
) -> Recipient:
    """Of ten, two are plain, three have a hostile value and nothing else, and the others a hostile
    name, two of them with a hostile id, two without any rows, and two with one name."""
    place = index % 10
    has_rows = place not in (3, 7)
    customer = f"cust-{number:04d}" if has_rows else f"cust-9{number:03d}"
    is_plain, has_value = place in (0, 5), place in (1, 4, 8)
    drawn = draw.choice(draw.choice((NAMES, CROWDED)))
    hostile = CROWDED[0] if place in (3, 9) else drawn
    return Recipient(
        recipient_id=ids.deal() if place in (2, 6) else f"recipient-{index}",
        customer=customer,
        value=values.deal().format(customer) if has_value else customer,
        name=f"statement-{index}" if is_plain or has_value else hostile,
        is_plain=is_plain,
        has_rows=has_rows,
    )


def _csv_line(each: Recipient) -> str:
    cells = (each.recipient_id, each.name or "", each.value, "; ".join(each.addresses))
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)


def _json_line(each: Recipient) -> str:
    data: dict[str, Any] = {"RecipientId": each.recipient_id}
    if each.name:
        data["Name"] = each.name
    if each.value:
        data["RowLevelPermissionTags"] = [{"Key": "customer_id", "Value": each.value}]
    if each.addresses:
        data["Email"] = "; ".join(each.addresses)
    return json.dumps(data, ensure_ascii=False)
