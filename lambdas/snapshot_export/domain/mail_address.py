"""Addresses of mail: what one may be, which a deployment allows, and how one is shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

MAX_ADDRESSES = 20
"""Of one export: each has a record that is written in the transaction that ends it."""
ANY_DOMAIN = "*"
_MAX_CHARACTERS = 254
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DOMAIN = rf"{_LABEL}(?:\.{_LABEL})+"
ADDRESS = rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{DOMAIN}"
"""The part before the @ is ASCII, as SES takes it; a domain of other letters is in Punycode."""


def address_rule(address: str) -> str | None:
    """The rule that an address breaks, or None. Line breaks, commas and names break it too."""
    if len(address) > _MAX_CHARACTERS or not re.fullmatch(ADDRESS, address):
        return "must be an e-mail address such as name@example.com, without a name beside it"
    return None


def addresses_rule(addresses: Sequence[str]) -> str | None:
    """The rule that the addresses of an export break together, or None."""
    if not addresses:
        return "must have an address"
    if len(addresses) > MAX_ADDRESSES:
        return f"must have at most {MAX_ADDRESSES} addresses"
    if len({address.casefold() for address in addresses}) < len(addresses):
        return "must have each address once"
    return None


def split_addresses(text: str) -> list[str]:
    """The addresses of a manifest's cell, `;` between them."""
    return [each for part in text.split(";") if (each := part.strip())]


def is_allowed(address: str, domains: Collection[str]) -> bool:
    """Whether a deployment that allows these domains sends to an address."""
    return ANY_DOMAIN in domains or domain_of(address) in domains


def domain_of(address: str) -> str:
    """The domain of an address, in small letters."""
    return address.rpartition("@")[2].lower()


def masked(address: str) -> str:
    """An address as it is shown: by its first letter and its domain."""
    return f"{address[:1]}***@{domain_of(address)}"
