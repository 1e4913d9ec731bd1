"""AWS as ministack and as moto's server speak it, for the same adapters.

Each lives in a process of its own, so that settings of one never reach the other.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import boto3

from local.account import EmbeddedAws
from local.account.clients import make_bucket
from local.account.environment import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY, client_environment
from local.account.processes import free_port, last_lines, port_is_free, start_process
from local.parent_watch import leashed
from snapshot_export.adapters.services import Services, make_services
from snapshot_export.settings import Settings
from tests.support.world import make_queue, make_schedule_group, make_table

Implementation = Literal["ministack", "moto"]
IMPLEMENTATIONS: tuple[Implementation, ...] = ("ministack", "moto")
WAITS = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
_START_SECONDS = 60
PROJECT_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The adapters over an account with empty resources of its own. `now` is its fixed clock."""

    session: boto3.Session
    settings: Settings
    services: Services

    def client(self, service: str) -> Any:
        """A client of the account."""
        return self.session.client(service)  # type: ignore[call-overload]


@contextmanager
def serving(implementation: Implementation, folder: Path) -> Iterator[str]:
    """The address of an empty account."""
    if implementation == "ministack":
        with EmbeddedAws(folder) as aws:
            yield aws.endpoint_url
        return
    port = free_port()
    command = leashed("moto.server", "--host=127.0.0.1", f"--port={port}", outlive=False)
    log = folder / "moto.log"
    environment = client_environment(f"http://127.0.0.1:{port}") | {"MOTO_ACCOUNT_ID": ACCOUNT}
    process = start_process(command, env=environment, log=log, cwd=PROJECT_ROOT)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while port_is_free(port):
            if not process.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(f"moto's server did not start:\n{last_lines(log)}")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()


def make_deployment(now: float) -> Deployment:
    """Resources and adapters; AWS is where the environment says (AWS_ENDPOINT_URL)."""
    session = boto3.Session(ACCESS_KEY, SECRET_KEY, region_name=REGION)
    name = f"contract-{uuid.uuid4().hex[:10]}"
    role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    make_table(session, f"{name}-t")
    make_bucket(session.client("s3"), name)
    make_queue(session, f"{name}-i")
    machine = session.client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps(WAITS), roleArn=role
    )
    settings = Settings(
        table_name=f"{name}-t",
        export_bucket=name,
        rejected_queue_url=make_queue(session, f"{name}-r"),
        burst_queue_url=make_queue(session, f"{name}-b"),
        schedule_group=make_schedule_group(session, f"{name}-g"),
        schedule_role_arn=role,
        schedule_queue_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-i",
        schedule_dead_letter_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-d",
        snapshot_user_role_arn=role,
        state_machine_arn=machine["stateMachineArn"],
        event_bus_name="default",
        quicksight_account_id=ACCOUNT,
        quicksight_region=REGION,
        snapshot_job_limit=12,
        calls_per_second=8,
        expected_job_seconds=40,
        allowed_buckets=frozenset(),
        retention_days=30,
        targets={},
    )
    services = make_services(settings, session, now=lambda: now, sleep=lambda _seconds: None)
    return Deployment(session=session, settings=settings, services=services)
