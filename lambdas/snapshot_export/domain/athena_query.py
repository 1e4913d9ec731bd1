"""A request's query for recipients.

Its text can hold customers' values: it is stored as the template is, goes to Athena, and nowhere
else.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from snapshot_export.domain.problem import Problem
from snapshot_export.domain.shape import Shape, rule

MAX_QUERY_CHARACTERS = 65_536
"""Ours: Athena takes 262,144 bytes, and an item of the table has 400 KB."""
WORK_GROUP = r"[a-zA-Z0-9._\-]{1,128}"


class AthenaQuery(Shape):
    """A SELECT in Athena, by the names of StartQueryExecution and GetNamedQuery."""

    QueryString: Annotated[str, Field(min_length=1, max_length=MAX_QUERY_CHARACTERS)] | None = (
        Field(
            default=None,
            description="a SELECT whose columns are named as those of a CSV manifest; in a "
            "schedule with `{date:...}`. Either this or a NamedQueryId",
        )
    )
    NamedQueryId: Annotated[str, Field(pattern=r"^[A-Za-z0-9\-]{1,128}$")] | None = Field(
        default=None, description="of a query saved in Athena, as it is when the burst begins"
    )
    Catalog: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        default=None, description="else Athena's default, AwsDataCatalog"
    )
    Database: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None, description="else that of the named query, or none"
    )
    WorkGroup: Annotated[str, Field(pattern=f"^{WORK_GROUP}$")] = Field(
        description="one of the deployment's `athenaWorkGroups`"
    )

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        if (self.QueryString is None) == (self.NamedQueryId is None):
            raise rule("must have either QueryString or NamedQueryId")
        return self


def problems_of_query(query: AthenaQuery, work_groups: frozenset[str]) -> list[Problem]:
    """What the deployment does not allow of a query."""
    if not work_groups:
        text = "is not possible in this deployment: it names no athenaWorkGroups"
        return [Problem("Manifest.Athena", text)]
    if query.WorkGroup not in work_groups:
        text = f"must be one that this deployment allows: {', '.join(sorted(work_groups))}"
        return [Problem("Manifest.Athena.WorkGroup", text)]
    return []
