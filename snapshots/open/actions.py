"""What the page can change: it cancels, pauses and resumes, each after a question.

Failed exports are not run again from here: the API has no call for it, and the requests
themselves, which would have to be sent under new ids, are in none of its answers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from snapshots.api import Api
from snapshots.errors import UsageError

MAX_PAUSE_MINUTES = 7 * 24 * 60


class Action(BaseModel):
    """A change as the page asks for it. `Confirmed`: somebody answered the question with yes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    Action: Literal["cancelExport", "cancelBurst", "pause", "resume"]
    Id: Annotated[str, Field(min_length=1, max_length=512)] | None = None
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
    missing = {"cancelExport": "Id", "cancelBurst": "Id", "pause": "Minutes"}.get(action.Action)
    if missing and getattr(action, missing) is None:
        raise UsageError(f"{action.Action} needs {missing}")
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
    until = None
    if action.Action == "pause":
        moment = datetime.now(UTC) + timedelta(minutes=action.Minutes or 0)
        until = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    api.put("capacity", body={"PausedUntil": until}, query={"Target": action.Target})
    return "Nothing new starts while the pause lasts." if until else "Exports start again."
