"""The shape of every error: `{"Code", "Message", "Problems": [{"Field", "Place", "Rule"}]}`."""

from __future__ import annotations

from pydantic import BaseModel

REFUSALS = {
    400: "The request breaks rules; each is named with its place",
    403: "The caller may not do this; a token lacks the scope that `security` names",
    404: "There is nothing of this id",
    405: "The path does not take this method; Allow names those that it takes",
    409: "The present state does not allow it",
    503: "Busy; the same call works later. Retry-After says in how many seconds",
}


class ApiProblem(BaseModel):
    """One broken rule. `Place` is where in the body or query; "" is the body itself."""

    Field: str
    Place: str
    Rule: str


class ApiError(BaseModel):
    """The one shape of errors."""

    Code: str
    Message: str
    Problems: list[ApiProblem] = []
