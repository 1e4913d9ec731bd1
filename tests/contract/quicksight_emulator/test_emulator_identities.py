"""Registered users: context, role, credentials, and jobs that only those credentials reach."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.quicksight.sts import PROVIDER
from tests.contract.quicksight_emulator.support import ACCOUNT, Service, ids, request

USER_ARN = f"arn:aws:quicksight:us-east-1:{ACCOUNT}:user/default/manager-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/snapshot-user"


def context_of(service: Service, **identifier: Any) -> str:
    namespace = identifier.pop("Namespace", None)
    more = {"Namespace": namespace} if namespace else {}
    answer = service.client.get_identity_context(
        AwsAccountId=ACCOUNT, UserIdentifier=identifier, **more
    )
    return str(answer["Context"])


def assume(service: Service, context: str, provider: str = PROVIDER) -> dict[str, Any]:
    sts = boto3.client(
        "sts",
        endpoint_url=service.server.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    answer = sts.assume_role(
        RoleArn=ROLE,
        RoleSessionName="test",
        DurationSeconds=900,
        ProvidedContexts=[{"ProviderArn": provider, "ContextAssertion": context}],
    )
    credentials: dict[str, Any] = dict(answer["Credentials"])
    return credentials


def client_with(service: Service, credentials: dict[str, Any], **changes: str) -> Any:
    return boto3.Session(
        aws_access_key_id=changes.get("key", credentials["AccessKeyId"]),
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name="us-east-1",
    ).client("quicksight", endpoint_url=service.server.url)


def code(call: Any, **members: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**members)
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    "identifier",
    [
        {"UserArn": USER_ARN},
        {"UserName": "manager-1", "Namespace": "default"},
        {"Email": "manager-1@example.org", "Namespace": "default"},
    ],
)
def test_a_user_is_known_by_arn_name_and_email(
    service: Service, identifier: dict[str, str]
) -> None:
    assert assume(service, context_of(service, **identifier))["SessionToken"]


def test_a_context_is_good_in_its_region_only(service: Service) -> None:
    answer = service.client.get_identity_context(
        AwsAccountId=ACCOUNT, UserIdentifier={"UserArn": USER_ARN}, ContextRegion="eu-west-1"
    )
    elsewhere = client_with(service, assume(service, answer["Context"]))

    members = request("elsewhere")
    members.pop("UserConfiguration")
    assert code(elsewhere.start_dashboard_snapshot_job, **members) == "AccessDeniedException"


def test_unknown_users_and_contexts_are_refused(service: Service) -> None:
    find = service.client.get_identity_context
    assert code(find, AwsAccountId=ACCOUNT, UserIdentifier={"UserArn": "arn:nobody"}) == (
        "ResourceNotFoundException"
    )
    assert code(find, AwsAccountId=ACCOUNT, UserIdentifier={"UserName": "manager-1"}) == (
        "InvalidParameterValueException"
    )
    context = context_of(service, UserArn=USER_ARN)
    assert code(assume, service=service, context="made-up") == "AccessDenied"
    other = "arn:aws:iam::aws:contextProvider/IdentityCenter"
    assert code(assume, service=service, context=context, provider=other) == "ValidationError"
    service.clock.time += 3600
    assert code(assume, service=service, context=context) == "AccessDenied"


def test_a_registered_users_job_is_reached_with_that_users_credentials_only(
    service: Service,
) -> None:
    mine = client_with(service, assume(service, context_of(service, UserArn=USER_ARN)))
    members = request("of-a-user")
    assert code(mine.start_dashboard_snapshot_job, **members) == "InvalidParameterValueException"
    members.pop("UserConfiguration")
    assert service.refusal("StartDashboardSnapshotJob", members) is not None, "anonymous needs it"
    mine.start_dashboard_snapshot_job(**members)
    job = ids("of-a-user")
    assert mine.describe_dashboard_snapshot_job(**job)["JobStatus"] in ("QUEUED", "RUNNING")
    refused = service.refusal("DescribeDashboardSnapshotJob", job)
    assert refused is not None and refused.response["Error"]["Code"] == "AccessDeniedException"
    service.clock.time += 600
    result = mine.describe_dashboard_snapshot_job_result(**job)["Result"]
    assert list(result) == ["RegisteredUsers"]


def test_a_session_ends_and_belongs_to_its_key(service: Service) -> None:
    credentials = assume(service, context_of(service, UserArn=USER_ARN))
    mine = client_with(service, credentials)
    stolen = client_with(service, credentials, key="ASIAANOTHERKEY")
    job = ids("nothing")
    assert code(stolen.describe_dashboard_snapshot_job, **job) == "UnrecognizedClientException"
    assert code(mine.describe_dashboard_snapshot_job, **job) == "ResourceNotFoundException"
    service.clock.time += 901
    assert code(mine.describe_dashboard_snapshot_job, **job) == "ExpiredTokenException"
