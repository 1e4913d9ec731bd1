"""Resend: somebody says go for mails that failed, bounced or are held.

Order of writes: links of a mail whose links were revoked are allowed again; then each record
becomes PENDING, conditional on what was read, with its entry, in one transaction; then its message
is sent. Dying between the two leaves it to the sweep. A second call
finds it PENDING, and changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.delivery import (
    ASK_AFTER_SECONDS,
    MAY_BE_SENT_AGAIN,
    OPEN,
    Delivery,
    DeliveryStatus,
)
from snapshot_export.errors import (
    ConditionFailedError,
    NotResendableError,
    TransientError,
    UnknownIdError,
)

logger = Logger(child=True)


def resend(services: Services, export_id: str) -> list[Delivery]:
    """The export's mails, after those that failed, bounced or are held were asked for again.

    Raises UnknownIdError, NotResendableError where there are none and none is under way,
    TransientError.
    """
    export = services.store.export(export_id)
    if export is None:
        raise UnknownIdError("export")
    services = services.for_target(export.target)
    own = [d for d in services.outbox.of_export(export_id) if d.revision == export.revision]
    chosen = [each for each in own if each.status in MAY_BE_SENT_AGAIN]
    if not chosen and not any(each.status in OPEN for each in own):
        raise NotResendableError
    now, asked = services.now(), []
    for seen in chosen:
        again = replace(seen, status=DeliveryStatus.PENDING, changed_at=now, error=None)
        try:
            if seen.links_revoked_at is not None:
                services.outbox.allow_links(seen.delivery_id)
            services.outbox.postpone(seen, again, now + ASK_AFTER_SECONDS)
        except ConditionFailedError:
            logger.info("not resent", reason="went on elsewhere", delivery_id=seen.delivery_id)
            continue
        asked.append(seen.delivery_id)
    if asked:
        try:
            services.delivery_work.send(asked, export.target)
        except TransientError as error:
            logger.warning("not asked", reason=str(error), export_id=export_id)
    logger.info("resent", reason="asked", export_id=export_id, mails=len(asked))
    return services.outbox.of_export(export_id)
