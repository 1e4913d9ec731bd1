"""Expand: the recipients of a burst become exports that wait, or are refused, each by its line.

Order of writes: one transaction accepts a slice of the recipients, keeps the refusals, and moves
the burst's offset and counts on, how many records were read among them, conditional on the offset
it began at. So a function that dies
leaves whole slices, the next one goes on where it stopped, and of two at once one stops. The first
exports are admitted while the rest is still read. Before its time is up the function hands the rest
on by a message; where that is lost, the reconciler finds a burst that does not move.

How many recipients a query found for a schedule is noted before the end of the expansion is: dying
between the two notes it again.
"""

from __future__ import annotations

from dataclasses import replace

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import Burst, BurstStatus, Work
from snapshot_export.domain.export import ErrorInfo
from snapshot_export.errors import ConditionFailedError, ManifestError
from snapshot_export.flows.burst.recipients import Slice, refusal_of_taken_id, slices
from snapshot_export.flows.burst_queue import ask_for_close
from snapshot_export.flows.export.admit import try_admit
from snapshot_export.flows.forecast.record import record_forecast
from snapshot_export.metric import Metric

ADMIT_EVERY_SECONDS = 10.0

logger = Logger(child=True)


def expand(services: Services, burst_id: str, *, stop_at: float) -> None:
    """Read recipients until all are accepted or refused, or until `stop_at` (epoch seconds)."""
    burst = services.bursts.find(burst_id)
    if burst is None or burst.status is not BurstStatus.EXPANDING:
        return
    services = services.for_target(burst.target)
    template = services.bursts.template(burst_id)
    admitted_at = 0.0
    error = None
    try:
        for part in slices(services, burst, template):
            burst = _accept(services, burst, part)
            now = services.now()
            if now - admitted_at >= ADMIT_EVERY_SECONDS:
                try_admit(services)
                admitted_at = now
            if now >= stop_at:
                services.burst_work.send(burst_id, Work.EXPAND)
                logger.info("handed on", reason="time", burst_id=burst_id, line=burst.line)
                return
    except ManifestError as problem:
        error = ErrorInfo(problem.code, problem.message)
    except ConditionFailedError:
        logger.info("expansion stopped", reason="went on elsewhere", burst_id=burst_id)
        return
    _end(services, burst, error)


def _accept(services: Services, burst: Burst, part: Slice) -> Burst:
    """Accept a slice; ids that are taken make refusals. Raises ConditionFailedError, see above."""
    exports, refusals = list(part.exports), list(part.refusals)
    while True:
        now = services.now()
        after = replace(
            burst,
            offset=part.offset,
            line=part.line,
            read=burst.read + part.read,
            accepted=burst.accepted + len(exports),
            refused=burst.refused + len(refusals),
            finish_tag=max(burst.finish_tag, part.finish_tag),
            touched_at=now,
            warnings=tuple(dict.fromkeys((*burst.warnings, *part.warnings))),
        )
        expires_at = services.settings.expires_at(now, burst_since=burst.accepted_at)
        try:
            services.bursts.accept_recipients(burst, after, exports, refusals, expires_at)
            services.measure(Metric.EXPORTS_ACCEPTED, len(exports))
            if refusals:
                services.measure(Metric.RECIPIENTS_REFUSED, len(refusals))
            return after
        except ConditionFailedError as error:
            taken = {(position - 1) // 2 for position in error.failed}
            if 0 in error.failed or not taken:
                raise
            refusals += [refusal_of_taken_id(exports[at].export_id) for at in taken]
            exports = [export for at, export in enumerate(exports) if at not in taken]


def _end(services: Services, burst: Burst, error: ErrorInfo | None) -> None:
    if error is None and burst.schedule and burst.found is not None:
        occurred_at = burst.occurred_at or burst.accepted_at
        services.recipient_counts.note(burst.schedule, burst.found, occurred_at)
    try:
        services.bursts.end_expansion(burst, services.now(), error)
    except ConditionFailedError:
        logger.info("expansion stopped", reason="ended elsewhere", burst_id=burst.burst_id)
        return
    logger.info(
        "expanded",
        reason=error.code if error else "read to its end",
        burst_id=burst.burst_id,
        accepted=burst.accepted,
        refused=burst.refused,
    )
    try_admit(services)
    ask_for_close(services, burst.burst_id)
    record_forecast(services, burst.burst_id)
