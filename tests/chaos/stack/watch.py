"""Gate and leases, read for as long as a run lasts."""

from __future__ import annotations

import threading
import time

from local.deployed import Deployed

_PAUSE_SECONDS = 0.1
_MAX_KEPT = 20


class Watch(threading.Thread):
    """Reads both in one query, so that each reading is of one instant in the embedded account."""

    def __init__(self, deployed: Deployed, limit: int) -> None:
        super().__init__(daemon=True, name="Watch")
        self._deployed = deployed
        self._limit = limit
        self._over = threading.Event()
        self.readings = 0
        self.peak = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        """Read until stopped; what is wrong is kept."""
        while not self._over.wait(_PAUSE_SECONDS):
            items = self._deployed.partition("GATE")
            running = next((int(i.get("running", 0)) for i in items if i["sk"] == "GATE"), 0)
            holders = [i["sk"] for i in items if "ATTEMPT#" in i["sk"] and i.get("holds_slot")]
            self.readings += 1
            self.peak = max(self.peak, running)
            if running != len(holders):
                self._note(f"the gate counts {running}, {len(holders)} hold a slot")
            if running > self._limit:
                self._note(f"{running} run, the limit is {self._limit}")

    def _note(self, text: str) -> None:
        if len(self.wrong) < _MAX_KEPT:
            self.wrong.append(f"reading {self.readings} at {time.strftime('%H:%M:%S')}: {text}")

    def stop(self) -> None:
        """Read no more."""
        self._over.set()
        self.join(30)
