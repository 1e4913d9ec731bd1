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
    """A metric: its name, its unit, when it is written, and what a number of it says.

    One that `is_of_target` is written for each QuickSight target, with the dimension Target.
    """

    SLOTS_IN_USE = ("SlotsInUse", "Count", _EACH_PASS, "slots held by leases", True)
    SLOTS_ALLOWED = (
        "SlotsAllowed",
        "Count",
        _EACH_PASS,
        "slots that may be used now: fewer than the limit while others use them, 0 while paused",
        True,
    )
    SLOT_LIMIT = ("SlotLimit", "Count", _EACH_PASS, "the limit of slots", True)
    EXPORTS_WAITING = (
        "ExportsWaiting",
        "Count",
        _EACH_PASS,
        "accepted exports without a slot, retries included; counted up to 10,000",
        True,
    )
    HEAD_WAIT_SECONDS = (
        "HeadWaitSeconds",
        "Seconds",
        _WITH_WAITING,
        "how long ago the next export to be admitted was accepted",
        True,
    )
    DEADLINE_MARGIN_SECONDS = (
        "DeadlineMarginSeconds",
        "Seconds",
        _WITH_DEADLINES,
        "from the forecast's P95 to the deadline, of the one that is nearest to being missed",
        True,
    )
    DEADLINES_AT_RISK = (
        "DeadlinesAtRisk",
        "Count",
        _WITH_DEADLINES,
        "bursts and single exports whose deadline is met with a chance under 50 %",
        True,
    )

    EXPORTS_ACCEPTED = (
        "ExportsAccepted",
        "Count",
        _AS_IT_HAPPENS,
        "exports that came in, once each",
    )
    EXPORTS_ADMITTED = ("ExportsAdmitted", "Count", _AS_IT_HAPPENS, "exports that got a slot")
    EXPORTS_COMPLETED = (
        "ExportsCompleted",
        "Count",
        _AS_IT_HAPPENS,
        "exports whose files are all there",
    )
    EXPORTS_FAILED = ("ExportsFailed", "Count", _AS_IT_HAPPENS, "exports that failed for good")
    EXPORTS_CANCELLED = ("ExportsCancelled", "Count", _AS_IT_HAPPENS, "exports that were cancelled")
    DEADLINES_MISSED = (
        "DeadlinesMissed",
        "Count",
        _AS_IT_HAPPENS,
        "exports that were completed after their deadline",
    )
    JOBS_FAILED = (
        "JobsFailed",
        "Count",
        _AS_IT_HAPPENS,
        "snapshot jobs that failed, tried again or not",
    )
    JOB_SECONDS = (
        "JobSeconds",
        "Seconds",
        _AS_IT_HAPPENS,
        "what QuickSight took for the job",
    )
    HAND_OFF_SECONDS = (
        "HandOffSeconds",
        "Seconds",
        _AS_IT_HAPPENS,
        "how long the slot was held without a job: before its start and after its end",
    )
    POLL_DELAY_SECONDS = (
        "PollDelaySeconds",
        "Seconds",
        _AS_IT_HAPPENS,
        "from the job's end until it was seen",
    )
    HINTS_HEARD = (
        "HintsHeard",
        "Count",
        _AS_IT_HAPPENS,
        "1 for a job of which S3's notification came before its end was seen, 0 for one without: "
        "after three without, polls are close until the next comes",
    )
    STARTS_NOT_MOVED = (
        "StartsNotMoved",
        "Count",
        _AS_IT_HAPPENS,
        "schedules with ReadyBy whose start could not be looked at or moved, in a pass; "
        "1 if the schedules could not be read",
    )
    OCCURRENCES_MISSED = (
        "OccurrencesMissed",
        "Count",
        _AS_IT_HAPPENS,
        "occurrences of schedules that did not come in, once each",
    )
    MESSAGES_REJECTED = (
        "MessagesRejected",
        "Count",
        _AS_IT_HAPPENS,
        "messages that can never work, kept in the rejected queue",
    )
    RECIPIENTS_REFUSED = (
        "RecipientsRefused",
        "Count",
        _AS_IT_HAPPENS,
        "lines of manifests that can never work, reported in the burst",
    )
    MESSAGES_NOT_TAKEN = (
        "MessagesNotTaken",
        "Count",
        _AS_IT_HAPPENS,
        "messages that could not be handled now, and are delivered again",
    )
    REQUESTS_HELD = (
        "RequestsHeld",
        "Count",
        _AS_IT_HAPPENS,
        "exports and bursts that began to wait for somebody to release them",
    )
    QUERIES_FAILED = (
        "QueriesFailed",
        "Count",
        _AS_IT_HAPPENS,
        "bursts that failed since their query failed, found nobody, or was held for too long",
    )
    SECURITY_REFUSALS = (
        "RowLevelSecurityRefusals",
        "Count",
        _AS_IT_HAPPENS,
        "requests, recipients and starts whose row-level-security tags break a rule of a data set",
    )
    SECURITY_UNREADABLE = (
        "RowLevelSecurityUnreadable",
        "Count",
        _AS_IT_HAPPENS,
        "times that a dashboard's row-level security could not be read",
    )
    QUICKSIGHT_THROTTLED = (
        "QuickSightThrottled",
        "Count",
        _AS_IT_HAPPENS,
        "calls that QuickSight throttled: over 10 a second in the account",
    )
    CALLS_PER_SECOND = (
        "CallsPerSecond",
        "Count/Second",
        _AS_IT_HAPPENS,
        "the pace that calls to QuickSight are lowered to, as others call it too; it rises again "
        "by 0.1 a second in each second",
    )
    QUICKSIGHT_LIMIT_EXCEEDED = (
        "QuickSightLimitExceeded",
        "Count",
        _AS_IT_HAPPENS,
        "starts that QuickSight refused for its limit: others use slots, or ours is above it",
    )

    MAILS_SENT = ("MailsSent", "Count", _AS_IT_HAPPENS, "mails that SES took")
    MAILS_FAILED = (
        "MailsFailed",
        "Count",
        _AS_IT_HAPPENS,
        "mails that were not sent, bounced, were complained of, or are held",
    )
    MAILS_IN_DOUBT = (
        "MailsInDoubt",
        "Count",
        _AS_IT_HAPPENS,
        "mails of which it stayed unknown whether SES took them: sent again, or held",
    )
    MAILS_SENT_AGAIN = (
        "MailsSentAgain",
        "Count",
        _AS_IT_HAPPENS,
        "mails in doubt that were sent again, though SES had taken them",
    )

    MENDED_EXECUTIONS_RESTARTED = (
        "MendedExecutionsRestarted",
        "Count",
        _WHERE_FOUND,
        "attempts whose execution was gone and got another",
    )
    MENDED_COUNTER_CORRECTED = (
        "MendedCounterCorrected",
        "Count",
        _WHERE_FOUND,
        "counters that were set to the leases",
    )
    MENDED_LEASES_RELEASED = (
        "MendedLeasesReleased",
        "Count",
        _WHERE_FOUND,
        "overdue leases that ended when QuickSight was asked",
    )
    MENDED_BURSTS_RESUMED = (
        "MendedBurstsResumed",
        "Count",
        _WHERE_FOUND,
        "bursts that stood still and were asked on",
    )
    MENDED_ADMITTED = ("MendedAdmitted", "Count", _WHERE_FOUND, "exports that the pass admitted")
    GATE_DRIFT = (
        "GateDrift",
        "Count",
        _WHERE_FOUND,
        "slots by which the counter differed from the leases",
    )
    BACKLOG_STALLED = (
        "BacklogStalled",
        "Count",
        _EACH_PASS,
        "exports that wait, due, while slots are free",
    )
    LEASE_OVERDUE = (
        "LeaseOverdue",
        "Count",
        _WHERE_FOUND,
        "slots held for much longer than their job should take",
    )
    RECORDS_UNREADABLE = (
        "RecordsUnreadable",
        "Count",
        _WHERE_FOUND,
        "records of gates and leases that could not be read, and backlog entries set aside",
    )

    def __init__(
        self, label: str, unit: str, written: str, meaning: str, is_of_target: bool = False
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
