"""The routes and retries of statemachine/snapshot_export.asl.json, read from that file."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonata import Jsonata

DEFINITION = Path(__file__).parents[2] / "statemachine" / "snapshot_export.asl.json"
FUNCTIONS = {
    "${StartFunctionArn}": "start",
    "${DescribeFunctionArn}": "describe",
    "${CollectFunctionArn}": "collect",
}


class Machine:
    """The definition. States are named; documents are what goes from one to the next."""

    def __init__(self) -> None:
        definition = json.loads(DEFINITION.read_text())
        self.first: str = definition["StartAt"]
        self._states: dict[str, dict[str, Any]] = definition["States"]

    def kind(self, state: str) -> str:
        """Task, Wait, Choice, Succeed or Fail."""
        return str(self._states[state]["Type"])

    def function(self, state: str) -> str:
        """The function that a Task calls."""
        return FUNCTIONS[self._states[state]["Arguments"]["FunctionName"]]

    def following(self, state: str, document: dict[str, Any]) -> str:
        """Where `document` goes on from `state`."""
        body = self._states[state]
        if body["Type"] != "Choice":
            return str(body["Next"])
        for choice in body["Choices"]:
            if _evaluate(choice["Condition"], json.dumps(document, sort_keys=True)):
                return str(choice["Next"])
        return str(body["Default"])

    def wait(self, state: str, document: dict[str, Any]) -> float:
        """Seconds that a Wait lasts."""
        return float(_evaluate(self._states[state]["Seconds"], json.dumps(document)))

    def retry_after(self, state: str, error: str, tries: dict[int, int]) -> float | None:
        """Seconds until a Task that failed is tried again, or None. Counts in `tries`."""
        for index, retrier in enumerate(self._states[state]["Retry"]):
            if not {error, "States.ALL"} & set(retrier["ErrorEquals"]):
                continue
            done = tries.get(index, 0)
            if done >= retrier.get("MaxAttempts", 3):
                return None
            tries[index] = done + 1
            seconds = retrier["IntervalSeconds"] * retrier.get("BackoffRate", 2.0) ** done
            return float(min(seconds, retrier.get("MaxDelaySeconds", seconds)))
        return None

    def caught(self, state: str) -> str:
        """Where a Task goes whose retries are used up."""
        return str(self._states[state]["Catch"][0]["Next"])


@cache
def _evaluate(text: str, document: str) -> Any:
    expression = Jsonata(text.removeprefix("{%").removesuffix("%}").strip())
    frame = expression.create_frame()
    frame.bind("states", {"input": json.loads(document)})
    return expression.evaluate(None, frame)
