"""Every call that a function makes to AWS or QuickSight, numbered, and what may happen to each.

The hook lies where botocore sends a request, below all clients that the code makes or will make,
and where urllib opens an address. It acts only within `Calls.of_a_function`.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import SimpleNamespace
from typing import Any, Protocol
from unittest.mock import patch

import botocore.endpoint
import s3transfer.manager
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ConnectionClosedError


class Fate(StrEnum):
    """What happens to one call."""

    BEFORE = "killed before"
    AFTER = "killed after"
    LOST = "reply lost"
    SILENT = "all replies lost"
    """The call takes effect each time that botocore repeats it, and no answer arrives."""


class Killed(BaseException):
    """The function is gone. No handler in the product may stop this."""


@dataclass(frozen=True)
class Call:
    """One request. `place` names the flow and the adapter's method that made it.

    `is_first` of its invocation.
    """

    number: int
    operation: str
    place: str
    is_first: bool = False

    def __str__(self) -> str:
        return f"#{self.number} {self.place} > {self.operation}"


Effect = Callable[[str, dict[str, Any]], None]
Choice = Callable[[Call], Fate | None]


def spare(_call: Call) -> Fate | None:
    """Nothing happens to any call."""
    return None


class Calls:
    """The calls of one run. `choose` gives each its fate; the first that gets one is struck.

    `on_effect` is told each call that took effect: operation, and its JSON body where it has one.
    """

    def __init__(self, choose: Choice = spare) -> None:
        self.made: list[Call] = []
        self.struck: Call | None = None
        self.swallowed: list[str] = []
        self.on_effect: Effect = lambda _operation, _body: None
        self._choose = choose
        self._silent_id: str | None = None
        self.function = ""
        self._is_watching = self._is_first = False
        self._dead = False
        self._answers: dict[str, Any] = {}

    @property
    def is_watching(self) -> bool:
        """Whether a function runs now, and not the emulator that answers it."""
        return self._is_watching

    @contextmanager
    def of_a_function(self, name: str = "") -> Iterator[None]:
        """What is called herein is one invocation's, of `function`. Killed leaves as it is."""
        self.function = name
        self._is_watching, self._is_first, self._dead = True, True, False
        try:
            yield
            if self._dead:
                self.swallowed.append(f"the kill at {self.struck} was stopped by a handler")
                raise Killed
        finally:
            self._is_watching = False

    def send(self, real: Callable[[], Any], endpoint: Any, model: Any, request: Any) -> Any:
        """One request through botocore: (answer, None) or (None, exception)."""
        if not self._is_watching:
            return real()
        self._die_again_if_dead()
        operation = f"{model.service_model.service_name}.{model.name}"
        call, fate = self._next(operation)
        if fate is Fate.BEFORE:
            self._die(call)
        body = _json_of(request)
        with self._unwatched():
            answer = self._once_for_each_token(operation, body, real)
        if answer[1] is None and answer[0][0].status_code < 300:
            self.on_effect(operation, body)
        if fate is Fate.AFTER:
            self._die(call)
        if fate in (Fate.LOST, Fate.SILENT):
            self.struck = call
            if fate is Fate.SILENT:
                self._silent_id = request.headers.get("amz-sdk-invocation-id")
            return None, ConnectionClosedError(endpoint_url=endpoint)
        if self._silent_id and request.headers.get("amz-sdk-invocation-id") == self._silent_id:
            return None, ConnectionClosedError(endpoint_url=endpoint)
        return answer

    def open(self, real: Callable[[], Any]) -> Any:
        """One address opened by urllib."""
        if not self._is_watching:
            return real()
        self._die_again_if_dead()
        call, fate = self._next("https.GET")
        if fate is Fate.BEFORE:
            self._die(call)
        with self._unwatched():
            answer = real()
        if fate is Fate.AFTER:
            self._die(call)
        if fate is not None:
            self.struck = call
            raise ConnectionResetError("the reply is lost")
        return answer

    def _next(self, operation: str) -> tuple[Call, Fate | None]:
        call = Call(len(self.made), operation, place_of_caller(), self._is_first)
        self._is_first = False
        self.made.append(call)
        return call, None if self.struck else self._choose(call)

    @contextmanager
    def _unwatched(self) -> Iterator[None]:
        """What the emulator calls while it answers is not the function's."""
        self._is_watching = False
        try:
            yield
        finally:
            self._is_watching = True

    def _die(self, call: Call) -> None:
        self.struck, self._dead = call, True
        raise Killed

    def _die_again_if_dead(self) -> None:
        """A dead function calls nothing: not even a `finally` or an `except BaseException`."""
        if self._dead:
            raise Killed

    def _once_for_each_token(self, operation: str, body: Any, real: Callable[[], Any]) -> Any:
        """As DynamoDB does for ten minutes, and moto does not: a token's repeat changes nothing."""
        token = body.get("ClientRequestToken") if operation.startswith("dynamodb.") else None
        if token is None:
            return real()
        if token not in self._answers:
            answer = real()
            if answer[1] is not None or answer[0][0].status_code >= 300:
                return answer
            self._answers[token] = answer
        return self._answers[token]


class Sender(Protocol):
    """What requests go through."""

    def send(self, real: Callable[[], Any], endpoint: Any, model: Any, request: Any) -> Any:
        """A request of botocore."""

    def open(self, real: Callable[[], Any]) -> Any:
        """An address that urllib opens."""


@contextmanager
def hooked(calls: Sender, sleep: Callable[[float], None]) -> Iterator[None]:
    """Let all requests of this process go through `calls`; botocore's waits are `sleep`'s.

    S3 transfers run in the calling thread, and a kill does not wait for them.
    """
    endpoint: Any = botocore.endpoint.Endpoint
    real_send = endpoint._do_get_response
    real_open = urllib.request.OpenerDirector.open
    real_exit = s3transfer.manager.TransferManager.__exit__

    def send(self: Any, request: Any, model: Any, context: Any) -> Any:
        return calls.send(
            partial(real_send, self, request, model, context), self.host, model, request
        )

    def open_address(self: Any, *arguments: Any, **more: Any) -> Any:
        return calls.open(partial(real_open, self, *arguments, **more))

    def leave(self: Any, kind: Any, *more: Any) -> Any:
        return None if kind is Killed else real_exit(self, kind, *more)

    with ExitStack() as stack:
        for owner, name, value in (
            (endpoint, "_do_get_response", send),
            (botocore.endpoint, "time", SimpleNamespace(sleep=sleep)),
            (urllib.request.OpenerDirector, "open", open_address),
            (s3transfer.manager.TransferManager, "__exit__", leave),
        ):
            stack.enter_context(patch.object(owner, name, value))
        inline = partial(TransferConfig, use_threads=False)
        stack.enter_context(patch("boto3.s3.inject.TransferConfig", inline))
        stack.enter_context(patch("boto3.s3.transfer.TransferConfig", inline))
        yield


def _json_of(request: Any) -> dict[str, Any]:
    body = request.body
    if not isinstance(body, bytes | str) or body[:1] not in (b"{", "{"):
        return {}
    found: dict[str, Any] = json.loads(body)
    return found


_ROOT = "snapshot_export/"
_BELOW = ("adapters/table/dynamodb.py", "adapters/table/pacer.py")


def place_of_caller() -> str:
    """`flows/export/check.py:_free > adapters/table/store.py:release`, say, of who is calling."""
    flow = method = ""
    frame = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        at = path.rfind(_ROOT)
        if at >= 0:
            name = f"{path[at + len(_ROOT) :]}:{frame.f_code.co_name}"
            if name.startswith("flows/") or (name.startswith("handlers/api/") and not flow):
                flow = name
                break
            if name.startswith("adapters/") and (not method or method.startswith(_BELOW)):
                method = name
        frame = frame.f_back  # type: ignore[assignment]
    return " > ".join(part for part in (flow, method) if part)
