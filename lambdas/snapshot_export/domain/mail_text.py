"""What a mail says: its templates written out for one export. Nothing is evaluated."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from snapshot_export.domain.mail_order import MailOrder
from snapshot_export.domain.naming import NameFields
from snapshot_export.domain.templates import (
    Field,
    TemplateError,
    moment_of,
    parse_template,
    render,
)

_OF_A_FILE = ("sheet", "format", "number")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a file is that a mail does not carry. With a `name` the address opens it in a browser;
    else it says where the file lies."""

    address: str
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class MailText:
    """A mail's words."""

    subject: str
    text: str
    html: str | None


def check_mail_template(text: str) -> None:
    """Raise TemplateError for what a mail's templates may not hold."""
    for part in parse_template(text):
        if isinstance(part, Field) and part.name in _OF_A_FILE:
            raise TemplateError(f"must not use {{{part.name}}}, which is a file's and no mail's")


def write_mail(
    order: MailOrder,
    fields: NameFields,
    places: Sequence[Place] = (),
    until: float | None = None,
) -> MailText:
    """A mail's words; `places` are where the files are, of a mail that does not carry them, and
    `until` when they stop being there (epoch seconds).

    In HTML the values of fields stand as text. Raises TemplateError for a field without a value,
    and for a subject that is no line of text.
    """
    subject = _written(order.subject, fields)
    if not subject.isprintable() or not subject.strip():
        raise TemplateError("must be one line without control characters, with its fields")
    text = _written(order.text, fields)
    if places:
        text += "\n\n" + "\n".join((_where(until), *map(_line, places))) + "\n"
    if order.html is None:
        return MailText(subject=subject, text=text, html=None)
    markup = _written(order.html, fields, escaped=True)
    if places:
        items = "".join(map(_item, places))
        markup += f"\n<p>{_where(until)}</p>\n<ul>{items}</ul>\n"
    return MailText(subject=subject, text=text, html=markup)


def _where(until: float | None) -> str:
    if until is None:
        return "The files are here:"
    return f"The files are here until {moment_of(until):%Y-%m-%d %H:%M} UTC:"


def _line(place: Place) -> str:
    return f"{place.name}: {place.address}" if place.name else place.address


def _item(place: Place) -> str:
    address = html.escape(place.address)
    if place.name is None:
        return f"<li>{address}</li>"
    return f'<li><a href="{address}">{html.escape(place.name)}</a></li>'


def _written(template: str, fields: NameFields, *, escaped: bool = False) -> str:
    values = {
        "export": fields.export_id,
        "burst": fields.burst_id,
        "recipient": fields.recipient,
        "dashboard": fields.dashboard_id,
    }
    tags = dict(fields.tags)
    if escaped:
        values = {name: html.escape(value) for name, value in values.items()}
        tags = {name: html.escape(value) for name, value in tags.items()}
    return render(parse_template(template), values, tags, moment_of(fields.accepted_at))
