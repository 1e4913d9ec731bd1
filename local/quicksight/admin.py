"""The tests' own endpoints, under `/_emulator/`.

GET health, ledger, switches; POST switches, occupy, reset, dashboards, data-sets,
unfulfilled-tags; DELETE switches, occupy. `?account=&region=` of a ledger, an occupation, a
dashboard or a data set names another place than the emulator's home.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from local.quicksight.catalogue import Dashboard, DataSet
from local.quicksight.emulator import Emulator
from local.quicksight.errors import SwitchError
from local.quicksight.place import PlaceKey
from local.quicksight.selection import UnfulfilledTags


class Occupation(BaseModel):
    """Slots that somebody else's jobs take, for some seconds or until deleted."""

    model_config = ConfigDict(extra="forbid")

    slots: int = Field(ge=0)
    seconds: float | None = Field(None, ge=0)


class Unfulfilled(BaseModel):
    """What tags show from now on that fulfil no rule."""

    model_config = ConfigDict(extra="forbid")

    shows: UnfulfilledTags


def answer_admin(
    emulator: Emulator, method: str, name: str, body: Any, query: Mapping[str, str]
) -> tuple[int, Any]:
    """The HTTP code and the JSON document of an answer."""
    place = (query["account"], query["region"]) if query else None
    if place not in (None, *emulator.places):
        return 404, {"error": f"no place {place}"}
    match method, name:
        case "GET", "health":
            return 200, {"status": "ok"}
        case "GET", "ledger":
            return 200, emulator.ledger(place)
        case "GET", "switches":
            return 200, {"switches": emulator.list_switches()}
        case "DELETE", "switches":
            emulator.clear_switches()
        case "DELETE", "occupy":
            emulator.vacate(place)
        case "POST", "reset":
            emulator.reset()
        case "POST", ("switches" | "occupy" | "dashboards" | "data-sets" | "unfulfilled-tags"):
            return _post(emulator, name, body, place)
        case _:
            return 404, {"error": f"no {method} {name}"}
    return 200, {}


def _post(emulator: Emulator, name: str, body: Any, place: PlaceKey | None) -> tuple[int, Any]:
    try:
        if name == "switches":
            emulator.add_switch(body)
        elif name == "dashboards":
            emulator.put_dashboard(TypeAdapter(Dashboard).validate_python(body), place)
        elif name == "data-sets":
            emulator.put_data_set(TypeAdapter(DataSet).validate_python(body), place)
        elif name == "unfulfilled-tags":
            emulator.set_unfulfilled_tags(Unfulfilled.model_validate(body).shows)
        else:
            occupation = Occupation.model_validate(body)
            emulator.occupy(occupation.slots, occupation.seconds, place)
    except (SwitchError, ValidationError) as error:
        return 400, {"error": str(error)}
    return 200, {}
