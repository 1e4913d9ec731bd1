"""A user's request to run exports of a burst again: the body of POST /bursts/{BurstId}/retry."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from snapshot_export.domain.burst_request import MAX_BURST_BYTES, RECIPIENT_ID
from snapshot_export.domain.burst_retry import RetryRequest
from snapshot_export.domain.json_text import digest_of, read_json
from snapshot_export.domain.shape import Moment, Shape, rule

MAX_NAMED = 500
"""Each is looked up while the caller waits for the answer."""


class RetryBody(Shape):
    """The body of POST /bursts/{BurstId}/retry; of `{}` the exports that failed run again."""

    Revision: Annotated[int, Field(ge=2)] | None = Field(
        default=None,
        description="the revision of the burst that this call makes, one more than its present: "
        "the same call again changes nothing",
    )
    RecipientIds: (
        Annotated[
            list[Annotated[str, Field(pattern=f"^{RECIPIENT_ID}$")]],
            Field(min_length=1, max_length=MAX_NAMED),
        ]
        | None
    ) = Field(default=None, description="only these, also those that were cancelled")
    IncludeCompleted: bool = Field(
        default=False, description="true: also those of RecipientIds that have their files"
    )
    Deadline: Moment | None = Field(
        default=None,
        description="of what runs again; without it a deadline that has passed is dropped",
    )

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.IncludeCompleted and self.RecipientIds is None:
            raise rule("must have RecipientIds for IncludeCompleted: what completed is named")
        return self


def parse_retry(text: str) -> RetryRequest:
    """Check the text of a retry's body. Raises InvalidRequestError."""
    data = read_json(text or "{}", MAX_BURST_BYTES)
    body = RetryBody.checked(data)
    return RetryRequest(
        revision=body.Revision,
        recipient_ids=tuple(dict.fromkeys(body.RecipientIds)) if body.RecipientIds else None,
        include_completed=body.IncludeCompleted,
        deadline=body.Deadline.timestamp() if body.Deadline else None,
        digest=digest_of({name: data[name] for name in data if name != "Revision"}),
    )
