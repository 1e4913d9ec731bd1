"""Find missed: occurrences of schedules whose message did not come in.

The intake function notes each occurrence that comes in, whatever it then does with the message:
refused and undeliverable ones have alarms of their own. What is expected after the newest one
noted, or after the schedule was last changed, and is OVERDUE late, was missed. It is reported once.
A schedule is watched from the first pass that meets it. An occurrence that comes in after it was
reported runs all the same: the Scheduler tries for a day.
Order of writes: the log line and the metric, then the note, which accounts for the occurrence: a
function that dies between the two reports it again. A schedule that cannot be judged now holds up
no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.expected_occurrence import expected_after
from snapshot_export.domain.schedule import Schedule
from snapshot_export.errors import SnapshotExportError
from snapshot_export.metric import Metric

OVERDUE = timedelta(minutes=15)
"""The Scheduler is precise to the minute, and a start with ReadyBy is made up for within ten."""

logger = Logger(child=True)


def find_missed(services: Services, schedules: Sequence[Schedule]) -> int:
    """How many of these enabled schedules missed an occurrence that was not reported before."""
    return sum(_has_missed(services, schedule) for schedule in schedules)


def _has_missed(services: Services, schedule: Schedule) -> bool:
    now = services.utc_now()
    try:
        noted = services.occurrences.newest(schedule.name)
        if noted is None:
            services.occurrences.note(schedule.name, now.timestamp())
            return False
        seen = datetime.fromtimestamp(noted, UTC)
        late = timedelta(minutes=schedule.window_minutes) + OVERDUE
        due = expected_after(schedule, max(seen, schedule.changed_at or seen), now - late)
        if due is None:
            return False
        services.measure(Metric.OCCURRENCES_MISSED, 1)
        logger.error(
            "occurrence missed",
            reason="no message of the Scheduler's came in",
            schedule=schedule.name,
            due=due.isoformat(),
        )
        services.occurrences.note(schedule.name, due.timestamp())
    except SnapshotExportError as error:
        logger.warning("not watched", reason=str(error), schedule=schedule.name)
        return False
    return True
