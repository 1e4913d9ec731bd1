"""The doctor's reading of policies, and judgements that no account in a test can bring about."""

from __future__ import annotations

from typing import Any

import pytest

from snapshots.doctor import bucket, machine, quicksight, quotas
from snapshots.doctor.findings import State
from snapshots.doctor.policies import Request, find_obstacle, s3_host

OBJECT = "arn:aws:s3:::ours/daily/doctor.pdf"
WRITE = Request("s3:PutObject", OBJECT, {"aws:SourceAccount": "1", "aws:SecureTransport": "true"})


def statement(effect: str = "Allow", **members: Any) -> dict[str, Any]:
    usual = {
        "Principal": {"Service": "quicksight.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::ours/*",
    }
    return {"Effect": effect, **usual, **members}


def condition(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {operator: {key: value}}


@pytest.mark.parametrize(
    "allowing",
    [
        statement(),
        statement(Action=["s3:Get*", "S3:putobject"]),
        statement(Principal="*", Resource="arn:aws:s3:::ours/daily/*"),
        statement(Principal={"AWS": "*"}),
        statement(Condition=condition("StringEquals", "AWS:sourceaccount", ["2", "1"])),
        statement(Condition=condition("StringLike", "aws:SourceAccount", "*")),
        statement(Condition=condition("StringEqualsIfExists", "aws:SourceVpc", "vpc-1")),
        statement(Condition=condition("Bool", "aws:SecureTransport", True)),
    ],
)
def test_a_policy_that_lets_quicksight_write(allowing: dict[str, Any]) -> None:
    harmless = statement("Deny", Principal={"AWS": "arn:aws:iam::1:role/a"})
    assert find_obstacle({"Statement": [allowing, harmless]}, WRITE) == ""


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ({}, "is not allowed"),
        ({"Statement": statement(Action="s3:GetObject")}, "is not allowed"),
        ({"Statement": [statement(Resource="arn:aws:s3:::ours/weekly/*")]}, "is not allowed"),
        ({"Statement": [statement(Principal={"Service": "s3.amazonaws.com"})]}, "is not allowed"),
        (
            {
                "Statement": [
                    statement(Condition=condition("StringEquals", "aws:SourceAccount", "2"))
                ]
            },
            "is allowed only if aws:SourceAccount StringEquals 2",
        ),
        (
            {"Statement": [statement(Condition=condition("DateLessThan", "aws:CurrentTime", "x"))]},
            "is allowed only if aws:CurrentTime DateLessThan x",
        ),
        ({"Statement": [statement(), statement("Deny", Sid="No")]}, "is denied by statement No"),
        (
            {
                "Statement": [
                    statement(),
                    {
                        "Effect": "Deny",
                        "Sid": "Ours",
                        "NotPrincipal": {"AWS": "arn:aws:iam::1:root"},
                        "Action": "s3:*",
                        "Resource": "*",
                    },
                ]
            },
            "is denied by statement Ours",
        ),
        (
            {
                "Statement": [
                    statement(),
                    statement(
                        "Deny",
                        Sid="Perimeter",
                        Principal="*",
                        Condition=condition("StringNotEquals", "aws:PrincipalOrgID", "o-1"),
                    ),
                ]
            },
            "is denied by statement Perimeter",
        ),
    ],
)
def test_a_policy_that_does_not_is_told_with_the_reason(policy: dict[str, Any], why: str) -> None:
    assert find_obstacle(policy, WRITE) == why


def test_a_deny_of_what_is_plainly_not_the_case_does_not_matter() -> None:
    plain = statement(
        "Deny", Principal="*", Condition=condition("Bool", "aws:SecureTransport", "false")
    )
    spared = {
        "Effect": "Deny",
        "NotPrincipal": {"Service": "quicksight.amazonaws.com"},
        "Action": "*",
        "Resource": "*",
    }
    assert find_obstacle({"Statement": [statement(), plain, spared]}, WRITE) == ""


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "s3.eu-west-1.amazonaws.com"),
        ("us-gov-west-1", "s3.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_key_is_used_through_s3_of_the_regions_partition(region: str, host: str) -> None:
    assert s3_host(region) == host


def test_judgements_of_what_a_test_account_cannot_be() -> None:
    assert machine.judge_tools((3, 10), "1.0", ()).state is State.FAILED
    assert machine.judge_clock(None).state is State.NOT_CHECKED
    assert machine.judge_clock(-0.4).seen == "as AWS's"
    elsewhere = quicksight.judge_region("eu-west-1", "us-east-1", None, "eu-west-1")
    assert elsewhere.state is State.WARNING and "a bucket in eu-west-1" in elsewhere.fix
    here = "us-east-1"
    assert quicksight.judge_region(here, here, None, here).state is State.OK
    assert quicksight.judge_region(here, here, "eu-west-1", here).state is State.WARNING
    assert quicksight.judge_region(here, here, "eu-west-1", "eu-west-1").state is State.OK
    assert quicksight.judge_dashboards([], more=False).state is State.WARNING
    updating = {"Name": "Sales", "Version": {"Status": "UPDATE_IN_PROGRESS"}}
    assert quicksight.judge_dashboard(updating).state is State.WARNING
    more = [{"QuotaName": "Snapshot jobs", "QuotaCode": "L-1", "Value": 40.0}]
    assert quotas.judge_job_limit(more, 12).state is State.OK
    signing_up = {"Edition": "ENTERPRISE", "AccountSubscriptionStatus": "SIGNUP_IN_PROGRESS"}
    assert quicksight.judge_edition(signing_up).state is State.WARNING
    old = {"Edition": "ENTERPRISE", "AccountSubscriptionStatus": "OK"}
    assert quicksight.judge_edition(old).state is State.OK
    managed = {"Arn": "arn:aws:kms:us-east-1:1:key/k", "KeyManager": "AWS", "KeyState": "Enabled"}
    assert bucket.judge_key(managed, {}, {}).state is State.WARNING


def test_the_tags_that_a_data_set_demands_are_named_by_its_alternatives() -> None:
    rules = [{"TagKey": key, "ColumnName": key} for key in "abc"]
    found: dict[str, list[dict[str, Any]]] = {
        "sales": [{"TagRules": rules, "TagRuleConfigurations": [["a", "b"], ["c"]]}],
        "costs": [{"TagRules": rules[:2]}],
    }
    verdict = quicksight.judge_tag_rules(found)
    assert verdict.state is State.OK
    assert verdict.seen == "sales demands a and b, or c; costs demands a and b"
    assert quicksight.judge_tag_rules({**found, "open": []}).state is State.WARNING


@pytest.mark.parametrize(
    ("constraint", "region"), [(None, "us-east-1"), ("EU", "eu-west-1"), ("eu-west-3", "eu-west-3")]
)
def test_the_old_names_of_s3s_regions_are_known(constraint: str | None, region: str) -> None:
    assert bucket.judge_place("ours", constraint, region).state is State.OK
    assert bucket.judge_place("ours", constraint, "us-west-2").state is State.FAILED
