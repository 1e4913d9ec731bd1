"""Every metric that the functions write. docs/metrics.md is made from this (`make docs`).

CloudWatch bills each metric that had data in an hour, so a metric is here only if the dashboard
or an alarm shows it; what goes by dashboard, burst or error code is asked of the logs instead.
"""

from __future__ import annotations

from enum import Enum

_EACH_PASS = "in each pass of the reconciler"
_WHERE_FOUND = "when a pass of the reconciler found some"
_WITH_DEADLINES = "in each minute in which something has a deadline"
_WITH_WAITING = "in each pass of the reconciler while exports wait"
_AS_IT_HAPPENS = "as it happens"


class Metric(Enum):
    """A metric: its name, what a number of it says, when it is written, and its unit.

    One that `is_of_target` is written for each QuickSight target, with the dimension Target.
    """

    SLOTS_IN_USE = ("SlotsInUse", "slots held by leases", _EACH_PASS, "Count", True)
    SLOTS_ALLOWED = (
        "SlotsAllowed",
        "slots that may be used now: fewer than the limit while others use them, 0 while paused",
        _EACH_PASS,
        "Count",
        True,
    )
    SLOT_LIMIT = ("SlotLimit", "the limit of slots", _EACH_PASS, "Count", True)
    EXPORTS_WAITING = (
        "ExportsWaiting",
        "accepted exports without a slot, retries included; counted up to 10,000",
        _EACH_PASS,
        "Count",
        True,
    )
    HEAD_WAIT_SECONDS = (
        "HeadWaitSeconds",
        "how long ago the next export to be admitted was accepted",
        _WITH_WAITING,
        "Seconds",
        True,
    )
    DEADLINE_MARGIN_SECONDS = (
        "DeadlineMarginSeconds",
        "from the forecast's P95 to the deadline, of the one that is nearest to being missed",
        _WITH_DEADLINES,
        "Seconds",
        True,
    )
    DEADLINES_AT_RISK = (
        "DeadlinesAtRisk",
        "bursts and single exports whose deadline is met with a chance under 50 %",
        _WITH_DEADLINES,
        "Count",
        True,
    )

    EXPORTS_ACCEPTED = ("ExportsAccepted", "exports that came in, once each")
    EXPORTS_ADMITTED = ("ExportsAdmitted", "exports that got a slot")
    EXPORTS_COMPLETED = ("ExportsCompleted", "exports whose files are all there")
    EXPORTS_FAILED = ("ExportsFailed", "exports that failed for good")
    EXPORTS_CANCELLED = ("ExportsCancelled", "exports that were cancelled")
    DEADLINES_MISSED = ("DeadlinesMissed", "exports that were completed after their deadline")
    JOBS_FAILED = ("JobsFailed", "snapshot jobs that failed, tried again or not")
    JOB_SECONDS = ("JobSeconds", "what QuickSight took for the job", _AS_IT_HAPPENS, "Seconds")
    HAND_OFF_SECONDS = (
        "HandOffSeconds",
        "how long the slot was held without a job: before its start and after its end",
        _AS_IT_HAPPENS,
        "Seconds",
    )
    POLL_DELAY_SECONDS = (
        "PollDelaySeconds",
        "from the job's end until it was seen",
        _AS_IT_HAPPENS,
        "Seconds",
    )
    HINTS_HEARD = (
        "HintsHeard",
        "1 for a job of which S3's notification came before its end was seen, 0 for one without: "
        "after three without, polls are close until the next comes",
    )
    STARTS_NOT_MOVED = (
        "StartsNotMoved",
        "schedules with ReadyBy whose start could not be looked at or moved, in a pass; 1 if the "
        "schedules could not be read",
    )
    OCCURRENCES_MISSED = (
        "OccurrencesMissed",
        "occurrences of schedules that did not come in, once each",
    )
    MESSAGES_REJECTED = (
        "MessagesRejected",
        "messages that can never work, kept in the rejected queue",
    )
    RECIPIENTS_REFUSED = (
        "RecipientsRefused",
        "lines of manifests that can never work, reported in the burst",
    )
    MESSAGES_NOT_TAKEN = (
        "MessagesNotTaken",
        "messages that could not be handled now, and are delivered again",
    )
    REQUESTS_HELD = (
        "RequestsHeld",
        "exports and bursts that began to wait for somebody to release them",
    )
    QUERIES_FAILED = (
        "QueriesFailed",
        "bursts that failed since their query failed, found nobody, or was held for too long",
    )
    SECURITY_REFUSALS = (
        "RowLevelSecurityRefusals",
        "requests, recipients and starts whose row-level-security tags break a rule of a data set",
    )
    SECURITY_UNREADABLE = (
        "RowLevelSecurityUnreadable",
        "times that a dashboard's row-level security could not be read",
    )
    QUICKSIGHT_THROTTLED = (
        "QuickSightThrottled",
        "calls that QuickSight throttled: over 10 a second in the account",
    )
    CALLS_PER_SECOND = (
        "CallsPerSecond",
        "the pace that calls to QuickSight are lowered to, as others call it too; it rises again "
        "by 0.1 a second in each second",
        _AS_IT_HAPPENS,
        "Count/Second",
    )
    QUICKSIGHT_LIMIT_EXCEEDED = (
        "QuickSightLimitExceeded",
        "starts that QuickSight refused for its limit: others use slots, or ours is above it",
    )

    MAILS_SENT = ("MailsSent", "mails that SES took")
    MAILS_FAILED = (
        "MailsFailed",
        "mails that were not sent, bounced, were complained of, or are held",
    )
    MAILS_IN_DOUBT = (
        "MailsInDoubt",
        "mails of which it stayed unknown whether SES took them: sent again, or held",
    )
    MAILS_SENT_AGAIN = (
        "MailsSentAgain",
        "mails in doubt that were sent again, though SES had taken them",
    )

    MENDED_EXECUTIONS_RESTARTED = (
        "MendedExecutionsRestarted",
        "attempts whose execution was gone and got another",
        _WHERE_FOUND,
    )
    MENDED_COUNTER_CORRECTED = (
        "MendedCounterCorrected",
        "counters that were set to the leases",
        _WHERE_FOUND,
    )
    MENDED_LEASES_RELEASED = (
        "MendedLeasesReleased",
        "overdue leases that ended when QuickSight was asked",
        _WHERE_FOUND,
    )
    MENDED_BURSTS_RESUMED = (
        "MendedBurstsResumed",
        "bursts that stood still and were asked on",
        _WHERE_FOUND,
    )
    MENDED_ADMITTED = ("MendedAdmitted", "exports that the pass admitted", _WHERE_FOUND)
    GATE_DRIFT = ("GateDrift", "slots by which the counter differed from the leases", _WHERE_FOUND)
    BACKLOG_STALLED = ("BacklogStalled", "exports that wait, due, while slots are free", _EACH_PASS)
    LEASE_OVERDUE = (
        "LeaseOverdue",
        "slots held for much longer than their job should take",
        _WHERE_FOUND,
    )
    RECORDS_UNREADABLE = (
        "RecordsUnreadable",
        "records of gates and leases that could not be read, and backlog entries set aside",
        _WHERE_FOUND,
    )

    def __init__(
        self,
        label: str,
        meaning: str,
        written: str = _AS_IT_HAPPENS,
        unit: str = "Count",
        is_of_target: bool = False,
    ) -> None:
        self.label = label
        self.unit = unit
        self.written = written
        self.meaning = meaning
        self.is_of_target = is_of_target

    @property
    def is_written_when_idle(self) -> bool:
        """Whether a stack that does nothing writes it, and pays for it."""
        return self.written == _EACH_PASS
