"""Sweep: mails that something is still to be done for, though their time has come.

What was asked for long ago is asked for again, as its message may be lost. What was SENDING for
longer than any call takes is in doubt. What stays in doubt is sent again or held, as the deployment
says, and reported either way. What was settled and not announced is announced.
Order of writes: each record is moved on by one transaction with its entry, conditional on what was
read, so two sweeps do each thing once; the message that asks comes after it. Dying between the two
leaves the mail to the sweep after its next time. Of one that is sent again the event In Doubt goes
out before: dying after it announces it again.
"""

from __future__ import annotations

from dataclasses import replace

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.outbox import OpenEntry
from snapshot_export.domain.delivery import (
    ASK_AFTER_SECONDS,
    Delivery,
    DeliveryStatus,
    Step,
    in_doubt,
    next_step,
)
from snapshot_export.domain.export import ErrorInfo
from snapshot_export.errors import (
    ConditionFailedError,
    NewerRecordError,
    UnreadableRecordError,
)
from snapshot_export.flows.delivery.report import report
from snapshot_export.metric import Metric

MAX_SWEPT = 300

logger = Logger(child=True)


def sweep(services: Services, stop_at: float) -> int:
    """One pass over a target's open mails, until `stop_at` (epoch seconds); how many moved on."""
    if services.settings.mail is None:
        return 0
    moved, asked = 0, list[str]()
    for entry in services.outbox.due(services.now(), MAX_SWEPT):
        if services.now() >= stop_at:
            break
        try:
            moved += _look_at(services, entry, asked)
        except ConditionFailedError:
            logger.info("not swept", reason="went on elsewhere", delivery_id=entry.delivery_id)
        except (NewerRecordError, UnreadableRecordError) as error:
            logger.error("not swept", reason=str(error), delivery_id=entry.delivery_id)
    if asked:
        services.delivery_work.send(asked, services.settings.target)
    return moved


def _look_at(services: Services, entry: OpenEntry, asked: list[str]) -> bool:
    delivery = services.outbox.find(entry.delivery_id)
    if delivery is None or delivery.entry_key != entry.key[1]:
        services.outbox.drop(entry)
        return False
    own, now = services.mail.settings, services.now()
    doubt_seconds = 60 * own.in_doubt_minutes
    step = next_step(delivery, now, doubt_seconds=doubt_seconds, sends_again=own.sends_again)
    match step:
        case Step.WAIT:
            return False
        case Step.ASK:
            services.outbox.postpone(delivery, delivery, now + ASK_AFTER_SECONDS)
            asked.append(delivery.delivery_id)
        case Step.DOUBT:
            doubted = in_doubt(delivery, now)
            due_at = max(now, (delivery.sending_at or now) + doubt_seconds)
            services.outbox.postpone(delivery, doubted, due_at)
            logger.warning("in doubt", reason="no answer", delivery_id=delivery.delivery_id)
        case Step.SEND_AGAIN:
            _announce_doubt(services, delivery, "SENT_AGAIN")
            again = replace(delivery, status=DeliveryStatus.PENDING, changed_at=now)
            services.outbox.postpone(delivery, again, now + ASK_AFTER_SECONDS)
            asked.append(delivery.delivery_id)
        case Step.HOLD:
            _announce_doubt(services, delivery, "HELD")
            text = "SES may or may not have sent it: nothing says so"
            held = replace(
                delivery,
                status=DeliveryStatus.HELD,
                changed_at=now,
                error=ErrorInfo("IN_DOUBT", text),
            )
            services.outbox.change(delivery, held)
            services.outbox.close(held)
        case Step.REPORT:
            report(services, delivery)
    return True


def _announce_doubt(services: Services, delivery: Delivery, outcome: str) -> None:
    services.events.announce_doubt(delivery, services.settings.target, outcome)
    services.measure(Metric.MAILS_IN_DOUBT, 1)
    logger.error("stayed in doubt", reason=outcome, delivery_id=delivery.delivery_id)
