"""A registered QuickSight user for whom an export is made, instead of an anonymous one.

Mirrors UserIdentifier and Namespace of GetIdentityContext in the model quicksight/2018-04-01.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from snapshot_export.domain.shape import Shape, rule
from snapshot_export.domain.snapshot_request import NonBlank

DEFAULT_NAMESPACE = "default"
_IDENTIFIERS = ("UserArn", "UserName", "Email")


class SnapshotRegisteredUser(Shape):
    """Exactly one of UserArn, UserName and Email; a Namespace with the last two."""

    UserArn: Annotated[str, Field(pattern="^arn:[^:]+:quicksight:.+:user/.+$")] | None = None
    UserName: NonBlank | None = Field(None, repr=False)
    Email: NonBlank | None = Field(None, repr=False)
    Namespace: Annotated[str, Field(max_length=64, pattern="^[a-zA-Z0-9._-]+$")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_namespace(cls, data: Any) -> Any:
        if isinstance(data, dict) and "UserArn" not in data:
            return {"Namespace": DEFAULT_NAMESPACE} | data
        return data

    @model_validator(mode="after")
    def _one_identifier(self) -> Self:
        given = [name for name in _IDENTIFIERS if getattr(self, name) is not None]
        if len(given) != 1:
            raise rule("must have exactly one of UserArn, UserName and Email")
        if self.UserArn is not None and self.Namespace is not None:
            raise rule("must not have a Namespace beside UserArn")
        return self
