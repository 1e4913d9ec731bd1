"""Runs that part at each call: a copy of the process meets the fate, the process itself goes on.

A forked process is in the same state to the last byte, so a run needs no repeating up to the call.
"""

from __future__ import annotations

import json
import os
import selectors
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from tests.chaos.calls import Call, Fate

MAX_TEXT = 16_000
"""Of an outcome; it is read only when the copy has ended, so it must fit into the pipe."""


@dataclass(frozen=True)
class Outcome:
    """What became of one fate of one call."""

    call: Call
    fate: Fate
    violations: tuple[str, ...]


class Branches:
    """The choice of a fate that forks for each fate of each call; at most `most` copies at once."""

    def __init__(self, fates: Callable[[Call], Iterable[Fate]], most: int = 2) -> None:
        self._fates = fates
        self._most = most
        self._pipe: int | None = None
        self._selector = selectors.DefaultSelector()
        self.outcomes: list[Outcome] = []

    def choose(self, call: Call) -> Fate | None:
        """None in the process itself; the fate in a copy, once."""
        if self._pipe is not None:
            return None
        for fate in self._fates(call):
            if self._is_copy_of(call, fate):
                return fate
        return None

    def end(self, violations: tuple[str, ...]) -> None:
        """Call at the end of the run: a copy hands over its violations and is gone."""
        if self._pipe is not None:
            with suppress(OSError):
                os.write(self._pipe, json.dumps(violations).encode()[:MAX_TEXT])
            os._exit(0)
        while self._selector.get_map():
            self._reap()

    def break_off(self) -> None:
        """Call in an `except`: a copy hands over its exception and is gone."""
        if self._pipe is not None:
            text = "".join(traceback.format_exception(*sys.exc_info())[-4:])
            self.end((f"the run broke off: {text}"[-3000:],))

    def _is_copy_of(self, call: Call, fate: Fate) -> bool:
        while len(self._selector.get_map()) >= self._most:
            self._reap()
        reader, writer = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            self._pipe = writer
            return True
        os.close(writer)
        self._selector.register(reader, selectors.EVENT_READ, (pid, call, fate))
        return False

    def _reap(self) -> None:
        for key, _ in self._selector.select():
            pid, call, fate = key.data
            with os.fdopen(key.fd, "rb") as pipe:
                self._selector.unregister(key.fd)
                text = pipe.read()
            _, status = os.waitpid(pid, 0)
            try:
                violations = tuple(json.loads(text))
            except ValueError:
                violations = (f"the run died with status {status}",)
            self.outcomes.append(Outcome(call, fate, violations))
