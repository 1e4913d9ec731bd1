"""Targets: the QuickSight accounts and regions of a deployment. An export names one, or has the
default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_TARGET = "default"
TARGET_NAME = r"[A-Za-z0-9_\-]{1,32}"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One account and region, and what its exports may reach.

    `export_bucket` is in its region. `takes_users`: whether it can act for registered users.
    """

    account_id: str
    region: str
    export_bucket: str
    allowed_buckets: frozenset[str]
    takes_users: bool = True
    name: str = DEFAULT_TARGET


@dataclass(frozen=True)
class Targets:
    """What a deployment lets requests reach: its default target, and others by name; and the work
    groups of Athena in which a query may find recipients, whatever the target. Mails go to
    `mail_domains`; None where none are sent. Secrets with passwords of files have names that begin
    with `password_prefix`; None where files have none."""

    default: Target
    others: Mapping[str, Target] = field(default_factory=dict)
    athena_work_groups: frozenset[str] = frozenset()
    mail_domains: frozenset[str] | None = None
    password_prefix: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, the default's first."""
        return (DEFAULT_TARGET, *self.others)

    def find(self, name: str) -> Target | None:
        """The target of this name, or None."""
        return self.default if name == DEFAULT_TARGET else self.others.get(name)
