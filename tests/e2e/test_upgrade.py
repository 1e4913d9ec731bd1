"""A changed version is deployed in the middle of a burst: nothing is lost, nothing is done twice.

It goes by its name last on the shared stack, which has the changed version from then on.
"""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.deployed import FINAL, Deployed
from local.deployment import deploy
from local.testing import TEST_QUICKSIGHT
from tests.chaos.stack.messages import wait_until
from tests.chaos.stack.watch import Watch
from tests.support.bursts import burst, recipient
from tests.support.messages import message
from tests.support.versions import copy_project, replace_in

pytestmark = pytest.mark.nightly
DASHBOARD = "monthly-report"
"""No other test's, since its jobs take so long that others would wait for theirs."""
JOB_SECONDS = 6.0
RECIPIENTS = 30
WAITING = 12
"""Kept in the backlog until the deployment is over, however long that takes."""
MARK = "changed version"
CALLS_PER_SECOND = 7


def make_changed_version(folder: Path) -> Path:
    """A copy of the project with other code in every function and one state more."""
    copy_project(folder)
    boundary = folder / "lambdas" / "snapshot_export" / "handlers" / "boundary.py"
    replace_in(boundary, "logger = Logger()\n", f'logger = Logger(deployed="{MARK}")\n')
    machine = folder / "statemachine" / "snapshot_export.asl.json"
    definition = json.loads(machine.read_text())
    definition["States"]["Changed"] = {"Type": "Pass", "Next": "CollectFiles"}
    for choice in definition["States"]["RouteSnapshot"]["Choices"]:
        if choice["Next"] == "CollectFiles":
            choice["Next"] = "Changed"
    machine.write_text(json.dumps(definition))
    return folder


def deploy_changed_version(stack: Deployed, folder: Path) -> None:
    """As `make up` deploys, with a changed setting."""
    deploy(
        stack.endpoint_url,
        quicksight_url=stack.quicksight_url,
        ca_file=Path(stack.ca_file),
        log=folder / "log" / "cdk.log",
        parameters={
            "snapshotJobLimit": TEST_QUICKSIGHT.limit,
            "expectedJobSeconds": 40 * TEST_QUICKSIGHT.time_scale,
            "callsPerSecond": CALLS_PER_SECOND,
        },
        aws_ca_file=Path(stack.aws_ca_file) if stack.aws_ca_file else None,
        project=make_changed_version(folder / "project"),
    )


def keep_some_waiting(stack: Deployed, deployment: Future[None]) -> list[str]:
    """Send single exports until the deployment is over; their ids."""
    sent: list[str] = []

    def look() -> bool:
        missing = WAITING - len(stack.partition("BACKLOG"))
        more = [f"upgrade-more-{len(sent) + number}" for number in range(missing)]
        stack.send(*(message(each, dashboard=DASHBOARD) for each in more))
        sent.extend(more)
        return deployment.done()

    assert wait_until(look, 300), "the deployment did not end"
    return sent


def lines_of_releases(stack: Deployed) -> dict[str, dict[str, Any]]:
    """What the describe function logged when it freed the slot of an export of this test."""
    logs = stack.client("logs")
    groups = logs.get_paginator("describe_log_groups").paginate()
    names = [group["logGroupName"] for page in groups for group in page["logGroups"]]
    found = {}
    for name in names:
        if "DescribeFunction" not in name:
            continue
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
            for line in page["events"]:
                if '"slot released"' in line["message"] and '"upgrade' in line["message"]:
                    entry = json.loads(line["message"])
                    found[entry["export_id"]] = entry
    return found


def executions_of(stack: Deployed, prefix: str) -> dict[str, tuple[str, bool]]:
    """By name: how an execution ended, and whether it went through the new state."""
    states = stack.client("stepfunctions")
    pages = states.get_paginator("list_executions").paginate(
        stateMachineArn=stack.outputs["StateMachineArn"]
    )
    executions = [each for page in pages for each in page["executions"]]
    found = {}
    for each in executions:
        if each["name"].startswith(prefix):
            history = states.get_paginator("get_execution_history")
            events = [
                event
                for page in history.paginate(executionArn=each["executionArn"])
                for event in page["events"]
            ]
            entered = {e.get("stateEnteredEventDetails", {}).get("name") for e in events}
            found[each["name"]] = (each["status"], "Changed" in entered)
    return found


def test_a_changed_version_deployed_in_mid_burst_loses_nothing_and_starts_nothing_twice(
    deployed: Deployed, tmp_path: Path
) -> None:
    slow = {"kind": "job_seconds", "seconds": JOB_SECONDS, "DashboardId": DASHBOARD}
    deployed.switch(slow | {"times": 10_000})
    asked = burst("upgrade", [recipient(number) for number in range(1, RECIPIENTS + 1)])
    asked["Template"]["DashboardId"] = DASHBOARD
    ids = [f"upgrade-{line}" for line in range(1, RECIPIENTS + 1)]
    (tmp_path / "project").mkdir()
    watch = Watch(deployed, TEST_QUICKSIGHT.limit)
    watch.start()
    try:
        deployed.send({"Burst": asked})
        assert wait_until(lambda: ended(deployed, ids) >= RECIPIENTS // 3, 120)
        with ThreadPoolExecutor(1) as pool:
            deployment = pool.submit(deploy_changed_version, deployed, tmp_path)
            ids += keep_some_waiting(deployed, deployment)
            deployment.result()
        assert wait_until(lambda: ended(deployed, ids) == len(ids), 240), deployed.exports(ids)
        assert wait_until(lambda: not deployed.partition("GATE", "ATTEMPT#"), 60)
    finally:
        watch.stop()

    assert {each: deployed.exports([each])[each]["status"] for each in ids} == dict.fromkeys(
        ids, "COMPLETED"
    )
    jobs = [job for job in deployed.ledger()["jobs"] if job["SnapshotJobId"].startswith("upgrade")]
    assert len(jobs) == len(ids) and {job["starts"] for job in jobs} == {1}
    assert watch.wrong == [] and watch.readings > 0
    assert deployed.gate()["running"] == 0 and deployed.partition("BACKLOG") == []

    released = lines_of_releases(deployed)
    assert {line.get("deployed") for line in released.values()} == {None, MARK}
    assert wait_until(
        lambda: (
            {status for status, _ in executions_of(deployed, "upgrade").values()} == {"SUCCEEDED"}
        ),
        60,
    ), executions_of(deployed, "upgrade")
    ended_as = executions_of(deployed, "upgrade")
    assert len(ended_as) == len(ids), "an execution was begun anew"
    assert {changed for _, changed in ended_as.values()} == {False, True}
    assert any(
        changed is False and released.get(name.rsplit("-", 2)[0], {}).get("deployed") == MARK
        for name, (_, changed) in ended_as.items()
    ), "no execution of the old definition went on with the new code"
    pages = deployed.client("lambda").get_paginator("list_functions").paginate()
    settings = {
        each["Environment"]["Variables"]["CALLS_PER_SECOND"]
        for page in pages
        for each in page["Functions"]
        if "CALLS_PER_SECOND" in each.get("Environment", {}).get("Variables", {})
    }
    assert settings == {str(CALLS_PER_SECOND)}


def ended(stack: Deployed, ids: list[str]) -> int:
    return sum(each["status"] in FINAL for each in stack.exports(ids).values())
