"""Functions that run at the same time, one call at a time, in an order that the test chooses.

Each actor is a thread that stops before every call of its own and goes on when it is told to, so
exactly one of all threads runs at any moment and a run is the same each time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from snapshot_export.errors import SnapshotExportError
from tests.chaos.calls import Call, Calls, Effect, Fate, Killed, hooked


class _SteppedCalls(Calls):
    """Calls each of which waits for its fate; every call can be struck."""

    def __init__(self, actor: Actor, on_effect: Effect) -> None:
        super().__init__(actor.wait_for_fate)
        self.on_effect = on_effect

    def _next(self, operation: str) -> tuple[Call, Fate | None]:
        self.struck = None
        return super()._next(operation)


class Actor:
    """One invocation of a flow. `at` is the call before which it stands, None once it is over."""

    def __init__(
        self, name: str, flow: Callable[[], object], on_effect: Effect, began: float
    ) -> None:
        self.name = name
        self.began = began
        self.at: Call | None = None
        self.error: BaseException | None = None
        self.calls = _SteppedCalls(self, on_effect)
        self._flow = flow
        self._fate: Fate | None = None
        self._mine, self._others = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        _ACTORS[self._thread] = self
        self._thread.start()
        self._others.acquire()

    @property
    def is_over(self) -> bool:
        """Whether it has returned, raised or been killed."""
        return self.at is None

    def step(self, fate: Fate | None = None) -> None:
        """Let it make the call before which it stands, and go on to the next."""
        self._fate = fate
        self._mine.release()
        self._others.acquire()

    def wait_for_fate(self, call: Call) -> Fate | None:
        """In its own thread: let the others go on until it is told to."""
        self.at = call
        self._others.release()
        self._mine.acquire()
        return self._fate

    def _run(self) -> None:
        try:
            with self.calls.of_a_function():
                self._flow()
        except (SnapshotExportError, Killed):
            pass  # its own errors are how flows give up; the next invocation goes on
        except BaseException as error:
            self.error = error
        self.at = None
        del _ACTORS[self._thread]
        self._others.release()


_ACTORS: dict[threading.Thread, Actor] = {}


class _OfTheThread:
    """Requests go to the calls of the actor whose thread sends them, all others straight on."""

    def send(self, real: Callable[[], Any], endpoint: Any, model: Any, request: Any) -> Any:
        actor = _ACTORS.get(threading.current_thread())
        return actor.calls.send(real, endpoint, model, request) if actor else real()

    def open(self, real: Callable[[], Any]) -> Any:
        actor = _ACTORS.get(threading.current_thread())
        return actor.calls.open(real) if actor else real()


@contextmanager
def stepped(sleep: Callable[[float], None]) -> Iterator[None]:
    """Within this, actors stop before their calls."""
    with hooked(_OfTheThread(), sleep):
        yield
