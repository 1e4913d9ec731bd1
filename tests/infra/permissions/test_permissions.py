"""Least privilege, proved: what is needed is allowed, and nothing is allowed that is not needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.infra.permissions.evidence import SETTINGS, Evidence, gather
from tests.infra.permissions.grants import Grant, Need, Policies, read_policies
from tests.infra.permissions.reference import takes_resource
from tests.infra.permissions.table import make_table, right_of, title_of
from tests.infra.permissions.wildcards import REASONS, wildcards_in
from tests.infra.template_reader import StackTemplate, synthesize_stack

recorded = pytest.mark.nightly
"""Plays every scenario, which takes most of a minute; `make permissions` says the same."""
DOCUMENT = Path(__file__).parents[3] / "docs" / "permissions.md"


@pytest.fixture(scope="module")
def template() -> StackTemplate:
    return synthesize_stack(SETTINGS)


@pytest.fixture(scope="module")
def policies(template: StackTemplate) -> Policies:
    return read_policies(template)


@pytest.fixture(scope="module")
def evidence(template: StackTemplate) -> Evidence:
    return gather(template)


@recorded
def test_the_recorded_ways_went_as_they_should(evidence: Evidence) -> None:
    assert evidence.violations == ()


@recorded
def test_every_call_that_was_made_is_allowed(evidence: Evidence) -> None:
    assert [str(need) for need in evidence.denied()] == []


@recorded
def test_without_any_one_right_something_is_denied(evidence: Evidence) -> None:
    assert [str(grant) for grant, needs in evidence.needed() if not needs] == []


def test_every_role_and_every_policy_of_the_stack_is_looked_at(
    policies: Policies, template: StackTemplate
) -> None:
    holders = {grant.holder for grant in policies.grants}
    roles = set(template.of_type("AWS::IAM::Role"))
    assert roles | {f"{role}:trust" for role in roles} <= holders
    assert not template.of_type("AWS::IAM::ManagedPolicy")
    assert {"EncryptionKey", "StorageExportBucket", "NotificationsTopic"} <= holders


def test_a_resource_is_named_wherever_an_action_takes_one(policies: Policies) -> None:
    on_anything = [grant for grant in policies.grants if grant.resource == "*"]
    assert on_anything
    assert [str(grant) for grant in on_anything if takes_resource(grant.action)] == []


def test_every_other_wildcard_has_its_reason(policies: Policies) -> None:
    assert wildcards_in(policies.grants) == set(REASONS)


def test_the_document_has_the_rights_of_the_template_and_no_others(policies: Policies) -> None:
    written, title = [], ""
    for line in DOCUMENT.read_text().partition("\n## Wildcards")[0].splitlines():
        title = line.removeprefix("## ") if line.startswith("## ") else title
        if line.startswith("| `"):
            written.append((title, line[: line.rindex("|", 0, -1) + 1]))
    rights = [(title_of(grant.holder), right_of(grant)) for grant in policies.grants]
    assert sorted(written) == sorted(rights), "run `make permissions`"


@recorded
def test_the_document_is_current(evidence: Evidence) -> None:
    assert DOCUMENT.read_text() == make_table(evidence), "run `make permissions`"


@recorded
@pytest.mark.parametrize(
    "grant",
    [
        Grant("StartFunctionRole", "StartFunctionRole", "s3:GetObject", "<StorageExportBucket>/*"),
        Grant("ApiFunctionRole", "ApiFunctionRole", "dynamodb:Scan", "<StorageTable>"),
        Grant("IntakeFunctionRole", "IntakeFunctionRole", "dynamodb:*", "<StorageTable>"),
        Grant("StorageExportBucket", "logs.amazonaws.com", "s3:PutObject", "<StorageExportBucket>"),
    ],
    ids=str,
)
def test_a_right_too_many_is_found(evidence: Evidence, grant: Grant) -> None:
    policies = replace(evidence.policies, grants=(*evidence.policies.grants, grant))
    unneeded = [each for each, needs in replace(evidence, policies=policies).needed() if not needs]
    assert grant in unneeded


@pytest.mark.parametrize(
    ("held", "asked", "is_allowed"),
    [
        ({}, {}, True),
        ({"action": "dynamodb:PutItem"}, {}, False),
        ({"resource": "<OtherTable>"}, {}, False),
        ({"holder": "Other", "principal": "Other"}, {}, False),
        ({"condition": '{"StringEquals": {"kms:ViaService": "sqs"}}'}, {}, False),
        (
            {"condition": '{"StringEquals": {"kms:ViaService": "sqs"}}'},
            {"context": (("kms:ViaService", "sqs"),)},
            True,
        ),
    ],
    ids=str,
)
def test_a_need_is_met_by_action_resource_principal_and_condition(
    policies: Policies, held: dict[str, str], asked: dict[str, tuple[str, str]], is_allowed: bool
) -> None:
    grant = replace(Grant("Role", "Role", "dynamodb:GetItem", "<Table>"), **held)
    need = replace(Need("Role", "Role", "dynamodb:GetItem", "<Table>"), **asked)  # type: ignore[arg-type]
    assert replace(policies, grants=(grant,)).allow(need) is is_allowed
