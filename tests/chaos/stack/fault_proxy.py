"""A microburst of one's own: started, given its rules, and asked what it did."""

from __future__ import annotations

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from local.account.environment import client_environment
from local.account.processes import ProcessError, ProcessIdentity, free_port, start_process
from local.deployment import PROJECT_ROOT
from local.parent_watch import leashed
from tests.chaos.stack.faults import Fault, Rule

_START_SECONDS = 30.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class FaultProxy:
    """Stands before `upstream` at `url`, as a context manager; strikes nothing until told to."""

    def __init__(self, name: str, upstream: str, *, state_dir: Path, seed: int) -> None:
        self._name = name
        self._upstream = upstream
        self._log = state_dir / f"{name}.log"
        self._seed = seed
        self._process: ProcessIdentity | None = None
        self._faults: dict[int, str] = {}
        self.url = ""

    def strike(self, faults: Sequence[Fault], *, in_turn: bool) -> None:
        """Let calls go wrong from now on."""
        made = self._call("POST", "rules", [fault.rule(in_turn=in_turn) for fault in faults])
        self._faults |= {rule["id"]: fault.name for rule, fault in zip(made, faults, strict=True)}

    def break_service(self, outage: Rule, seconds: float) -> None:
        """Let every call of a service fail for some seconds."""
        made = self._call("PATCH", "rules", [outage | {"ttl_s": seconds}])
        self._faults |= {rule["id"]: f"{outage['service']} outage" for rule in made[-1:]}

    def calm(self) -> None:
        """Pass every call on."""
        self._call("DELETE", "rules", [])

    def fired(self) -> list[dict[str, Any]]:
        """Every strike so far: rule_id, service, operation, action."""
        found: list[dict[str, Any]] = self._call("GET", "fired?limit=1000000")
        return found

    def strikes(self) -> Counter[str]:
        """How often each fault struck, 0 included, by name."""
        counted = Counter(self._faults.get(event["rule_id"], "unknown") for event in self.fired())
        return Counter({name: counted[name] for name in sorted(set(self._faults.values()))})

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_microburst/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with _OPENER.open(request, timeout=30) as answer:
            return json.loads(answer.read())

    def __enter__(self) -> FaultProxy:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = leashed(
            "tests.chaos.stack.proxy",
            f"--upstream={self._upstream}",
            f"--port={port}",
            f"--seed={self._seed}",
            outlive=False,
        )
        env = client_environment(self._upstream)
        self._process = start_process(command, env=env, log=self._log, cwd=PROJECT_ROOT)
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.is_alive():
            try:
                self._call("GET", "health")
                return self
            except OSError:
                time.sleep(0.05)
        self._process.stop()
        raise ProcessError(f"the fault proxy {self._name} did not start; see {self._log}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.stop()
