"""What the flows need of an account, made without a deployment, with every call counted."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import boto3

from local.account import EmbeddedAws
from local.account.clients import make_bucket
from local.account.environment import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY
from snapshot_export.adapters.services import Services, make_services
from snapshot_export.settings import Settings

NAME = "bench"
_DEFINITION = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}


class BenchSession(boto3.Session):
    """A session whose clients call the embedded account or QuickSight's emulator, and count."""

    def __init__(self, url: str, quicksight_url: str, calls: Counter[str]) -> None:
        super().__init__(ACCESS_KEY, SECRET_KEY, region_name=REGION)
        self._url = url
        self._quicksight_url = quicksight_url
        self._calls = calls

    def client(self, service_name: str, *arguments: Any, **more: Any) -> Any:
        parent: Any = super()
        url = self._quicksight_url if service_name == "quicksight" else self._url
        made = parent.client(service_name, *arguments, **more | {"endpoint_url": url})

        def count(model: Any, **_more: object) -> None:
            self._calls[f"{service_name}.{model.name}"] += 1

        made.meta.events.register("before-call", count)
        return made


def make_account(aws: EmbeddedAws, quicksight_url: str) -> tuple[Services, Counter[str]]:
    """Services over a new table, bucket, queues and machine; and the calls made so far."""
    calls: Counter[str] = Counter()
    session = BenchSession(aws.endpoint_url, quicksight_url, calls)
    settings = Settings.from_env(make_environment(session))
    return make_services(settings, session, now=time.time, sleep=time.sleep), calls


def make_environment(session: boto3.Session) -> dict[str, str]:
    """A function's variables, over a new table, bucket, queues and machine."""
    session.client("dynamodb").create_table(
        TableName=NAME,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
        ],
    )
    make_bucket(session.client("s3"), NAME)
    machine = session.client("stepfunctions").create_state_machine(
        name=NAME,
        definition=json.dumps(_DEFINITION),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/{NAME}",
    )
    return {
        "TABLE_NAME": NAME,
        "EXPORT_BUCKET": NAME,
        "REJECTED_QUEUE_URL": _queue(session, "rejected"),
        "BURST_QUEUE_URL": _queue(session, "burst"),
        "STATE_MACHINE_ARN": machine["stateMachineArn"],
        "EVENT_BUS_NAME": "default",
        "QUICKSIGHT_ACCOUNT_ID": ACCOUNT,
        "QUICKSIGHT_REGION": REGION,
        "SNAPSHOT_JOB_LIMIT": "12",
        "RESERVED_SLOTS": "0",
        "CALLS_PER_SECOND": "8",
        "EXPECTED_JOB_SECONDS": "40",
        "RETENTION_DAYS": "30",
        "UNREADABLE_ROW_LEVEL_SECURITY": "REFUSE",
        "SNAPSHOT_USER_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/{NAME}",
        "SCHEDULE_GROUP": NAME,
        "SCHEDULE_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/{NAME}",
        "SCHEDULE_QUEUE_ARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:intake",
        "SCHEDULE_DEAD_LETTER_ARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead",
    }


def _queue(session: boto3.Session, name: str) -> str:
    url: str = session.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url
