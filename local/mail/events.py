"""SES's events as EventBridge delivers them.

Sources: SES Developer Guide, "Contents of event data" and its examples (EventBridge's `detail` is
the same document); EventBridge's reference, "Amazon Simple Email Service events", for their names.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from local.mail.addresses import bare, domain_of
from local.mail.outcomes import Outcome
from local.mail.submission import Submission

_MAX_HEADERS = 10 * 1024
_DETAIL_TYPES = {
    "Send": "Email Sent",
    "Delivery": "Email Delivered",
    "Bounce": "Email Bounced",
    "Complaint": "Email Complaint Received",
    "Reject": "Email Rejected",
    "DeliveryDelay": "Email Delivery Delayed",
}
_MATCHING = {
    "Send": "SEND",
    "Delivery": "DELIVERY",
    "Bounce": "BOUNCE",
    "Complaint": "COMPLAINT",
    "Reject": "REJECT",
    "DeliveryDelay": "DELIVERY_DELAY",
}
_BOUNCES = {
    Outcome.BOUNCED: ("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 user unknown"),
    Outcome.MAILBOX_FULL: ("Transient", "MailboxFull", "5.2.2", "smtp; 552 5.2.2 mailbox full"),
    Outcome.SUPPRESSED_GLOBALLY: ("Permanent", "Suppressed", "5.1.1", "Amazon SES has suppressed "
                                  "sending to this address because it has a recent history of "
                                  "bouncing as an invalid address."),
    Outcome.SUPPRESSED_AS_BOUNCED: ("Permanent", "OnAccountSuppressionList", "5.1.1", "Amazon SES "
                                    "did not send the message to this address because it is on "
                                    "the suppression list for your account."),
}  # fmt: skip
_TRANSIT_SECONDS, _COMPLAINT_SECONDS, _DELAY_SECONDS = 1.0, 3.0, 5.0


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A message that SES took: who sent it, when, and what it is called."""

    submission: Submission
    message_id: str
    at: float
    account: str
    identity_arn: str
    caller: str
    source_ip: str
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event: its type as an event destination matches it, when it happens, its content."""

    kind: str
    at: float
    detail: Mapping[str, Any]

    @property
    def matching_type(self) -> str:
        """As MatchingEventTypes of an event destination name it."""
        return _MATCHING[self.kind]

    def entry(self) -> dict[str, Any]:
        """What EventBridge's PutEvents takes; the service puts it on the default bus."""
        return {
            "Source": "aws.ses",
            "DetailType": _DETAIL_TYPES[self.kind],
            "Detail": json.dumps(self.detail),
            "Resources": [],
        }


def events_of(accepted: Accepted) -> Iterator[Event]:
    """What SES reports of a message, in the order in which it happens.

    A message with a virus is reported as rejected and as nothing else [? ses-rejected].
    """
    mail = _mail(accepted)

    def event(kind: str, after: float, name: str, content: Mapping[str, Any]) -> Event:
        detail = {"eventType": kind, "mail": mail, name: content}
        return Event(kind=kind, at=accepted.at + after, detail=detail)

    if Outcome.REJECTED in accepted.outcomes.values():
        yield event("Reject", _TRANSIT_SECONDS, "reject", {"reason": "Bad content"})
        return
    yield event("Send", 0.0, "send", {})
    for outcome, addresses in _by_outcome(accepted.outcomes).items():
        if outcome in _BOUNCES:
            at = accepted.at + _TRANSIT_SECONDS
            yield event("Bounce", _TRANSIT_SECONDS, "bounce", _bounce(outcome, addresses, at))
            continue
        if outcome is Outcome.SUPPRESSED_AS_COMPLAINED:
            at = accepted.at + _TRANSIT_SECONDS
            complaint = _complaint(addresses, at) | {"complaintSubType": "OnAccountSuppressionList"}
            yield event("Complaint", _TRANSIT_SECONDS, "complaint", complaint)
            continue
        for address in addresses:
            after = _TRANSIT_SECONDS
            if outcome is Outcome.DELAYED:
                yield event("DeliveryDelay", after, "deliveryDelay", _delay(address, accepted.at))
                after = _DELAY_SECONDS
            yield event("Delivery", after, "delivery", _delivery(address, accepted.at, after))
        if outcome is Outcome.COMPLAINED:
            at = accepted.at + _COMPLAINT_SECONDS
            yield event("Complaint", _COMPLAINT_SECONDS, "complaint", _complaint(addresses, at))


def _by_outcome(outcomes: Mapping[str, Outcome]) -> dict[Outcome, list[str]]:
    """Several bounces of one message come as one event, deliveries each as their own."""
    found: dict[Outcome, list[str]] = {}
    for address, outcome in outcomes.items():
        found.setdefault(outcome, []).append(address)
    return found


def _mail(accepted: Accepted) -> dict[str, Any]:
    submission, parsed = accepted.submission, accepted.submission.parsed
    headers, size = [], 0
    for name, value in submission.headers:
        size += len(name) + len(value)
        if size <= _MAX_HEADERS:
            headers.append({"name": name, "value": value})
    common: dict[str, Any] = {"messageId": accepted.message_id}
    for name, key in (("From", "from"), ("To", "to"), ("Cc", "cc"), ("Reply-To", "replyTo")):
        if parsed[name]:
            common[key] = [str(address) for address in parsed[name].addresses]
    for name, key in (("Date", "date"), ("Subject", "subject")):
        if parsed[name]:
            common[key] = str(parsed[name])
    tags = {
        "ses:source-ip": [accepted.source_ip],
        "ses:from-domain": [domain_of(bare(submission.sender))],
        "ses:caller-identity": [accepted.caller],
    }
    if submission.configuration_set:
        tags["ses:configuration-set"] = [submission.configuration_set]
    return {
        "timestamp": _iso(accepted.at),
        "source": submission.sender,
        "sourceArn": accepted.identity_arn,
        "sendingAccountId": accepted.account,
        "messageId": accepted.message_id,
        "destination": list(submission.recipients),
        "headersTruncated": size > _MAX_HEADERS,
        "headers": headers,
        "commonHeaders": common,
        "tags": tags | {name: [value] for name, value in submission.tags.items()},
    }


def _bounce(outcome: Outcome, addresses: Sequence[str], at: float) -> dict[str, Any]:
    kind, sub_kind, status, diagnostic = _BOUNCES[outcome]
    return {
        "feedbackId": _feedback_id(),
        "bounceType": kind,
        "bounceSubType": sub_kind,
        "bouncedRecipients": [
            {
                "emailAddress": address,
                "action": "failed",
                "status": status,
                "diagnosticCode": diagnostic,
            }
            for address in addresses
        ],
        "timestamp": _iso(at),
        "reportingMTA": "dns; amazonses.com",
    }


def _complaint(addresses: Sequence[str], at: float) -> dict[str, Any]:
    return {
        "feedbackId": _feedback_id(),
        "complaintSubType": None,
        "complainedRecipients": [{"emailAddress": address} for address in addresses],
        "timestamp": _iso(at),
        "userAgent": "Embedded-Account/1.0",
        "complaintFeedbackType": "abuse",
        "arrivalDate": _iso(at),
    }


def _delivery(address: str, accepted_at: float, after: float) -> dict[str, Any]:
    return {
        "timestamp": _iso(accepted_at + after),
        "processingTimeMillis": round(after * 1000),
        "recipients": [address],
        "smtpResponse": "250 2.6.0 Message received",
        "reportingMTA": "a1-1.smtp-out.amazonses.com",
    }


def _delay(address: str, accepted_at: float) -> dict[str, Any]:
    return {
        "timestamp": _iso(accepted_at + _TRANSIT_SECONDS),
        "delayType": "TransientCommunicationFailure",
        "expirationTime": _iso(accepted_at + 14 * 3600),
        "delayedRecipients": [
            {
                "emailAddress": address,
                "status": "4.4.1",
                "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host",
            }
        ],
    }


def _feedback_id() -> str:
    return f"{uuid4().hex[:16]}-{uuid4()}-000000"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
