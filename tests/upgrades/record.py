"""`python -m tests.upgrades.record FILE`: an account amid its work, as this code has it.

Runs in old commits too (README.md), so it uses only what every one of them has.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from moto import mock_aws

from snapshot_export.domain.export import Status
from snapshot_export.flows.export.check import check
from tests.support.messages import message
from tests.support.sessions import WorldSession
from tests.support.world import ACCOUNT, REGION, Clock, World, quicksight_on

SLOTS = 4
"""The gate's limit in a record: four slots are held, the others wait."""


def main() -> None:
    """Play, and write the record."""
    (target,) = sys.argv[1:]
    for name in ("AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)
    clock = Clock()
    with quicksight_on(clock) as quicksight, mock_aws():
        os.environ["AWS_ENDPOINT_URL_QUICKSIGHT"] = quicksight.url
        os.environ["AWS_ENDPOINT_URL_STS"] = quicksight.url
        os.environ["SSL_CERT_FILE"] = str(quicksight.ca_file)
        os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT
        session = WorldSession(region_name=REGION)
        started: list[dict[str, Any]] = []
        session.events.register(
            "provide-client-params.quicksight.StartDashboardSnapshotJob",
            lambda params, **_more: started.append(dict(params)),
        )
        world = World(session, quicksight, clock)
        play(world)
        text = json.dumps(record_of(world, started), sort_keys=True)
    Path(target).write_text(
        text.replace(world.settings.export_bucket, "{world}") + "\n", encoding="utf-8"
    )


def play(world: World) -> None:
    """One export of each state: released, running, waiting for a retry, admitted, waiting.

    With a burst that runs and one whose recipients were not read, where there are bursts.
    """
    set_limit(world)
    for name in ("ended", "running"):
        world.switch("hang_job", SnapshotJobId=f"{name}-")
        world.send(message(name))
    world.switch("fail_job", SnapshotJobId="retried-", ErrorType="INTERNAL_FAILURE")
    world.send(message("retried"))
    while world.export("retried").attempt == 1 or world.export("retried").status != Status.QUEUED:
        world.driver.run(until=world.clock.now() + 5)
    if hasattr(world, "work_on_bursts"):
        world.send({"Burst": burst_of("burst")})
        world.work_on_bursts()
    for name in ("first", "second", "third", "fourth"):
        world.send(message(name))
    world.send(message("urgent", Priority=1, Deadline="2027-01-16T12:00:00Z"))
    if hasattr(world, "work_on_bursts"):
        world.send({"Burst": burst_of("unread")})
    world.quicksight.emulator.clear_switches()
    while check(world.services, "ended", 1, 1)["Phase"] != "ENDED":
        world.clock.sleep(1)


def burst_of(burst_id: str) -> dict[str, Any]:
    """A burst of three, as users have sent it from the first version on."""
    template = message(None)
    del template["UserConfiguration"]
    recipients = [
        {
            "RecipientId": f"r-{number}",
            "RowLevelPermissionTags": [{"Key": "customer_id", "Value": f"cust-{number:04d}"}],
        }
        for number in (1, 2, 3)
    ]
    return {"BurstId": burst_id, "Template": template, "Recipients": recipients}


def set_limit(world: World) -> None:
    """As an operator lowers it."""
    pk, sk = world.keys.gate
    item: Any = {"pk": {"S": pk}, "sk": {"S": sk}, "limit": {"N": str(SLOTS)}}
    table = world.settings.table_name
    world.session.client("dynamodb").put_item(TableName=table, Item=item)


def record_of(world: World, started: list[dict[str, Any]]) -> dict[str, Any]:
    """Table, texts in the bucket, snapshot jobs that were begun, executions, work on bursts."""
    world.driver.take_new()
    items = world.session.client("dynamodb").scan(TableName=world.settings.table_name)["Items"]
    s3, bucket = world.session.client("s3"), world.settings.export_bucket
    objects = {}
    for each in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        content = s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        if not each["Key"].endswith(".pdf"):
            objects[each["Key"]] = content.decode()
    return {
        "time": world.clock.now(),
        "items": sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"])),
        "objects": objects,
        "jobs": started,
        "executions": [
            {"arn": step.execution_arn, "ids": step.ids, "state": step.state, "at": step.at}
            for step in world.driver._queue
        ],
        "burst_work": [list(each) for each in getattr(world, "burst_queue", _NoBursts).sent],
    }


class _NoBursts:
    sent = ()


if __name__ == "__main__":
    main()
