"""How SES's account behaves."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """The limits of the account in each region, and how its events come.

    Quotas count recipients, not messages. Out of the sandbox AWS grants what it thinks fit; in it
    are 200 a day and one a second. `verified` are the identities (domains or addresses) that are
    verified from the start. EventBridge calls the delivery of SES's events best effort, so they are
    as late as S3's notifications (seconds are lognormal about `event_median`), and shares of them
    are lost or come twice [? ses-event-latency].
    """

    max_24_hour_send: float = 50_000
    max_send_rate: float = 14
    production_access: bool = True
    sending_enabled: bool = True
    verified: tuple[str, ...] = ()
    event_median: float = 0.7
    event_spread: float = 0.86
    events_lost: float = 0.01
    events_doubled: float = 0.01

    @classmethod
    def sandbox(cls, **others: object) -> MailSettings:
        """An account as AWS makes it."""
        limits = {"max_24_hour_send": 200, "max_send_rate": 1, "production_access": False}
        return cls(**limits | others)  # type: ignore[arg-type]

    def to_json(self) -> str:
        """For a command line; `from_json` reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> MailSettings:
        """What `to_json` wrote; what it leaves out is as by default."""
        members = json.loads(text)
        return cls(**members | {"verified": tuple(members.get("verified", ()))})
