"""Two targets besides the default, on the deployed stack."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.account.clients import make_bucket
from local.deployed import Deployed
from tests.support.deployed_api import call_api
from tests.support.messages import message
from tests.support.targets import BUCKET, IRELAND, PARTNER
from tests.support.world import BUCKET_POLICY

TARGETS = ("default", "ireland", "partner")


@pytest.fixture
def bucket(deployed: Deployed) -> str:
    """The bucket in Ireland, made by its owner."""
    s3 = deployed.client("s3", IRELAND[1])
    make_bucket(s3, BUCKET)
    s3.put_bucket_policy(
        Bucket=BUCKET, Policy=json.dumps(BUCKET_POLICY).replace("{bucket}", BUCKET)
    )
    return BUCKET


def input_of(deployed: Deployed, export_id: str) -> dict[str, Any]:
    arn = deployed.execution_arn(export_id)
    found: dict[str, Any] = json.loads(
        deployed.client("stepfunctions").describe_execution(executionArn=arn)["input"]
    )
    return found


def test_exports_of_every_target_become_files_where_they_belong(
    deployed: Deployed, bucket: str
) -> None:
    ids = {target: [f"to-{target}-{number}" for number in range(3)] for target in TARGETS}
    deployed.send(*[message(each, Target=target) for target in TARGETS for each in ids[target]])
    own = deployed.outputs["ExportBucketName"]
    for target, expected in zip(TARGETS, (own, bucket, own), strict=True):
        for each in ids[target]:
            export = deployed.wait_for_export(each, 120)
            assert export["status"] == "COMPLETED", export
            assert export["target"] == target
            assert export["files"][0]["uri"].startswith(f"s3://{expected}/exports/")
    for target, place in (("ireland", IRELAND), ("partner", PARTNER)):
        jobs = deployed.ledger(place)["jobs"]
        assert {job["SnapshotJobId"].rsplit("-", 2)[0] for job in jobs} == set(ids[target])
        assert deployed.ledger(place)["summary"]["calls"] > 0
    assert "Target" not in input_of(deployed, "to-default-0")
    assert input_of(deployed, "to-partner-0")["Target"] == "partner"


def test_a_target_is_steered_by_its_name(deployed: Deployed) -> None:
    changed = call_api(deployed, "PUT", "/capacity?Target=partner", {"Limit": 0})
    assert (changed["Target"], changed["Limit"]) == ("partner", 0)
    assert changed["Targets"] == list(TARGETS)
    try:
        deployed.send(message("held", Target="partner"), message("let-in"))
        assert deployed.wait_for_export("let-in")["status"] == "COMPLETED"
        shown = call_api(deployed, "GET", "/exports/held")
        assert (shown["Status"], shown["Target"], shown["Place"]) == ("QUEUED", "partner", 1)
    finally:
        call_api(deployed, "PUT", "/capacity?Target=partner", {"Limit": None})
    assert deployed.wait_for_export("held")["status"] == "COMPLETED"
