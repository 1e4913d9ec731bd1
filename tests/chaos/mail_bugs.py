"""Deliberate bugs by which a mail goes to another, has another's files, goes twice, or is lost."""

from __future__ import annotations

from tests.chaos.bug import ADAPTERS, DOMAIN, FLOWS, Bug

_DELIVER = f"{FLOWS}/delivery/deliver.py"
_LOGGER = "logger = Logger(child=True)\n"

MAIL_BUGS = (
    Bug(
        "mails of all recipients to the first",
        (
            (
                f"{DOMAIN}/burst_request.py",
                'template["Delivery"]["Email"] | {"To": split_addresses(recipient.Email)}\n',
                'template["Delivery"]["Email"]\n'
                '        email.setdefault("To", split_addresses(recipient.Email))\n',
            ),
        ),
    ),
    Bug(
        "an address in small letters",
        (
            (
                f"{DOMAIN}/mail_address.py",
                "if (each := part.strip())]",
                "if (each := part.strip().lower())]",
            ),
        ),
    ),
    Bug(
        "an attachment kept for the next mail",
        (
            (_DELIVER, _LOGGER, f"{_LOGGER}_READ: dict[str, bytes | None] = {{}}\n"),
            (
                _DELIVER,
                "        data = services.files.read(file)\n",
                "        data = _READ.setdefault(file.format, services.files.read(file))\n",
            ),
        ),
    ),
    Bug(
        "each link to the first file of the export",
        (
            (
                f"{FLOWS}/delivery/draw_links.py",
                """            uri=file.uri or "",
            etag=file.etag or "",
""",
                """            uri=delivery.files[0].uri or "",
            etag=delivery.files[0].etag or "",
""",
            ),
        ),
    ),
    Bug(
        "the subject of who came first",
        (
            (_DELIVER, _LOGGER, f"{_LOGGER}_FIELDS: dict[str | None, object] = {{}}\n"),
            (
                _DELIVER,
                "write_mail(order, name_fields(export), places, until)",
                "write_mail(order, _FIELDS.setdefault(export.burst_id, name_fields(export)), "
                "places, until)",
            ),
        ),
    ),
    Bug(
        "a mail that names all addresses",
        (
            (
                _DELIVER,
                "            to=delivery.address,\n",
                '            to=", ".join(order.to),\n',
            ),
        ),
    ),
    Bug(
        "a mail for each message",
        (
            (
                _DELIVER,
                "    if delivery is None or delivery.status is not DeliveryStatus.PENDING:\n",
                "    if delivery is None:\n",
            ),
        ),
    ),
    Bug(
        "a mail of a revision that is over",
        (
            (
                _DELIVER,
                """    if export.revision != delivery.revision:
        return "the export ran again since, and has other mails"
""",
                "",
            ),
        ),
    ),
    Bug(
        "links of mails that are taken back stay",
        (
            (
                f"{FLOWS}/delivery/revoke.py",
                "    return _revoke(services, with_links, export.export_id) > 0 or is_stopped\n",
                "    return bool(with_links) or is_stopped\n",
            ),
        ),
    ),
)
"""All of them are claimed by the part `tenants`."""

OUTBOX_BUG = Bug(
    "a mail's record changed without its condition",
    (
        (
            f"{ADAPTERS}/table/outbox.py",
            '"#status = :seen_status AND attempt = :seen_attempt AND #entry_key = :seen_key"',
            '"attribute_exists(pk)"',
        ),
        (
            f"{ADAPTERS}/table/outbox.py",
            """        | {
            ":seen_status": seen.status,
            ":seen_attempt": seen.attempt,
            ":seen_key": seen.entry_key,
        },
""",
            "        | {},\n",
        ),
    ),
)
"""Claimed by the part `interleavings`."""

DELIVERY_BUGS = (
    Bug(
        "SES called before it is written",
        (
            (
                _DELIVER,
                "    services.outbox.begin(delivery, sending, [each.link for each in links], "
                "expires_at)\n",
                "",
            ),
            (
                _DELIVER,
                """    now = services.now()
    sent = replace(
""",
                """    now = services.now()
    seen = replace(sending, status=DeliveryStatus.PENDING, attempt=sending.attempt - 1)
    services.outbox.change(seen, sending)
    sent = replace(
""",
            ),
        ),
    ),
    Bug(
        "a mail in doubt that is sent at once",
        (
            (
                _DELIVER,
                "        doubted = in_doubt(sending, services.now())\n",
                "        doubted = replace(sending, status=DeliveryStatus.PENDING)\n",
            ),
            (
                _DELIVER,
                "services.now() + 60 * services.mail.settings.in_doubt_minutes",
                "services.now()",
            ),
        ),
    ),
    Bug(
        "a call of SES that is repeated",
        ((f"{ADAPTERS}/mail.py", '"total_max_attempts": 1}', '"total_max_attempts": 3}'),),
    ),
    Bug(
        "a doubt that nobody hears of",
        (
            (
                f"{FLOWS}/delivery/sweep.py",
                "    services.events.announce_doubt(delivery, services.settings.target, outcome)\n",
                "",
            ),
        ),
    ),
    Bug(
        "a mail whose message was lost is not asked for",
        (
            (
                f"{FLOWS}/delivery/sweep.py",
                """            services.outbox.postpone(delivery, delivery, now + ASK_AFTER_SECONDS)
            asked.append(delivery.delivery_id)
""",
                """            services.outbox.drop(entry)
""",
            ),
        ),
    ),
    Bug(
        "what arrived closes what nobody announced",
        (
            (
                f"{FLOWS}/delivery/settle.py",
                " and not services.outbox.is_open(delivery):\n",
                ":\n        services.outbox.close(delivery)\n",
            ),
        ),
    ),
)
"""All of them are claimed by the part `deliveries`."""
