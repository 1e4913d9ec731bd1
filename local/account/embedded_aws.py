"""The embedded AWS account: one ministack process on a loopback port."""

import shutil
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from local.account.clients import make_client
from local.account.environment import client_environment, server_environment
from local.account.processes import (
    ProcessError,
    ProcessIdentity,
    free_port,
    last_lines,
    port_is_free,
    start_process,
)
from local.account.workers import WorkerBound
from local.leash import leashed

PROJECT_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60.0


class EmbeddedAws:
    """An AWS account in a process of its own; use as a context manager, or start() and stop().

    `state_dir` receives `aws.log` and the server's temporary files, which stop() removes; all of
    the account's contents are in memory and end with it. `wait_scale` scales Step Functions' Wait
    states and retry pauses, not timeouts. `environment` is given to the server and thereby to
    every function. `usage_log` receives what would be billed (usage.py); `sdk_quicksight_url` is
    where Step Functions' integrations with QuickSight call. The server ends when the process that
    started it dies, unless `outlive` is set.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        port: int | None = None,
        wait_scale: float = 1.0,
        environment: Mapping[str, str] | None = None,
        workers: WorkerBound | None = None,
        usage_log: Path | None = None,
        sdk_quicksight_url: str | None = None,
        outlive: bool = False,
    ) -> None:
        self.state_dir = state_dir.resolve()
        self.port = port or free_port()
        self.process: ProcessIdentity | None = None
        self._wait_scale = wait_scale
        self._extra = dict(environment or {})
        self._workers = workers or WorkerBound()
        self._options = {
            "--usage-log": usage_log.resolve() if usage_log else None,
            "--sdk-quicksight-url": sdk_quicksight_url,
        }
        self._outlive = outlive

    @property
    def endpoint_url(self) -> str:
        """Where every AWS service of the account answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """The server's log; function output is in the account's CloudWatch Logs."""
        return self.state_dir / "aws.log"

    def environment(self) -> dict[str, str]:
        """The complete environment of a process that is a client of this account and no other."""
        return client_environment(self.endpoint_url)

    def client(self, service: str) -> Any:
        """A boto3 client of this account, whatever the user's own AWS configuration says."""
        return make_client(service, self.endpoint_url)

    def start(self) -> None:
        """Start the server and wait until it answers; ProcessError says why it did not."""
        if not port_is_free(self.port):
            raise ProcessError(f"port {self.port} is in use; the embedded account needs it free")
        tmp, home = self._folder("tmp"), self._folder("home")
        command = leashed(
            "local.account.launcher",
            f"--workers-per-function={self._workers.per_function}",
            f"--workers-polling={self._workers.polling}",
            f"--workers={self._workers.total}",
            f"--code-cache={PROJECT_ROOT / '.local' / 'code'}",
            *(f"{name}={value}" for name, value in self._options.items() if value),
            outlive=self._outlive,
        )
        env = server_environment(
            port=self.port, tmp=tmp, home=home, wait_scale=self._wait_scale, extra=self._extra
        )
        self.process = start_process(command, env=env, log=self.log, cwd=PROJECT_ROOT)
        try:
            self._wait_until_healthy(self.process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server and its function workers, and wipe their temporary files; idempotent."""
        if self.process is not None:
            self.process.stop()
            self.process = None
        for name in ("tmp", "home"):
            shutil.rmtree(self.state_dir / name, ignore_errors=True)

    def _folder(self, name: str) -> Path:
        folder = self.state_dir / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _wait_until_healthy(self, process: ProcessIdentity) -> None:
        deadline = time.monotonic() + _START_SECONDS
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < deadline:
            try:
                with opener.open(f"{self.endpoint_url}/_ministack/health", timeout=2):
                    return
            except OSError:
                if not process.is_alive():
                    break
                time.sleep(0.05)
        raise ProcessError(
            f"the embedded account did not start; see {self.log}\n{last_lines(self.log)}"
        )

    def __enter__(self) -> "EmbeddedAws":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
