"""Retry: exports of a burst that ended run again, under the same ids, places and names.

Order of writes: one transaction opens the burst again, as its next revision, with its marker and
with which exports are meant; it is conditional on the end that was read, so of two calls one opens
it, and a call that is repeated finds its own revision. Then the work is asked for. The work goes
through the burst's lines in slices: one transaction takes each export from its end to the backlog,
its end off the burst's counts, and the burst's place on, conditional on the place it began at. So a
function that dies leaves whole slices, of two at once one stops, and at each moment the counts are
those of the exports. The burst is not over before its place is behind its last line
(Burst.is_over), so it is not closed while exports still lie where they ended; where a message is
lost, the reconciler finds a burst that does not move. A cancellation stops the work by the same
condition: what did not run again stays as it had ended.

An export that runs again keeps its nonce: it finds its claims of names, and writes the same
objects. Records that the close needs are renewed before the first slice (keep_records): a retry is
refused shortly before they may expire.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.burst_retries import MAX_REQUEUED
from snapshot_export.domain.burst import (
    RETRIED_VERSION,
    Burst,
    BurstStatus,
    Work,
    export_id_of,
    line_of,
)
from snapshot_export.domain.burst_retry import (
    RetryPlan,
    RetryRequest,
    is_same_retry,
    problems_of_named,
    run_again,
)
from snapshot_export.domain.export import Export, Status
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.errors import ConditionFailedError, RetryRefusedError, UnknownIdError
from snapshot_export.flows.burst.expand import ADMIT_EVERY_SECONDS
from snapshot_export.flows.burst.flow import BurstFlow
from snapshot_export.flows.burst.keep_records import keep_records, lasting_until, must_keep
from snapshot_export.flows.burst_queue import ask_for, ask_for_close
from snapshot_export.flows.export.admit import try_admit
from snapshot_export.flows.forecast.record import record_forecast

MARGIN_SECONDS = 3600.0
"""Left of the records' time for the work that renews them to begin."""

logger = Logger(child=True)


def retry_burst(services: Services, burst_id: str, request: RetryRequest) -> Burst:
    """Open a burst that ended for its exports to run again; answers it as it is then.

    The call that opened it, repeated, changes nothing. Raises UnknownIdError, InvalidRequestError,
    RetryRefusedError, UnknownTargetError, TransientError.
    """
    burst = services.bursts.find(burst_id)
    if burst is None:
        raise UnknownIdError("burst")
    services = services.for_target(burst.target)
    if not is_same_retry(burst, request):
        _refuse(services, burst, request)
        again = _opened(burst, request, services.now())
        plan = _plan(services, burst, request)
        try:
            services.retries.begin(burst, again, plan)
        except ConditionFailedError:
            again = services.bursts.find(burst_id) or burst
            if not is_same_retry(again, request):
                _refuse(services, again, request)
                raise
        burst = again
        logger.info(
            "burst opened again", reason="asked", burst_id=burst_id, revision=burst.revision
        )
    if burst.work_left is Work.RETRY:
        ask_for(services, burst_id, Work.RETRY)
    return burst


def _refuse(services: Services, burst: Burst, request: RetryRequest) -> None:
    now = services.now()
    if request.revision is not None and request.revision != burst.revision + 1:
        raise RetryRefusedError(
            "REVISION_CONFLICT",
            f"The burst is at revision {burst.revision}: a retry makes {burst.revision + 1}.",
        )
    if not burst.status.is_end:
        raise RetryRefusedError(
            "NOT_ENDED",
            f"The burst has not ended: it is {burst.status.value}. Retry it after its end.",
        )
    if request.recipient_ids is None and not burst.failed:
        own = " Recipients that were refused go into a burst of their own." if burst.refused else ""
        raise RetryRefusedError("NOTHING_FAILED", f"No export of the burst failed.{own}")
    if now >= lasting_until(services, burst) - MARGIN_SECONDS:
        kept = datetime.fromtimestamp(lasting_until(services, burst), UTC)
        raise RetryRefusedError(
            "PAST_RETENTION",
            f"The burst's records are kept until {kept:%Y-%m-%dT%H:%MZ}: submit a new burst.",
        )
    if request.deadline is not None and request.deadline <= now:
        raise InvalidRequestError((Problem("Deadline", "must lie in the future"),))


def _opened(burst: Burst, request: RetryRequest, now: float) -> Burst:
    return replace(
        burst,
        status=BurstStatus.RUNNING,
        version=max(RETRIED_VERSION, burst.version),
        revision=burst.revision + 1,
        retry_digest=request.digest,
        retried_at=now,
        retried_to=1,
        touched_at=now,
        was_cancelled=burst.draining_at is not None or burst.was_cancelled,
        draining_at=None,
        drained_to=1,
        finished_at=None,
        reasons=(),
    )


def _plan(services: Services, burst: Burst, request: RetryRequest) -> RetryPlan:
    """Which exports are meant. Raises InvalidRequestError for recipients that cannot be."""
    names = request.recipient_ids
    if names is None:
        return RetryPlan(lines=None, deadline=request.deadline)
    found = services.listing.of_recipients(burst.burst_id, burst.accepted_at, names)
    ends = {name: Status(item["status"]) for name, item in found.items()}
    if problems := problems_of_named(names, ends, include_completed=request.include_completed):
        raise InvalidRequestError(problems)
    lines = frozenset(line_of(item["export_id"]) for item in found.values())
    return RetryPlan(lines=lines, deadline=request.deadline)


def retry(services: Services, burst_id: str, *, stop_at: float) -> None:
    """Put exports back into the backlog until all are that were meant, or until `stop_at` (epoch
    seconds). Raises TransientError.
    """
    burst = services.bursts.find(burst_id)
    if burst is None or burst.work_left is not Work.RETRY:
        return
    services = services.for_target(burst.target)
    if must_keep(burst, services.now()):
        keep_records(services, burst_id)
    plan = services.retries.plan(burst_id)
    place = BurstFlow(services, burst, burst.retried_at)
    admitted_at = 0.0
    try:
        for until, ids in _slices(burst, plan):
            burst = _requeue(services, burst, plan, ids, until, place)
            now = services.now()
            if now - admitted_at >= ADMIT_EVERY_SECONDS:
                try_admit(services)
                admitted_at = now
            if now >= stop_at and burst.is_retrying:
                services.burst_work.send(burst_id, Work.RETRY)
                logger.info("handed on", reason="time", burst_id=burst_id, line=burst.retried_to)
                return
    except ConditionFailedError:
        logger.info("retry stopped", reason="went on elsewhere", burst_id=burst_id)
        return
    logger.info("run again", reason="all lines", burst_id=burst_id, revision=burst.revision)
    try_admit(services)
    ask_for_close(services, burst_id)
    record_forecast(services, burst_id)


def _slices(burst: Burst, plan: RetryPlan) -> Iterator[tuple[int, list[str]]]:
    """Ids of exports that one transaction can take, and the line behind which it leaves off."""
    rest = range(burst.retried_to, burst.line)
    lines = [line for line in rest if plan.lines is None or line in plan.lines]
    for start in range(0, max(1, len(lines)), MAX_REQUEUED):
        part = lines[start : start + MAX_REQUEUED]
        is_last = start + MAX_REQUEUED >= len(lines)
        until = burst.line if is_last else part[-1] + 1
        yield until, [export_id_of(burst.burst_id, line) for line in part]


def _requeue(
    services: Services,
    burst: Burst,
    plan: RetryPlan,
    ids: Sequence[str],
    until: int,
    place: BurstFlow,
) -> Burst:
    """Requeue a slice. Raises ConditionFailedError where the burst went on elsewhere."""
    while True:
        ended = [
            export
            for export in services.bursts.exports(ids)
            if export.burst_id == burst.burst_id and plan.takes(export, line_of(export.export_id))
        ]
        pairs = [(export, _waiting(burst, plan, export, place)) for export in ended]
        after = replace(
            burst, retried_to=until, touched_at=services.now(), finish_tag=place.finish_tag
        )
        try:
            services.retries.requeue(burst, after, pairs)
            return after
        except ConditionFailedError as error:
            if 0 in error.failed:
                raise
            logger.warning("retried anew", reason="an export moved", burst_id=burst.burst_id)


def _waiting(burst: Burst, plan: RetryPlan, export: Export, place: BurstFlow) -> Export:
    """The export as it waits, as work that was asked for now."""
    asked_at = burst.retried_at or 0.0
    is_ahead = export.deadline is not None and export.deadline > asked_at
    deadline = plan.deadline or (export.deadline if is_ahead else None)
    rank = place.next_rank(replace(export, deadline=deadline))
    return run_again(export, burst, deadline=deadline, rank=rank)
