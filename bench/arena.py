"""Where the rows run: one embedded account, and a QuickSight of its own for each kind of row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.requests import DASHBOARDS
from local.account import EmbeddedAws, WorkerBound
from local.account.clients import make_bucket
from local.account.processes import free_port
from local.deployed import Deployed
from local.deployment import deploy
from local.quicksight_process import QuickSightProcess, QuickSightSettings

OURS, SEMAPHORE = "ours", "semaphore"
_WORKERS = WorkerBound(per_function=4, polling=14, total=40)
"""A describe function may watch its job from within. AWS would start more of the others at once,
each on a machine of its own; on two cores they would keep each other from starting."""

BUCKET_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "quicksight.amazonaws.com"},
            "Action": ["s3:PutObject", "s3:GetBucketLocation"],
            "Resource": ["arn:aws:s3:::{bucket}", "arn:aws:s3:::{bucket}/*"],
        }
    ],
}


class Arena:
    """The servers, as a context manager.

    `scale` multiplies job times, `wait_scale` Step Functions' waits; 1.0 is real. Every
    QuickSight has the same seed and gives a job its time by dashboard and viewer, so all rows work
    on the same job times. `folder` keeps the logs.
    """

    def __init__(
        self,
        folder: Path,
        kinds: tuple[str, ...],
        *,
        scale: float,
        seed: int,
        wait_scale: float = 1.0,
    ) -> None:
        self.folder = folder
        self._scale = scale
        self._wait_scale = wait_scale
        port = free_port()
        self._endpoint = f"http://127.0.0.1:{port}"
        settings = QuickSightSettings(
            time_scale=scale, seed=seed, durations="by-viewer", dashboards=DASHBOARDS
        )
        self._quicksights = {kind: QuickSightProcess(folder / kind, settings) for kind in kinds}
        self._port = port
        self._stack = ExitStack()
        self._usage = folder / "usage.jsonl"
        self.aws: EmbeddedAws

    def deploy(self) -> Deployed:
        """Our own stack, with its defaults (but for what the scale changes)."""
        mine = self._quicksights[OURS]
        outputs = deploy(
            self._endpoint,
            quicksight_url=mine.url,
            ca_file=mine.ca_file,
            log=self.folder / "cdk.log",
            parameters={} if self._scale == 1.0 else {"expectedJobSeconds": 40 * self._scale},
        )
        return self.deployed(OURS, outputs)

    def deployed(self, kind: str, outputs: Mapping[str, str] | None = None) -> Deployed:
        """Clients of the account with the QuickSight of a kind of row."""
        mine = self._quicksights[kind]
        return Deployed(
            endpoint_url=self._endpoint,
            quicksight_url=mine.url,
            ca_file=str(mine.ca_file),
            outputs=outputs or {},
        )

    def make_bucket(self, name: str) -> None:
        """A bucket that QuickSight may write to."""
        storage = self.aws.client("s3")
        make_bucket(storage, name)
        policy = json.dumps(BUCKET_POLICY).replace("{bucket}", name)
        storage.put_bucket_policy(Bucket=name, Policy=policy)

    def usage(self) -> list[dict[str, Any]]:
        """The lines of the account's log so far (local/account/usage.py)."""
        lines = self._usage.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def __enter__(self) -> Arena:
        with ExitStack() as stack:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._usage.unlink(missing_ok=True)
            for process in self._quicksights.values():
                process.start(self._endpoint)
                stack.callback(process.stop)
            sdk = self._quicksights.get(SEMAPHORE)
            self.aws = EmbeddedAws(
                self.folder / "account",
                port=self._port,
                workers=_WORKERS,
                wait_scale=self._wait_scale,
                usage_log=self._usage,
                sdk_quicksight_url=sdk.url if sdk else None,
            )
            self.aws.start()
            stack.callback(self.aws.stop)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
