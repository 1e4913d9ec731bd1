"""AWS's Service Authorization Reference, as cfn-lint carries it: which actions take a resource."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _reference() -> dict[str, Any]:
    text = (files("cfnlint.data.AdditionalSpecs") / "Policies.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def takes_resource(action: str) -> bool:
    """Whether a policy can name what an action is for. KeyError if AWS knows no such action."""
    service, _, name = action.partition(":")
    known = {each.lower(): body for each, body in _reference()[service]["Actions"].items()}
    return bool(known[name.lower()].get("Resources"))
