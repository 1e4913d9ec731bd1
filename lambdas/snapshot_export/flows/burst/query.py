"""Query: the recipients of a burst are the rows of an Athena query, frozen before they are read.

Order of writes: the query is started under a token made from the burst, then its id is noted. Dying
between the two starts it again under the same token, which Athena answers with the same query. Its
result is copied to the burst's own place by a write that does nothing where an object lies: whoever
repeats the copying leaves the first. Then one write, conditional on the burst still querying, moves
it on: to the expansion, or to a hold. So each step after that reads the same recipients, however
often it is repeated and whatever becomes of the query's result.

No invocation waits for Athena. Each looks once and sends a message to the burst's queue that is
delivered later; where that is lost, the reconciler finds a burst that does not move.

A hold is written first and announced after it, then noted as announced: dying between the two
announces it again, under the same EventId. One whose time is up ends by the hold's reason.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import Burst, BurstStatus, Work
from snapshot_export.domain.export import ErrorInfo
from snapshot_export.domain.recipient_query import (
    MAX_QUERY_SECONDS,
    hold_for_count,
    request_token,
    seconds_to_next_poll,
)
from snapshot_export.errors import ConditionFailedError, ManifestError, TransientError
from snapshot_export.flows.burst.recipients import count_recipients
from snapshot_export.flows.burst_queue import ask_for, ask_for_close
from snapshot_export.metric import Metric

EMPTY = "The query found no recipients: look at what it reads, and at whether its data is there."
_TOO_LONG = (
    "The query {} did not end within {:.0f} minutes after the burst could ask: it was stopped."
)

MAX_IN_MEMORY = 8 * 1024 * 1024

logger = Logger(child=True)


def query(services: Services, burst_id: str) -> None:
    """Take a burst one step nearer to its recipients, or look after its hold.

    Raises TransientError.
    """
    burst = services.bursts.find(burst_id)
    if burst is None or burst.status.is_end:
        return
    services = services.for_target(burst.target)
    try:
        if burst.status is BurstStatus.HELD:
            _look_after_hold(services, burst)
        elif burst.status is BurstStatus.QUERYING:
            _query(services, burst)
        elif burst.draining_at is not None and burst.query_id and not burst.manifest_uri:
            services.queries.stop(burst.query_id)
    except ManifestError as error:
        _fail(services, burst, ErrorInfo(error.code, error.message))
    except ConditionFailedError:
        logger.info("query stopped", reason="went on elsewhere", burst_id=burst_id)


def _query(services: Services, burst: Burst) -> None:
    now = services.now()
    try:
        if now - _queries_since(burst) > MAX_QUERY_SECONDS:
            _stop(services, burst)
            text = _TOO_LONG.format(burst.query_id or "(never started)", MAX_QUERY_SECONDS / 60)
            raise ManifestError("MANIFEST_QUERY_TIMEOUT", text)
        burst = _started(services, burst)
        state = services.queries.look(burst.query_id or "")
        if state.reason is not None:
            raise state.reason
        if not state.is_running:
            _freeze(services, burst, state.result_uri or "")
            return
    except TransientError as error:
        logger.warning("query not seen", reason=str(error), burst_id=burst.burst_id)
    services.bursts.touch(burst.burst_id, now)
    delay = seconds_to_next_poll(now - (burst.queried_at or now))
    services.burst_work.send(burst.burst_id, Work.QUERY, delay_seconds=delay)


def _queries_since(burst: Burst) -> float:
    """When it could ask: at its acceptance, or once its wait for data or its hold was over."""
    decided_at = burst.data.decided_at if burst.data else 0.0
    return max(burst.accepted_at, decided_at, burst.released_at or 0.0)


def _started(services: Services, burst: Burst) -> Burst:
    if burst.query_id is not None:
        return burst
    call = services.queries.call_of(services.bursts.query(burst.burst_id))
    query_id = services.queries.start(call, request_token(burst.burst_id, burst.nonce, call))
    burst = replace(burst, query_id=query_id, queried_at=services.now())
    services.bursts.begin_query(burst)
    logger.info("query started", reason="recipients", burst_id=burst.burst_id, query_id=query_id)
    return burst


def _stop(services: Services, burst: Burst) -> None:
    if burst.query_id is not None:
        try:
            services.queries.stop(burst.query_id)
        except (ManifestError, TransientError) as error:
            logger.warning("query not stopped", reason=str(error), burst_id=burst.burst_id)


def _freeze(services: Services, burst: Burst, result_uri: str) -> None:
    with tempfile.SpooledTemporaryFile(MAX_IN_MEMORY) as file:
        services.queries.read_result(result_uri, file)
        uri = services.manifests.freeze(burst.burst_id, burst.nonce, file)
    found = services.manifests.find(uri)
    burst = replace(burst, manifest_uri=uri, manifest_etag=found.etag, manifest_size=found.size)
    count = count_recipients(services, burst)
    if count == 0:
        raise ManifestError("MANIFEST_QUERY_EMPTY", EMPTY)
    now = services.now()
    expected = burst.expected
    if expected is None and burst.schedule is not None:
        expected = services.recipient_counts.newest(burst.schedule)
    hold = hold_for_count(count, expected, burst.max_change_share, now)
    burst = replace(
        burst,
        status=BurstStatus.HELD if hold else BurstStatus.EXPANDING,
        found=count,
        expected=expected,
        hold=hold,
        touched_at=now,
    )
    services.bursts.end_query(burst)
    logger.info(
        "recipients frozen",
        reason=hold.code if hold else "as many as expected" if expected else "none expected",
        burst_id=burst.burst_id,
        found=count,
        expected=expected,
    )
    if hold:
        _look_after_hold(services, burst)
    else:
        ask_for(services, burst.burst_id, Work.EXPAND)


def _look_after_hold(services: Services, burst: Burst) -> None:
    hold = burst.hold
    if hold is None:
        return
    if burst.hold_is_over(services.now()):
        text = f"Nobody released the burst in time. {hold.message}"
        _fail(services, burst, ErrorInfo("MANIFEST_HOLD_EXPIRED", text))
    elif not hold.announced:
        services.events.announce_hold(burst, hold)
        services.bursts.note_hold_announced(burst.burst_id)
        services.measure(Metric.REQUESTS_HELD, 1)


def _fail(services: Services, burst: Burst, error: ErrorInfo) -> None:
    try:
        services.bursts.fail_before_recipients(burst, services.now(), error)
    except ConditionFailedError:
        logger.info("query stopped", reason="went on elsewhere", burst_id=burst.burst_id)
        return
    services.measure(Metric.QUERIES_FAILED, 1)
    logger.warning("no recipients", reason=error.code, burst_id=burst.burst_id)
    ask_for_close(services, burst.burst_id)
