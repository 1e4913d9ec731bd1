"""The embedded AWS account: one ministack process on a loopback port."""

import json
import shutil
import ssl
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from local.account.clients import make_client
from local.account.environment import client_environment, server_environment
from local.account.notifications import Notifications
from local.account.processes import (
    ProcessError,
    ProcessIdentity,
    free_port,
    last_lines,
    port_is_free,
    start_process,
)
from local.account.workers import WorkerBound
from local.mail.mailbox import Mailbox
from local.mail.settings import MailSettings
from local.parent_watch import leashed

PROJECT_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60.0
_ENFORCED = {"AUTH": "true", "USE_SSL": "1"}
"""With AUTH ministack enforces policies, among them those that refuse connections without TLS."""


class EmbeddedAws:
    """An AWS account in a process of its own; use as a context manager, or start() and stop().

    `state_dir` receives `aws.log` and the server's temporary files, which stop() removes; all of
    the account's contents are in memory and end with it. `wait_scale` scales Step Functions' Wait
    states and retry pauses, not timeouts. `environment` is given to the server and thereby to
    every function. `usage_log` receives what would be billed (usage.py); `sdk_quicksight_url` is
    where Step Functions' integrations with QuickSight call. Past `lambda_concurrency` simultaneous
    invocations of all functions Lambda answers TooManyRequestsException; new accounts have 10.
    `notifications` says how late S3's notifications reach EventBridge, `mail` what SES allows; what
    it accepts stays in the folder `mail` of `state_dir` until the next start. The server ends when
    the process that started it dies, unless `outlive` is set.
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
        enforce_iam: bool = False,
        lambda_concurrency: int | None = None,
        notifications: Notifications | None = None,
        mail: MailSettings | None = None,
    ) -> None:
        self.state_dir = state_dir.resolve()
        self.port = port or free_port()
        self.process: ProcessIdentity | None = None
        self._wait_scale = wait_scale
        self._extra = dict(environment or {})
        if lambda_concurrency is not None:
            self._extra["LAMBDA_ACCOUNT_CONCURRENCY"] = str(lambda_concurrency)
        self._workers = workers or WorkerBound()
        self.mailbox = Mailbox(self.state_dir / "mail")
        self._options = {
            "--usage-log": usage_log.resolve() if usage_log else None,
            "--sdk-quicksight-url": sdk_quicksight_url,
            "--notifications": json.dumps(asdict(notifications)) if notifications else None,
            "--mail": mail.to_json() if mail else None,
            "--mail-folder": self.mailbox.folder,
        }
        self._outlive = outlive
        self._enforce_iam = enforce_iam

    @property
    def endpoint_url(self) -> str:
        """Where every AWS service of the account answers."""
        if self._enforce_iam:
            return f"https://localhost:{self.port}"  # whom the certificate names
        return f"http://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path | None:
        """The certificate that clients must trust where IAM is enforced: policies ask for TLS."""
        return (
            self.state_dir / "tmp" / "ministack-tls" / "server.crt" if self._enforce_iam else None
        )

    @property
    def log(self) -> Path:
        """The server's log; function output is in the account's CloudWatch Logs."""
        return self.state_dir / "aws.log"

    def environment(self) -> dict[str, str]:
        """The complete environment of a process that is a client of this account and no other."""
        return client_environment(self.endpoint_url, self.ca_file)

    def client(self, service: str) -> Any:
        """A boto3 client of this account, whatever the user's own AWS configuration says."""
        ca_file = str(self.ca_file) if self.ca_file else None
        return make_client(service, self.endpoint_url, ca_file=ca_file)

    def start(self) -> None:
        """Start the server and wait until it answers; ProcessError says why it did not."""
        if not port_is_free(self.port):
            raise ProcessError(f"port {self.port} is in use; the embedded account needs it free")
        tmp, home, _ = self._folder("tmp"), self._folder("home"), self._folder("mail")
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
            port=self.port,
            tmp=tmp,
            home=home,
            wait_scale=self._wait_scale,
            extra=self._extra | (_ENFORCED if self._enforce_iam else {}),
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
        while time.monotonic() < deadline:
            try:
                with self._opener().open(f"{self.endpoint_url}/_ministack/health", timeout=2):
                    return
            except OSError:
                if not process.is_alive():
                    break
                time.sleep(0.05)
        raise ProcessError(
            f"the embedded account did not start; see {self.log}\n{last_lines(self.log)}"
        )

    def _opener(self) -> urllib.request.OpenerDirector:
        """Opens no proxy. Its certificate is written while the server starts."""
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self.ca_file and self.ca_file.exists():
            context = ssl.create_default_context(cafile=str(self.ca_file))
            handlers.append(urllib.request.HTTPSHandler(context=context))
        return urllib.request.build_opener(*handlers)

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
