"""Delivery of a request: what its mail says, to whom it goes, and what is attached."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from snapshot_export.domain.mail_address import (
    MAX_ADDRESSES,
    address_rule,
    addresses_rule,
    is_allowed,
    split_addresses,
)
from snapshot_export.domain.mail_order import MailOrder
from snapshot_export.domain.mail_text import check_mail_template
from snapshot_export.domain.problem import Problem
from snapshot_export.domain.shape import Shape, rule
from snapshot_export.domain.target import Targets
from snapshot_export.domain.templates import TemplateError

MAX_SUBJECT = 200
MAX_TEXT = 10_000
MAX_HTML = 20_000
MAX_EMAIL_CELL = 2_000
TO_PLACE = "Delivery.Email.To"


def _template(value: str) -> str:
    try:
        check_mail_template(value)
    except TemplateError as error:
        raise rule(str(error)) from None
    return value


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise rule("must be one line without control characters")
    if not value.strip():
        raise rule("must not be blank")
    return value


def _address(value: str) -> str:
    if broken := address_rule(value):
        raise rule(broken)
    return value


def _addresses(values: list[str]) -> list[str]:
    if broken := addresses_rule(values):
        raise rule(broken)
    return values


def email_cell(value: str) -> str:
    """A recipient's addresses, as pydantic's validators take them: `;` between several."""
    addresses = split_addresses(value)
    broken = addresses_rule(addresses) or next(filter(None, map(address_rule, addresses)), None)
    if broken:
        raise rule(broken)
    return value


Address = Annotated[str, AfterValidator(_address)]


class MailBody(Shape):
    """What a mail says, as text or HTML, or as both."""

    Text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_template)] = (
        Field(description="plain text; a template")
    )
    Html: (
        Annotated[str, Field(min_length=1, max_length=MAX_HTML), AfterValidator(_template)] | None
    ) = Field(
        default=None,
        description="besides the text; a template, whose fields are written as text, whatever they "
        "hold",
    )


class EmailDelivery(Shape):
    """Files sent by e-mail once they are there: a mail of its own to each address."""

    To: (
        Annotated[
            list[Address],
            Field(min_length=1, max_length=MAX_ADDRESSES),
            AfterValidator(_addresses),
        ]
        | None
    ) = Field(
        default=None,
        description="addresses, required; in a burst from each recipient's own line only, its "
        "`Email`",
    )
    Subject: Annotated[
        str,
        Field(min_length=1, max_length=MAX_SUBJECT),
        AfterValidator(_one_line),
        AfterValidator(_template),
    ] = Field(description="one line; a template")
    Body: MailBody
    Attach: Literal["AUTO", "ALWAYS", "NEVER"] = Field(
        default="AUTO",
        description="AUTO: the files, where the mail stays under SES's 40 MB with them, else where "
        "they are; ALWAYS: what does not fit is not sent, and has failed",
    )
    ReplyTo: Address | None = Field(default=None, description="else the sender's")


class DeliveryBody(Shape):
    """What happens to the files besides their lying in S3 ([delivery.md](delivery.md))."""

    Email: EmailDelivery

    def order(self) -> MailOrder:
        """The same for the record; it must have addresses."""
        email = self.Email
        return MailOrder(
            to=tuple(email.To or ()),
            subject=email.Subject,
            text=email.Body.Text,
            html=email.Body.Html,
            attach=email.Attach,
            reply_to=email.ReplyTo,
        )


def delivery_problems(
    delivery: DeliveryBody | None, targets: Targets, *, is_template: bool, has_destination: bool
) -> list[Problem]:
    """What a deployment's parameters refuse, and where addresses may stand."""
    if delivery is None:
        return []
    if targets.mail_domains is None:
        text = "needs the deployment parameter email, which this deployment does not have"
        return [Problem("Delivery", text)]
    problems = []
    if has_destination:
        text = "must not stand beside Delivery: mails carry files of the deployment's own bucket"
        problems.append(Problem("SnapshotConfiguration.DestinationConfiguration", text))
    to = delivery.Email.To
    if is_template and to is not None:
        text = "must not be given in a burst's template: it is each recipient's Email"
        problems.append(Problem(TO_PLACE, text))
    if not is_template and to is None:
        problems.append(Problem(TO_PLACE, "is required"))
    for index, address in enumerate(to or ()):
        if not is_allowed(address, targets.mail_domains):
            text = "must be of a domain that this deployment allows (its parameter email)"
            problems.append(Problem(f"{TO_PLACE}[{index}]", text))
    return problems
