"""One emulator, several accounts and regions: nothing of one is seen or used up in another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.quicksight import OtherPlace, QuickSightServer, Settings
from tests.contract.quicksight_emulator.support import ACCOUNT, Clock, ids, request

OTHER = "111122223333"
REGION = "eu-west-1"
ROLE = f"arn:aws:iam::{OTHER}:role/snapshots"
IRELAND, PARTNER = (ACCOUNT, REGION), (OTHER, REGION)
OTHERS = (
    OtherPlace(account=ACCOUNT, region=REGION, limit=2, calls_per_second=1000),
    OtherPlace(
        account=OTHER,
        region=REGION,
        calls_per_second=3,
        dashboards=1,
        role_arn=ROLE,
        external_id="exports-4711",
    ),
)


@pytest.fixture(scope="module")
def running() -> Iterator[QuickSightServer]:
    with QuickSightServer(Settings(calls_per_second=1000, others=OTHERS), clock=Clock()) as server:
        yield server


@pytest.fixture
def server(running: QuickSightServer) -> QuickSightServer:
    running.emulator.reset()
    return running


def client(server: QuickSightServer, region: str, *keys: str, service: str = "quicksight") -> Any:
    key, secret, *token = keys or ("test", "test")
    made: Any = boto3.client
    return made(
        service,
        endpoint_url=server.url,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token[0] if token else None,
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )


def assume(server: QuickSightServer, **changes: Any) -> tuple[str, str, str]:
    asked = {"RoleArn": ROLE, "RoleSessionName": "test", "ExternalId": "exports-4711"} | changes
    sts = client(server, "us-east-1", service="sts")
    found = sts.assume_role(**{name: value for name, value in asked.items() if value})
    credentials = found["Credentials"]
    return (
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials["SessionToken"],
    )


def start(caller: Any, job_id: str, account: str = ACCOUNT, **changes: Any) -> str:
    """OK, or the name of the exception."""
    return told(
        caller.start_dashboard_snapshot_job, **request(job_id, AwsAccountId=account, **changes)
    )


def told(call: Any, **members: Any) -> str:
    try:
        call(**members)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "OK"


def test_each_place_has_its_own_slots(server: QuickSightServer) -> None:
    here, ireland = client(server, "us-east-1"), client(server, REGION)
    assert [start(ireland, f"job-{n}") for n in range(3)] == ["OK", "OK", "LimitExceededException"]
    assert [start(here, f"job-{n}") for n in range(12)] == ["OK"] * 12
    assert start(here, "one-more") == "LimitExceededException"


def test_each_place_has_its_own_pace(server: QuickSightServer) -> None:
    partner, here = client(server, REGION, *assume(server)), client(server, "us-east-1")
    asked = ids("nothing") | {"AwsAccountId": OTHER, "DashboardId": "any"}
    outcomes = [told(partner.describe_dashboard_snapshot_job, **asked) for _ in range(4)]
    assert outcomes == ["ResourceNotFoundException"] * 3 + ["ThrottlingException"]
    assert told(here.describe_dashboard_snapshot_job, **ids("nothing")) != "ThrottlingException"


def test_jobs_and_dashboards_of_one_place_are_not_found_in_another(
    server: QuickSightServer,
) -> None:
    here, ireland = client(server, "us-east-1"), client(server, REGION)
    partner = client(server, REGION, *assume(server))
    assert start(here, "mine") == "OK"
    assert told(here.describe_dashboard_snapshot_job, **ids("mine")) == "OK"
    assert told(ireland.describe_dashboard_snapshot_job, **ids("mine")) == (
        "ResourceNotFoundException"
    )
    assert start(ireland, "mine") == "OK", "an id is one place's"
    assert start(partner, "mine", OTHER) == "ResourceNotFoundException", "it has one dashboard"


def test_an_account_is_reached_with_its_own_credentials_only(server: QuickSightServer) -> None:
    here, abroad = client(server, "us-east-1"), client(server, REGION)
    keys = assume(server)
    assert start(abroad, "job", OTHER) == "AccessDeniedException"
    assert start(here, "job", OTHER) == "AccessDeniedException"
    assert start(client(server, REGION, *keys), "job", ACCOUNT) == "AccessDeniedException"
    assert start(client(server, "us-east-1", *keys), "job", ACCOUNT) == "AccessDeniedException"
    assert start(abroad, "job", "999999999999") == "AccessDeniedException"
    assert start(here, "job", "999999999999") == "AccessDeniedException"
    assert start(client(server, "ap-south-1"), "job") == "InvalidSignatureException"
    assert server.emulator.ledger(PARTNER)["jobs"] == []


def test_the_context_of_a_user_is_good_in_the_account_of_the_role_only(
    server: QuickSightServer,
) -> None:
    """A context of the partner's user, assumed with a role of the home's account."""
    partner = client(server, REGION, *assume(server))
    arn = f"arn:aws:quicksight:{REGION}:{OTHER}:user/default/manager-1"
    context = partner.get_identity_context(AwsAccountId=OTHER, UserIdentifier={"UserArn": arn})
    provided = {
        "ProviderArn": "arn:aws:iam::aws:contextProvider/QuickSight",
        "ContextAssertion": context["Context"],
    }
    for account, expected in ((OTHER, "ResourceNotFoundException"), (ACCOUNT, "AccessDenied")):
        role = f"arn:aws:iam::{account}:role/users"
        keys = assume(server, RoleArn=role, ExternalId=None, ProvidedContexts=[provided])
        asked = ids("nothing") | {"AwsAccountId": OTHER, "DashboardId": "any"}
        outcome = told(client(server, REGION, *keys).describe_dashboard_snapshot_job, **asked)
        assert outcome.removesuffix("Exception") == expected.removesuffix("Exception")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"RoleArn": f"arn:aws:iam::{OTHER}:role/another"}, "AccessDenied"),
        ({"ExternalId": None}, "AccessDenied"),
        ({"ExternalId": "guessed"}, "AccessDenied"),
        ({"RoleArn": "snapshots"}, "ValidationError"),
        ({"DurationSeconds": 7200}, "ValidationError"),
    ],
)
def test_a_role_is_given_to_whom_it_trusts_and_for_an_hour(
    server: QuickSightServer, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        assume(server, **changes)
    assert refused.value.response["Error"]["Code"] == code


def test_slots_of_others_and_the_ledger_are_one_places(server: QuickSightServer) -> None:
    server.emulator.occupy(2, place=IRELAND)
    assert start(client(server, REGION), "job") == "LimitExceededException"
    assert start(client(server, "us-east-1"), "job") == "OK"
    server.emulator.vacate(IRELAND)
    assert start(client(server, REGION), "job") == "OK"
    outcomes = [call["outcome"] for call in server.emulator.ledger(IRELAND)["calls"]]
    assert outcomes == ["LimitExceededException", "OK"]
    assert [call["outcome"] for call in server.emulator.ledger()["calls"]] == ["OK"]
