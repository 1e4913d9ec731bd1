"""The account's suppression list.

Source: SES Developer Guide, "Using the Amazon SES account-level suppression list"; new accounts
have it on for bounces and complaints.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from local.mail.errors import MailError, bad_request, not_found

_DEFAULT_PAGE, _MAX_PAGE = 1000, 1000


class SuppressionList:
    """Addresses that SES sends nothing to; letter case makes no other address."""

    def __init__(self) -> None:
        self.reasons: tuple[str, ...] = ("BOUNCE", "COMPLAINT")
        """Those for which SES puts addresses on the list, and heeds it."""
        self._entries: dict[str, dict[str, Any]] = {}

    def in_force(self, reasons: Sequence[str] | None) -> dict[str, str]:
        """Reasons by address in lower case; `reasons` are a configuration set's own, if any."""
        heeded = self.reasons if reasons is None else reasons
        return {key: e["Reason"] for key, e in self._entries.items() if e["Reason"] in heeded}

    def learn(self, address: str, reason: str, now: float, reasons: Sequence[str] | None) -> None:
        """Put an address on the list because of what it answered, if the account wants that."""
        if reason in (self.reasons if reasons is None else reasons):
            self.put(address, reason, now)

    def put(self, address: str, reason: str, now: float) -> None:
        """Put an address on the list."""
        if "@" not in address:
            raise bad_request(f"Invalid email address <{address}>.")
        self._entries[address.lower()] = {
            "EmailAddress": address,
            "Reason": reason,
            "LastUpdateTime": now,
        }

    def get(self, address: str) -> dict[str, Any]:
        """An address's entry; NotFoundException if it has none."""
        if (found := self._entries.get(address.lower())) is None:
            raise not_found(f"Email address {address} does not exist on your suppression list.")
        return found

    def remove(self, address: str) -> None:
        """Take an address off the list; NotFoundException if it is not on it."""
        self.get(address)
        del self._entries[address.lower()]

    def page(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A page of ListSuppressedDestinations."""
        size = asked.get("PageSize", _DEFAULT_PAGE)
        if not 1 <= size <= _MAX_PAGE:
            raise bad_request(f"PageSize must be from 1 to {_MAX_PAGE}.")
        begin = asked.get("NextToken", "0")
        if not begin.isdecimal():
            raise MailError("InvalidNextTokenException", "The specified next token is not valid.")
        least, most = asked.get("StartDate"), asked.get("EndDate")
        found = [
            entry
            for entry in self._entries.values()
            if entry["Reason"] in (asked.get("Reasons") or ("BOUNCE", "COMPLAINT"))
            and (least is None or entry["LastUpdateTime"] >= least)
            and (most is None or entry["LastUpdateTime"] <= most)
        ]
        end = int(begin) + size
        more = {"NextToken": str(end)} if end < len(found) else {}
        return {"SuppressedDestinationSummaries": found[int(begin) : end], **more}
