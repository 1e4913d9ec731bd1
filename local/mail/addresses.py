"""Addresses, and the identities that they belong to."""

from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from typing import Any

from local.mail.errors import bad_request

SIMULATOR = "simulator.amazonses.com"


def bare(address: str) -> str:
    """The address without its display name."""
    return parseaddr(address)[1]


def domain_of(address: str) -> str:
    """The domain of a bare address, in lower case."""
    return address.rpartition("@")[2].lower()


def check_address(written: str) -> str:
    """The bare address, or SES's refusal of it. Only the local part may differ in case."""
    address = bare(written)
    local, _, domain = address.rpartition("@")
    if not local or not domain:
        raise bad_request("Missing final '@domain'")
    if not written.isascii():
        raise bad_request("Local address contains non-ASCII characters, or Domain is not punycode")
    if any(letter.isspace() or not letter.isprintable() for letter in address):
        raise bad_request("Local address contains control or whitespace")
    if "." not in domain or ".." in domain or domain.startswith(".") or domain.endswith("."):
        raise bad_request("Domain name is not valid")
    return address


def identity_of(address: str, identities: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The verified identity that lets an address send: itself, or its domain or one above it."""
    own = identities.get(address)
    if own and own.get("VerifiedForSendingStatus"):
        return address, own
    for domain in _domains_above(domain_of(address)):
        for name, record in identities.items():
            if name.lower() == domain and record.get("VerifiedForSendingStatus"):
                return name, record
    return None


def is_simulator(address: str) -> bool:
    """Whether it is one of the mailbox simulator's."""
    return domain_of(address) == SIMULATOR


def _domains_above(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        yield ".".join(labels[start:])
