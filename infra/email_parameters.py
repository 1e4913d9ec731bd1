"""The parameter `email`: that mails are sent, from whom, and to which domains."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field

from infra.parameter_rules import (
    DIFFERENT,
    Parameters,
    integer,
    number,
    read_parameters,
    show,
    text,
)
from snapshot_export.domain.mail_address import ADDRESS, ANY_DOMAIN, DOMAIN

_MAX_DOMAINS = 20
_PLACE = "deployment.email"
DEFAULT_LINK_DAYS = 14
_NEEDED = ("sender", "configurationSet", "allowedDomains")
Domain = Annotated[str, text(rf"{DOMAIN}|\{ANY_DOMAIN}")]
Doubt = Literal["HOLD", "SEND"]


class LinkParameters(Parameters):
    """Links in mails, for what they do not carry: for how many days, and where they begin, unless
    that is the address which API Gateway gives."""

    days: Annotated[int, integer(1, 3650)] = DEFAULT_LINK_DAYS
    url: Annotated[str, text(r"https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)*")] | None = (
        Field(
            default=None,
            description="must be null or an https address without a / at its end",
        )
    )


class EmailParameters(Parameters):
    """How mails are sent. The identity of the sender and the configuration set are in the stack's
    account and region."""

    sender: Annotated[str, text(ADDRESS)] = Field(
        default="", description="must be an e-mail address that SES may send from"
    )
    configuration_set: Annotated[str, text(r"[A-Za-z0-9_-]{1,64}")] = Field(
        default="",
        description="must be the name of an SES configuration set that sends events to EventBridge",
    )
    allowed_domains: Annotated[tuple[Domain, ...], DIFFERENT] = Field(
        default=(),
        min_length=1,
        max_length=_MAX_DOMAINS,
        strict=False,
        description=f"must be a list of 1 to {_MAX_DOMAINS} different domains, "
        f"or of {ANY_DOMAIN} for any",
    )
    in_doubt: Doubt = Field(default="HOLD", description="must be HOLD or SEND")
    in_doubt_minutes: Annotated[int, integer(30, 2880)] = 60
    max_per_second: Annotated[float, number(1000)] = 10
    links: LinkParameters | None = Field(default=None, description="must be null or an object")

    def as_setting(self) -> str:
        """For the functions' environment."""
        return json.dumps(
            {
                "sender": self.sender,
                "configuration_set": self.configuration_set,
                "allowed_domains": list(self.allowed_domains),
                "in_doubt": self.in_doubt,
                "in_doubt_minutes": self.in_doubt_minutes,
                "max_per_second": self.max_per_second,
                **({"link_days": self.links.days} if self.links else {}),
            }
        )


def read_email(values: Any, problems: list[str]) -> EmailParameters | None:
    """Read and check the parameter; None where no mails are sent."""
    if values is None:
        return None
    if not isinstance(values, dict):
        problems.append(f"{_PLACE} must be null or an object, got {show(values)}")
        return None
    missing = [name for name in _NEEDED if name not in values]
    if missing:
        problems.append(f"{_PLACE} needs {', '.join(missing)}")
        return None
    links = values.get("links")
    if isinstance(links, dict):
        read = read_parameters(LinkParameters, f"{_PLACE}.links", links, problems)
        values = {**values, "links": read}
    return read_parameters(EmailParameters, _PLACE, values, problems)
