"""What must be true of every mail, by the mailbox, the table and the events, and not the product.

Each address has one mail of its export, with the rows of its own customer; or it is held for a
person, and that was announced. What went more often was in doubt, and was announced as sent again
each time.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from local.mail.mailbox import Mail
from tests.chaos.deliveries.office import URL, Office
from tests.support.rows import CUSTOMER, customers_in

_TOKEN = re.compile(rf"{re.escape(URL)}/files/(\S+)")
_GONE = frozenset({"SENT", "DELIVERED", "BOUNCED", "COMPLAINED"})


def judge(office: Office, owners: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Count what became of the mails, and say what is wrong; `owners` have export and customer."""
    records = office.records()
    links = {str(item["link_id"]): item for item in office.items() if item["sk"] == "LINK"}
    by_address = Counter(record["address"] for record in records.values())
    for address in owners:
        if by_address[address] != 1:
            yield f"{address}: {by_address[address]} records"
    mails: dict[str, list[Mail]] = defaultdict(list)
    for mail in office.ses.mailbox.read():
        if "DeliveryId" in mail.tags:
            mails[mail.tags["DeliveryId"]].append(mail)
    for name in mails.keys() - records.keys():
        yield f"{name}: a mail without a record"
    for name, record in records.items():
        for mail in mails[name]:
            yield from _judge_mail(name, mail, owners.get(record["address"]), record, links)
        yield from _judge_record(name, record, len(mails[name]), office.announced[name])
    _count(office, records, mails)


def _judge_mail(
    name: str,
    mail: Mail,
    owner: tuple[str, str] | None,
    record: Mapping[str, Any],
    links: Mapping[str, Mapping[str, Any]],
) -> Iterator[str]:
    to = str(mail.message["To"])
    if mail.recipients != (to,) or to != record["address"] or owner is None:
        yield f"{name}: it went to another address"
        return
    export_id, customer = owner
    shown = set(CUSTOMER.findall(mail.subject))
    for each in mail.attachments:
        shown |= customers_in(each.content, "CSV")
    if shown != {customer} or export_id not in mail.subject:
        yield f"{name}: it has the rows or the subject of another"
    found = [links.get(sha256(each.encode()).hexdigest()) for each in _TOKEN.findall(mail.text)]
    if len(found) + len(mail.attachments) != 1:
        yield f"{name}: it has {len(mail.attachments)} files and {len(found)} links"
    for link in found:
        if (
            link is None
            or link["delivery_id"] != name
            or not re.search(f"/{export_id}[./]", link["uri"])
        ):
            yield f"{name}: its link opens nothing, or another's file"


def _judge_record(
    name: str, record: Mapping[str, Any], sent: int, announced: list[dict[str, Any]]
) -> Iterator[str]:
    outcomes = Counter(each.get("Outcome") for each in announced)
    attempts = {each["Attempt"] for each in announced if each.get("Outcome") == "SENT_AGAIN"}
    status = record["status"]
    if status in _GONE:
        if not sent:
            yield f"{name}: it is {status}, and was never sent"
        if not any("Outcome" not in each for each in announced):
            yield f"{name}: it is {status}, and nothing was announced"
    elif status != "HELD":
        yield f"{name}: it is missing, {status}"
    elif not outcomes["HELD"]:
        yield f"{name}: it is held, and nothing was announced"
    if sent > 1 + len(attempts):
        yield f"{name}: sent {sent} times, and in doubt and reported {len(attempts)} times"


def _count(
    office: Office, records: Mapping[str, Mapping[str, Any]], mails: Mapping[str, list[Mail]]
) -> None:
    for name, record in records.items():
        error = str(record.get("error"))
        outcomes = {each.get("Outcome") for each in office.announced[name]}
        office.counts += Counter(
            {
                "mails": 1,
                "sent": bool(mails[name]),
                "twice": len(mails[name]) > 1,
                "doubted": record.get("doubted_attempt") is not None,
                "sent again": "SENT_AGAIN" in outcomes,
                "held": record["status"] == "HELD",
                "suppressed": "OnAccountSuppressionList" in error,
                "bounced": record["status"] == "BOUNCED",
            }
        )
