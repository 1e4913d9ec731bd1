"""Further accounts and regions: what is refused, and what the stack gives to whom for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from infra.declared_schedules import read_declared_schedules
from infra.parameters import DeploymentParameters, ParameterError, Settings, read_settings
from infra.target_parameters import TargetParameters
from infra.targets import check_places
from snapshot_export.settings import Settings as FunctionSettings
from tests.infra.template_reader import StackTemplate
from tests.infra.test_grants import DESCRIBE, FUNCTIONS, RESULT, START
from tests.support.messages import message

Synthesize = Callable[[Settings], StackTemplate]

CDK_JSON = Path(__file__).resolve().parents[2] / "cdk.json"
HOME = cdk.Environment(account="000000000000", region="us-east-1")
ROLE = "arn:aws:iam::111122223333:role/snapshots"
USER_ROLE = "arn:aws:iam::111122223333:role/snapshot-user"
IRELAND = TargetParameters(region="eu-west-1", bucket="files-in-ireland")
PARTNER = TargetParameters(
    account_id="111122223333",
    region="eu-west-1",
    identity_region="eu-central-1",
    bucket="files-in-ireland",
    role_arn=ROLE,
    external_id="exports-4711",
    user_role_arn=USER_ROLE,
    snapshot_job_limit=100,
    reserved_slots=10,
    calls_per_second=5,
)
NEXT_DOOR = TargetParameters(account_id="444455556666", role_arn=ROLE.replace("1111", "4444"))
"""Another account in the stack's region, whose files come to the stack's bucket."""
DEPLOYMENT = DeploymentParameters(
    targets={"ireland": IRELAND, "partner": PARTNER, "next-door": NEXT_DOOR}
)
CALLERS = (
    "Intake",
    "Api",
    "Burst",
    "Start",
    "Describe",
    "Hint",
    "Collect",
    "Reconcile",
    "MoveStarts",
)
FOLLOWERS = {"Start", "Describe", "Hint", "Collect"}
"""Functions that call QuickSight about a job, as a registered user where it is one's."""


def problems_of(targets: Any) -> list[str]:
    context = {"deployment": {"targets": targets}}
    with pytest.raises(ParameterError) as caught:
        read_settings(context.get, cdk_json=CDK_JSON)
    return caught.value.problems


def problems_at_home(**targets: TargetParameters) -> list[str]:
    with pytest.raises(ParameterError) as caught:
        check_places(DeploymentParameters(targets=targets), HOME)
    return caught.value.problems


@pytest.fixture(scope="module")
def template(synthesize: Synthesize) -> StackTemplate:
    return synthesize(Settings(deployment=DEPLOYMENT))


def environment(template: StackTemplate, function: str) -> Mapping[str, str]:
    variables = template.properties(f"{function}Function")["Environment"]["Variables"]
    return {name: template.render(value) for name, value in variables.items()}


def granted_to_callers(template: StackTemplate, resource: str) -> dict[str, set[str]]:
    """Actions on a resource by function, of those that have any."""
    grants = {name: template.grants(f"{name}FunctionRole") for name in FUNCTIONS}
    return {name: granted[resource] for name, granted in grants.items() if resource in granted}


def test_every_parameter_of_a_target_can_be_set() -> None:
    given = {
        "accountId": "111122223333",
        "region": "eu-west-1",
        "identityRegion": "eu-central-1",
        "bucket": "files-in-ireland",
        "roleArn": ROLE,
        "externalId": "exports-4711",
        "userRoleArn": USER_ROLE,
        "snapshotJobLimit": 100,
        "reservedSlots": 10,
        "callsPerSecond": 5,
    }
    context = {"deployment": {"targets": {"partner": given, "plain": {"region": "eu-west-2"}}}}
    deployment = read_settings(context.get, cdk_json=CDK_JSON).deployment
    assert deployment.targets == {
        "partner": PARTNER,
        "plain": TargetParameters(region="eu-west-2"),
    }


@pytest.mark.parametrize(
    ("targets", "problem"),
    [
        ([], "deployment.targets must be an object of at most 8 targets by their names, got []"),
        (
            {"default": {}},
            "deployment.targets.default must have a name of 1 to 32 letters, digits, _ and -, "
            "and not default",
        ),
        (
            {"a b": {}},
            "deployment.targets.a b must have a name of 1 to 32 letters, digits, _ and -, "
            "and not default",
        ),
        ({"eu": 3}, "deployment.targets.eu must be an object, got 3"),
        (
            {"eu": {"region": "Ireland"}},
            "deployment.targets.eu.region must be null or the name of a region, such as us-east-1, "
            'got "Ireland"',
        ),
        (
            {"eu": {"colour": "red"}},
            "deployment.targets.eu.colour is not a parameter; known are accountId, region, "
            "identityRegion, snapshotJobLimit, reservedSlots, callsPerSecond, bucket, roleArn, "
            'externalId, userRoleArn, got "red"',
        ),
        (
            {"eu": {"snapshotJobLimit": 2, "reservedSlots": 2}},
            "deployment.targets.eu.reservedSlots must be less than snapshotJobLimit, 2, got 2",
        ),
        (
            {"eu": {"externalId": "x1"}},
            "deployment.targets.eu.externalId needs a roleArn beside it",
        ),
        (
            {"eu": {"roleArn": "arn:aws:iam::1111:role/a"}},
            "deployment.targets.eu.roleArn must be null or the ARN of a role, "
            'got "arn:aws:iam::1111:role/a"',
        ),
        (
            {"eu": {"accountId": "222233334444", "roleArn": ROLE}},
            "deployment.targets.eu.roleArn must be a role of accountId, 222233334444, "
            f'got "{ROLE}"',
        ),
    ],
)
def test_a_target_that_cannot_be_is_refused_by_name(targets: Any, problem: str) -> None:
    assert problems_of(targets) == [problem]


def test_targets_and_buckets_must_fit_a_functions_environment() -> None:
    targets = {f"t{n}": {"roleArn": f"{ROLE}/{'x' * 400}"} for n in range(6)}
    (problem,) = problems_of(targets)
    assert problem.startswith(
        "deployment.allowedBuckets, athenaWorkGroups, passwordSecrets, email and targets must "
        "have at most 2600 characters together, have "
    )


def test_what_depends_on_the_stacks_place_is_checked_at_synthesis() -> None:
    check_places(DEPLOYMENT, HOME)
    assert problems_at_home(eu=TargetParameters(region="eu-west-1")) == [
        "deployment.targets.eu.bucket must be given: QuickSight in eu-west-1 writes to buckets of "
        "its region only"
    ]
    assert problems_at_home(other=TargetParameters(account_id="111122223333")) == [
        "deployment.targets.other.roleArn must be given: QuickSight in account 111122223333 takes "
        "no calls of another account's roles"
    ]
    assert problems_at_home(same=TargetParameters(region="us-east-1")) == [
        "deployment.targets.same must not have the account and region of target default"
    ]
    assert problems_at_home(one=IRELAND, two=IRELAND) == [
        "deployment.targets.two must not have the account and region of target one"
    ]


def test_where_the_stacks_place_is_not_known_nothing_is_made_up() -> None:
    anywhere = cdk.Environment()
    check_places(
        DeploymentParameters(targets={"eu": TargetParameters(region="eu-west-1")}), anywhere
    )


def test_every_function_reads_the_targets_as_they_were_given(template: StackTemplate) -> None:
    for name in FUNCTIONS:
        base = FunctionSettings.from_env(environment(template, name))
        assert list(base.targets) == ["ireland", "partner", "next-door"]
        ireland, partner = base.for_target("ireland"), base.for_target("partner")
        assert (ireland.quicksight_account_id, ireland.quicksight_region) == (
            "<AccountId>",
            "eu-west-1",
        )
        assert ireland.export_bucket == "files-in-ireland"
        assert ireland.role_arn is None
        assert ireland.snapshot_user_role_arn == base.snapshot_user_role_arn
        assert partner.role_arn == ROLE and partner.external_id == "exports-4711"
        assert partner.snapshot_user_role_arn == USER_ROLE
        assert (partner.snapshot_job_limit, partner.open_slots) == (100, 90)
        assert partner.calls_per_second == 5
        next_door = base.for_target("next-door")
        assert next_door.export_bucket == base.export_bucket
        assert next_door.quicksight_region == "<Region>"
        assert next_door.snapshot_user_role_arn is None


def test_a_target_without_a_role_is_called_by_the_functions_themselves(
    template: StackTemplate,
) -> None:
    dashboards = "arn:<Partition>:quicksight:eu-west-1:<AccountId>:dashboard/*"
    here = dashboards.replace("eu-west-1", "<Region>")
    granted = granted_to_callers(template, dashboards)
    assert granted == granted_to_callers(template, here)
    assert granted["Collect"] == {RESULT} and START in granted["Start"]
    users = granted_to_callers(template, "arn:<Partition>:quicksight:eu-west-1:<AccountId>:user/*")
    assert set(users) == FOLLOWERS
    of_users = template.grants("SnapshotUserRole")
    assert of_users[dashboards] == {START, DESCRIBE, RESULT} == of_users[here]


def test_users_are_asked_for_in_the_identity_region(synthesize: Synthesize) -> None:
    ireland = IRELAND.model_copy(update={"identity_region": "eu-central-1"})
    deployment = DeploymentParameters(identity_region="us-east-2", targets={"ireland": ireland})
    template = synthesize(Settings(deployment=deployment))

    settings = FunctionSettings.from_env(environment(template, "Start"))
    assert settings.identity_region == "us-east-2"
    assert settings.for_target("ireland").identity_region == "eu-central-1"
    for region, callers in (
        ("us-east-2", FOLLOWERS),
        ("eu-central-1", FOLLOWERS),
        ("eu-west-1", set()),
        ("<Region>", set()),
    ):
        users = f"arn:<Partition>:quicksight:{region}:<AccountId>:user/*"
        assert set(granted_to_callers(template, users)) == callers


def test_the_callers_of_quicksight_may_assume_exactly_the_roles_of_the_targets(
    template: StackTemplate,
) -> None:
    for role in (PARTNER.role_arn, NEXT_DOOR.role_arn):
        granted = granted_to_callers(template, str(role))
        assert granted == {name: {"sts:AssumeRole"} for name in CALLERS}
    assert granted_to_callers(template, USER_ROLE) == {
        name: {"sts:AssumeRole", "sts:SetContext"} for name in FOLLOWERS
    }
    for name in FUNCTIONS:
        for resource, actions in template.grants(f"{name}FunctionRole").items():
            if "sts:AssumeRole" in actions:
                assert "*" not in resource
            assert "111122223333:dashboard" not in resource, "what the role is for"


def test_files_in_a_targets_bucket_are_moved_as_in_the_stacks(template: StackTemplate) -> None:
    bucket, own = "arn:<Partition>:s3:::files-in-ireland", "<StorageExportBucket>"
    for place, functions in (
        ("", {"Collect", "Hint"}),
        ("/snapshots/*", {"Collect"}),
        ("/exports/*", {"Collect", "Api"}),
    ):
        granted = granted_to_callers(template, f"{bucket}{place}")
        in_own = granted_to_callers(template, f"{own}{place}")
        in_own.pop("Burst", None)  # a zip is made of files in the stack's bucket only
        assert granted == in_own
        assert set(granted) == functions


def test_quicksight_of_targets_that_have_no_bucket_may_write_to_the_stacks(
    template: StackTemplate,
) -> None:
    writers = ["<AccountId>", "444455556666"]
    policy = template.properties("StorageExportBucketPolicy")["PolicyDocument"]["Statement"]
    key = template.properties("EncryptionKey")["KeyPolicy"]["Statement"]
    found = [
        [template.render(each) for each in accounts]
        for statement in [*policy, *key]
        if isinstance(
            accounts := statement.get("Condition", {})
            .get("StringEquals", {})
            .get("aws:SourceAccount"),
            list,
        )
    ]
    assert found == [writers] * 3


def test_a_declared_schedule_names_a_target_of_the_deployment(tmp_path: Path) -> None:
    def declare(target: str) -> None:
        export = message(None, Target=target)
        body = {"ScheduleExpression": "rate(1 day)", "Export": export}
        (tmp_path / "daily.json").write_text(json.dumps(body))

    declare("partner")
    (schedule,) = read_declared_schedules(tmp_path, DEPLOYMENT, HOME)
    assert schedule.target == "partner"
    declare("mars")
    with pytest.raises(ParameterError) as caught:
        read_declared_schedules(tmp_path, DEPLOYMENT, HOME)
    assert caught.value.problems == [
        "schedules/daily.json: Export.Target must be a target of this deployment: "
        "default, ireland, partner, next-door"
    ]


def test_the_default_target_is_of_the_stacks_own_account_and_region() -> None:
    """It has neither a role for another account nor a bucket in another region."""
    elsewhere = DeploymentParameters(
        quicksight_account_id="111122223333", quicksight_region="eu-west-1"
    )
    with pytest.raises(ParameterError) as caught:
        check_places(elsewhere, HOME)
    account, region = caught.value.problems
    assert account.startswith(
        "deployment.quicksightAccountId must be the stack's account, 000000000000: "
    )
    assert "targets, with a roleArn" in account and account.endswith('got "111122223333"')
    assert region.startswith("deployment.quicksightRegion must be the stack's region, us-east-1: ")
    assert "targets, with a bucket" in region and region.endswith('got "eu-west-1"')


def test_the_default_target_may_name_the_stacks_own_place_or_one_that_is_not_known_yet() -> None:
    here = DeploymentParameters(quicksight_account_id=HOME.account, quicksight_region=HOME.region)
    check_places(here, HOME)
    check_places(here, cdk.Environment())
