"""What becomes of a message at one recipient.

Sources: SES Developer Guide, "Using the mailbox simulator manually", "Using the Amazon SES
account-level suppression list", "Contents of event data".
"""

from collections.abc import Mapping
from enum import StrEnum

from local.mail.addresses import is_simulator


class Outcome(StrEnum):
    """How a recipient's side takes it; the value is what a test asks for by name."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    MAILBOX_FULL = "mailbox-full"
    """A soft bounce, which SES reports when it has stopped trying."""
    COMPLAINED = "complained"
    """Delivered first."""
    DELAYED = "delayed"
    """And delivered later."""
    SUPPRESSED_GLOBALLY = "suppressed-globally"
    SUPPRESSED_AS_BOUNCED = "suppressed-as-bounced"
    SUPPRESSED_AS_COMPLAINED = "suppressed-as-complained"
    REJECTED = "rejected"
    """By SES's virus scan: the whole message."""

    @property
    def reaches_the_inbox(self) -> bool:
        """Whether the recipient has the message in the end."""
        return self in (Outcome.DELIVERED, Outcome.COMPLAINED, Outcome.DELAYED)


_OF_SIMULATOR = {
    "success": Outcome.DELIVERED,
    "ooto": Outcome.DELIVERED,
    "bounce": Outcome.BOUNCED,
    "complaint": Outcome.COMPLAINED,
    "suppressionlist": Outcome.SUPPRESSED_GLOBALLY,
}
_OF_REASON = {
    "BOUNCE": Outcome.SUPPRESSED_AS_BOUNCED,
    "COMPLAINT": Outcome.SUPPRESSED_AS_COMPLAINED,
}
"""Which event a suppressed address gets for which reason is not documented [? ses-suppressed]."""
REASON_OF = {Outcome.BOUNCED: "BOUNCE", Outcome.COMPLAINED: "COMPLAINT"}
"""For which reason an outcome puts the address on the account's suppression list."""


def outcome_of(
    address: str, *, suppressed: Mapping[str, str], chosen: Mapping[str, Outcome]
) -> Outcome:
    """`suppressed` is the account's list, reasons by address in lower case; `chosen` a test's."""
    if reason := suppressed.get(address.lower()):
        return _OF_REASON[reason]
    if is_simulator(address):
        name = address.partition("@")[0].partition("+")[0].lower()
        return _OF_SIMULATOR.get(name, Outcome.DELIVERED)
    return chosen.get(address, Outcome.DELIVERED)
