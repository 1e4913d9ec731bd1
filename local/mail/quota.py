"""SES's two quotas of sending, which count recipients.

Sources: SES Developer Guide, "Managing your sending quotas" (a rolling window of 24 hours); AWS
Messaging Blog, "How to handle a Throttling - Maximum sending rate exceeded error": a call that
finds any room goes through with all its recipients, and the next ones are refused until the room
is made up for.
"""

from collections import deque

from local.mail.errors import MailError
from local.mail.settings import MailSettings

_DAY = 24 * 3600


class Quota:
    """What has been sent, and whether more may be."""

    def __init__(self) -> None:
        self._sent: deque[tuple[float, int]] = deque()
        self._in_window = 0
        self._room: float | None = None
        self._refilled_at = 0.0

    def sent_last_24_hours(self, now: float) -> int:
        """Recipients of the last 24 hours."""
        while self._sent and self._sent[0][0] <= now - _DAY:
            self._in_window -= self._sent.popleft()[1]
        return self._in_window

    def take(self, settings: MailSettings, now: float, *, recipients: int, counted: int) -> None:
        """Count a message, or refuse it; `counted` are its recipients outside the simulator."""
        daily, rate = settings.max_24_hour_send, settings.max_send_rate
        if daily >= 0 and counted and self.sent_last_24_hours(now) >= daily:
            # [? ses-daily-quota]
            raise MailError("LimitExceededException", "Daily message quota exceeded.")
        room = rate if self._room is None else self._room + (now - self._refilled_at) * rate
        self._refilled_at = now
        self._room = min(room, max(rate, 1.0))
        if self._room < min(1.0, rate):
            raise MailError("TooManyRequestsException", "Maximum sending rate exceeded.")
        self._room -= recipients
        self._sent.append((now, counted))
        self._in_window += counted
