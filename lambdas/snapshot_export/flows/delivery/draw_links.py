"""Draw: the links of one attempt to send a mail. Writes nothing; deliver.py says when that is."""

from __future__ import annotations

from dataclasses import dataclass

from snapshot_export.adapters.services import Services
from snapshot_export.domain.delivery import Delivery
from snapshot_export.domain.export import Export
from snapshot_export.domain.link import DAY_SECONDS, Link, address_of, link_id_of
from snapshot_export.domain.mail_message import attachment_name
from snapshot_export.domain.mail_text import Place


@dataclass(frozen=True, kw_only=True)
class DrawnLink:
    """A link as the table will have it, and as the mail has it: the token is in `place` alone."""

    link: Link
    place: Place


def draw_links(services: Services, export: Export, delivery: Delivery) -> tuple[DrawnLink, ...]:
    """A link for each file of a mail; none where the deployment has no links."""
    base, days = services.settings.links_url, services.mail.settings.link_days
    if base is None or days is None:
        return ()
    now = services.now()
    drawn = []
    for file in delivery.files:
        token = services.draw_token()
        link = Link(
            link_id=link_id_of(token),
            export_id=delivery.export_id,
            delivery_id=delivery.delivery_id,
            target=export.target,
            uri=file.uri or "",
            etag=file.etag or "",
            created_at=now,
            ends_at=now + days * DAY_SECONDS,
        )
        place = Place(address=address_of(base, token), name=attachment_name(file))
        drawn.append(DrawnLink(link=link, place=place))
    return tuple(drawn)
