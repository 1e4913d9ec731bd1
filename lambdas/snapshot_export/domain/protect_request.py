"""Protect of a request: the secret with the password of its files, by its name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from snapshot_export.domain.problem import Problem
from snapshot_export.domain.shape import Shape
from snapshot_export.domain.target import Targets

PASSWORD_PLACE = "Protect.PasswordSecret"
_NAME = r"[A-Za-z0-9/_+=.@\-]{1,256}"
_KEY = r"[A-Za-z0-9_.@+=\-]{1,128}"
SecretName = Annotated[str, Field(pattern=rf"^{_NAME}(:{_KEY})?$")]
"""A secret's name as Secrets Manager takes it, and a member of its JSON."""


class ProtectBody(Shape):
    """Files that open with a password only ([passwords.md](passwords.md))."""

    PasswordSecret: SecretName | None = Field(
        default=None,
        description="required: the name of a secret in Secrets Manager, or `name:key` for a member "
        "of its JSON; in a burst from each recipient's own line only, its `PasswordSecret`",
    )


def protect_problems(
    protect: ProtectBody | None, targets: Targets, *, is_template: bool, has_destination: bool
) -> list[Problem]:
    """What a deployment's parameters refuse, and where names of secrets may stand."""
    if protect is None:
        return []
    prefix, secret = targets.password_prefix, protect.PasswordSecret
    if prefix is None:
        text = "needs the deployment parameter passwordSecrets, which this deployment does not have"
        return [Problem("Protect", text)]
    problems = []
    if has_destination:
        text = (
            "must not stand beside Protect: QuickSight would leave files without a password there"
        )
        problems.append(Problem("SnapshotConfiguration.DestinationConfiguration", text))
    if is_template and secret is not None:
        text = "must not be given in a burst's template: it is each recipient's PasswordSecret"
        problems.append(Problem(PASSWORD_PLACE, text))
    if not is_template and secret is None:
        problems.append(Problem(PASSWORD_PLACE, "is required"))
    if secret is not None and not secret.startswith(prefix):
        text = f"must begin with {prefix}, as this deployment's parameter passwordSecrets says"
        problems.append(Problem(PASSWORD_PLACE, text))
    return problems
