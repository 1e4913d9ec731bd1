"""`snapshots doctor --confirm`: facts confirmed, false and open, by what the account answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snapshots.doctor.confirmations import FACTS
from tests.contract.doctor.conftest import Examine
from tests.contract.doctor.patient import MADE, Patient, Refusal

PAGE = (Path(__file__).parents[3] / "docs" / "real-account.md").read_text(encoding="utf-8")
CLI = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
SECRET = "cust-0815"
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
Break = Callable[[Patient], object]


def trail(**events: dict[str, Any]) -> Break:
    """CloudTrail with one event of each name."""

    def answer(members: Any) -> dict[str, Any]:
        body = json.loads(members["body"])
        name = body["LookupAttributes"][0]["AttributeValue"]
        found = [{"CloudTrailEvent": json.dumps(events[name])}] if name in events else []
        return {"Events": found}

    return lambda patient: patient.script.update({"cloudtrail:LookupEvents": answer})


def with_tag(value: str, **more: Any) -> dict[str, Any]:
    tags = {"rowLevelPermissionTags": [{"key": "customer_id", "value": value}]}
    return {"requestParameters": {"userConfiguration": {"anonymousUsers": [tags]}}, **more}


def script(call: str, answer: Any) -> Break:
    return lambda patient: patient.script.update({call: answer})


def executions(**counts: int) -> Break:
    def answer(members: Any) -> dict[str, Any]:
        count = counts.get(json.loads(members["body"])["statusFilter"], 0)
        one = {
            "executionArn": "arn:aws:states:us-east-1:000000000000:execution:m:e",
            "stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:m",
            "name": "e",
            "status": "SUCCEEDED",
            "startDate": MADE,
        }
        return {"executions": [one] * count}

    return script("stepfunctions:ListExecutions", answer)


def expiry(status: str) -> Break:
    expiry = {"TimeToLiveStatus": status, "AttributeName": "expires_at"}
    return script("dynamodb:DescribeTimeToLive", {"TimeToLiveDescription": expiry})


def parameter(name: str) -> Break:
    declared = [
        {"StringParameterDeclaration": {"Name": name, "ParameterValueType": "SINGLE_VALUED"}}
    ]
    definition = {"DataSetIdentifierDeclarations": [], "ParameterDeclarations": declared}
    return script("quicksight:DescribeDashboardDefinition", {"Definition": definition})


def protection(is_on: bool) -> Break:
    def change(patient: Patient) -> None:
        stack = patient._describe_stacks({})["Stacks"][0]
        protected = {**stack, "EnableTerminationProtection": is_on}
        patient.script["cloudformation:DescribeStacks"] = {"Stacks": [protected]}

    return change


def no_quota(patient: Patient) -> None:
    patient.script["service-quotas:ListServiceQuotas"] = {"Quotas": []}


def job(code: str) -> Break:
    return script("quicksight:DescribeDashboardSnapshotJob", Refusal(code))


def namespace(**members: str) -> Break:
    return script("quicksight:DescribeNamespace", {"Namespace": {"Name": "default", **members}})


OF_QUICKSIGHT = {"userIdentity": {"invokedBy": "quicksight.amazonaws.com"}}
DENIED = {"errorCode": "AccessDenied"}
ANSWERS: dict[str, tuple[Break, Break]] = {
    "describe-of-nothing": (
        job("ResourceNotFoundException"),
        job("InvalidParameterValueException"),
    ),
    "describe-of-bad-id": (job("ResourceNotFoundException"), job("InvalidParameterValueException")),
    "identity-region": (namespace(CapacityRegion="eu-west-1"), namespace()),
    "snapshot-quota": (no_quota, lambda patient: patient.quota("Snapshot jobs", 20)),
    "parameter-names": (parameter("Region1"), parameter("sales region")),
    "records-expire": (expiry("ENABLED"), expiry("DISABLED")),
    "state-machine-role": (executions(SUCCEEDED=2), executions(FAILED=1)),
    "deletion-protection": (protection(is_on=True), protection(is_on=False)),
    "snapshot-job-arn": (
        trail(StartDashboardSnapshotJob=with_tag(HIDDEN)),
        trail(StartDashboardSnapshotJob=with_tag(HIDDEN, **DENIED)),
    ),
    "source-account-kms": (
        trail(GenerateDataKey=OF_QUICKSIGHT),
        trail(GenerateDataKey=OF_QUICKSIGHT | DENIED),
    ),
    "cloudtrail-values": (
        trail(StartDashboardSnapshotJob=with_tag(HIDDEN)),
        trail(StartDashboardSnapshotJob=with_tag(SECRET)),
    ),
}
"""How a fact is confirmed, and how it is false."""
NEVER_FALSE = {"tag-rules-status"}
"""Rules without a Status stay open: only a file shows whether they filter."""


def confirmations(examine: Examine, *more: str) -> tuple[int, dict[str, dict[str, str]]]:
    done = examine("--confirm", "--dashboard", "sales-overview", *more)
    return done.code, {each["Id"]: each for each in json.loads(done.out)["Confirmations"]}


@pytest.fixture(autouse=True)
def deployed(patient: Patient) -> None:
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
    patient.outputs |= {"TableName": "t", "StateMachineArn": arn}
    for answer in (trail(), executions(), no_quota, expiry("ENABLED"), parameter("Region"),
                   protection(is_on=True)):  # fmt: skip
        answer(patient)


def test_each_fact_is_a_row_of_the_page_and_can_be_false() -> None:
    ids = [fact.id for fact in FACTS]
    assert [each for each in ids if f"\n| `{each}` |" not in PAGE] == []
    assert set(ids) == set(ANSWERS) | NEVER_FALSE


@pytest.mark.parametrize("fact", ANSWERS)
def test_a_fact_is_confirmed_by_the_answer_that_it_foretells(
    examine: Examine, patient: Patient, fact: str
) -> None:
    ANSWERS[fact][0](patient)
    _, found = confirmations(examine)
    assert found[fact]["Outcome"] == "confirmed", found[fact]
    assert f"row {fact}: take it out" in found[fact]["Change"]


@pytest.mark.parametrize("fact", ANSWERS)
def test_a_false_fact_is_reported_with_the_line_to_change(
    examine: Examine,
    patient: Patient,
    fact: str,
    tmp_path: Path,
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "real-account.md").write_text(PAGE, encoding="utf-8")
    ANSWERS[fact][1](patient)
    code, found = confirmations(examine)
    assert (code, found[fact]["Outcome"]) == (1, "false"), found[fact]
    place = re.match(rf"docs/real-account\.md:(\d+), row {fact}: ", found[fact]["Change"])
    assert place and PAGE.splitlines()[int(place[1]) - 1].startswith(f"| `{fact}` |")
    assert SECRET not in json.dumps(found)


def test_what_the_account_does_not_show_stays_open(examine: Examine, patient: Patient) -> None:
    for call in ("cloudtrail:LookupEvents", "stepfunctions:ListExecutions"):
        patient.script[call] = Refusal("AccessDeniedException")
    _, found = confirmations(examine)
    open_ones = {name for name, each in found.items() if each["Outcome"] == "open"}
    assert {"snapshot-job-arn", "cloudtrail-values", "state-machine-role"} <= open_ones
    assert {found[name]["Change"] for name in open_ones} == {""}


def test_it_reads_only_and_with_documented_rights(examine: Examine, patient: Patient) -> None:
    patient.called.clear()
    confirmations(examine)
    section = CLI.partition("\n## snapshots doctor")[2]
    called = {
        each.replace("GetBucketEncryption", "GetEncryptionConfiguration").replace(
            "GetBucketNotificationConfiguration", "GetBucketNotification"
        )
        for each in patient.called
    }
    assert [each for each in sorted(called) if f"`{each}`" not in section] == []
    assert {each for each in called if not re.search(":(Get|Describe|List|Lookup)", each)} == {
        "iam:SimulatePrincipalPolicy"
    }


def test_people_read_the_fact_the_answer_and_the_place(examine: Examine, patient: Patient) -> None:
    protection(is_on=False)(patient)
    out = examine("--confirm", as_json=False).out
    assert "deletion-protection: the stack cannot be deleted: it is not protected" in out
    assert "change: docs/real-account.md, row deletion-protection: its last column" in out
