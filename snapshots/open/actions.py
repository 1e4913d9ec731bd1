"""What the page can change, each after a question: it cancels, releases, runs again, pauses and
resumes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from snapshots.api import Api
from snapshots.errors import UsageError

MAX_PAUSE_MINUTES = 7 * 24 * 60
_NEEDS: dict[str, tuple[str, ...]] = {
    "cancelExport": ("Id",),
    "cancelBurst": ("Id",),
    "releaseBurst": ("Id",),
    "releaseExport": ("Id",),
    "retryBurst": ("Id", "Revision"),
    "pause": ("Minutes",),
    "resume": (),
}


class Action(BaseModel):
    """A change as the page asks for it. `Confirmed`: somebody answered the question with yes.

    `Revision` is the one that a retry makes of the burst that was shown: asked twice, as from two
    tabs, it is one.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    Action: Literal[
        "cancelExport",
        "cancelBurst",
        "releaseBurst",
        "releaseExport",
        "retryBurst",
        "pause",
        "resume",
    ]
    Id: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    Revision: Annotated[int, Field(ge=2)] | None = None
    Minutes: Annotated[int, Field(ge=1, le=MAX_PAUSE_MINUTES)] | None = None
    Target: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    Confirmed: bool


def parse_action(body: bytes) -> Action:
    """An action that was confirmed. Raises UsageError, which repeats no value."""
    try:
        action = Action.model_validate_json(body)
    except ValidationError as error:
        places = sorted({".".join(map(str, each["loc"])) or "body" for each in error.errors()})
        raise UsageError(f"not an action that was confirmed: {', '.join(places)}") from None
    if not action.Confirmed:
        raise UsageError("not an action that was confirmed: Confirmed")
    for name in _NEEDS[action.Action]:
        if getattr(action, name) is None:
            raise UsageError(f"{action.Action} needs {name}")
    return action


def perform(api: Api, action: Action) -> str:
    """Do it, and say what was done in a sentence. Raises CliError."""
    if action.Action in ("cancelExport", "cancelBurst"):
        noun = "exports" if action.Action == "cancelExport" else "bursts"
        status = api.delete(noun, action.Id or "").get("Status")
        if noun == "bursts":
            return f"What waits of {action.Id} is being cancelled."
        if status == "RUNNING":
            return f"{action.Id} runs on and ends without files."
        return f"{action.Id} is cancelled."
    if action.Action in ("releaseBurst", "releaseExport"):
        noun = "bursts" if action.Action == "releaseBurst" else "exports"
        api.post(noun, action.Id or "", "release", body={})
        return f"{action.Id} goes on."
    if action.Action == "retryBurst":
        api.post("bursts", action.Id or "", "retry", body={"Revision": action.Revision})
        return f"What failed of {action.Id} runs again."
    until = None
    if action.Action == "pause":
        moment = datetime.now(UTC) + timedelta(minutes=action.Minutes or 0)
        until = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    api.put("capacity", body={"PausedUntil": until}, query={"Target": action.Target})
    return "Nothing new starts while the pause lasts." if until else "Exports start again."
