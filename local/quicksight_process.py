"""The QuickSight emulator as a process of its own, and the tests' own way to talk to it."""

import json
import shutil
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.account.environment import ACCOUNT, REGION, client_environment
from local.account.processes import ProcessError, ProcessIdentity, last_lines, start_process
from local.parent_watch import leashed
from local.quicksight.durations import Durations
from local.quicksight.settings import OtherPlace

_PROJECT_ROOT = Path(__file__).resolve().parents[1]
_START_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class QuickSightSettings:
    """How the emulated account behaves; `time_scale` 1.0 gives jobs a mean of 40 s."""

    limit: int = 12
    calls_per_second: int = 10
    time_scale: float = 0.3
    seed: int = 7
    durations: Durations = "by-arrival"
    dashboards: int | None = None
    others: tuple[OtherPlace, ...] = ()
    athena_role: str | None = None

    def arguments(self) -> list[str]:
        """The emulator's command line."""
        values = {f"--{name.replace('_', '-')}": value for name, value in asdict(self).items()}
        others = values.pop("--others")
        return [f"{name}={value}" for name, value in values.items() if value is not None] + [
            f"--other={json.dumps(other)}" for other in others
        ]


class QuickSightProcess:
    """The emulator; `url`, `ca_file` and `process` hold from start() to stop()."""

    def __init__(
        self, state_dir: Path, settings: QuickSightSettings, *, outlive: bool = False
    ) -> None:
        self.state_dir = state_dir.resolve()
        self.log = self.state_dir / "quicksight.log"
        self.process: ProcessIdentity | None = None
        self.url = ""
        self.ca_file = Path()
        self._settings = settings
        self._outlive = outlive

    def start(self, aws_endpoint: str, aws_ca_file: Path | None = None) -> None:
        """Start it, and wait until it listens; its files go to the buckets of `aws_endpoint`."""
        folder = self.state_dir / "quicksight"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        command = leashed(
            "local.quicksight",
            f"--state-dir={folder}",
            f"--aws-endpoint={aws_endpoint}",
            f"--account={ACCOUNT}",
            f"--region={REGION}",
            *self._settings.arguments(),
            outlive=self._outlive,
        )
        env = client_environment(aws_endpoint, aws_ca_file)
        self.process = start_process(command, env=env, log=self.log, cwd=_PROJECT_ROOT)
        try:
            state = _read_state(folder / "quicksight.json", self.process, self.log)
        except BaseException:
            self.stop()
            raise
        self.url, self.ca_file = state["url"], Path(state["ca_file"])

    def stop(self) -> None:
        """End it; idempotent."""
        if self.process is not None:
            self.process.stop()
            self.process = None


def _read_state(path: Path, process: ProcessIdentity, log: Path) -> dict[str, Any]:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.is_alive():
        if path.exists():
            state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return state
        time.sleep(0.05)
    raise ProcessError(f"the QuickSight emulator did not start; see {log}\n{last_lines(log)}")


def call_emulator(
    url: str, method: str, name: str, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """One of the emulator's own endpoints; raises urllib's HTTPError if it refuses."""
    request = urllib.request.Request(
        f"{url}/_emulator/{name}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        found: dict[str, Any] = json.loads(answer.read() or b"{}")
        return found
