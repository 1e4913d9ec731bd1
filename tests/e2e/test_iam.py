"""Who may call what, on an embedded account that enforces IAM (`make test-iam`)."""

from __future__ import annotations

import json
import urllib.error
import uuid
from collections.abc import Iterator, Sequence

import pytest
from botocore.exceptions import ClientError

from local.account.clients import make_client
from local.account.environment import ACCOUNT, REGION
from local.deployed import Deployed
from tests.support.deployed_api import call_api
from tests.support.messages import message

Keys = tuple[str, str]


@pytest.fixture
def enforcing(deployed: Deployed) -> Deployed:
    if deployed.aws_ca_file is None:
        pytest.skip("needs an account that enforces IAM: make test-iam")
    return deployed


@pytest.fixture
def user(enforcing: Deployed) -> Iterator[str]:
    """The name of an IAM user that may do nothing."""
    iam, name = enforcing.client("iam"), f"caller-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    yield name


def allow(stack: Deployed, user: str, actions: Sequence[str], *resources: str) -> None:
    statement = {"Effect": "Allow", "Action": [*actions], "Resource": [*resources]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stack.client("iam").put_user_policy(UserName=user, PolicyName="given", PolicyDocument=document)


def keys_of(stack: Deployed, user: str) -> Keys:
    made = stack.client("iam").create_access_key(UserName=user)["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


def status_of(stack: Deployed, keys: Keys | None, method: str, path: str) -> int:
    try:
        call_api(stack, method, path, keys=keys)
    except urllib.error.HTTPError as error:
        return error.code
    return 200


def test_a_caller_without_the_right_gets_403_and_one_with_it_an_answer(
    enforcing: Deployed, user: str
) -> None:
    keys = keys_of(enforcing, user)
    api = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{enforcing.outputs['ApiId']}"

    assert status_of(enforcing, keys, "GET", "/capacity") == 403
    allow(enforcing, user, ["execute-api:Invoke"], f"{api}/$default/GET/*")
    assert status_of(enforcing, keys, "GET", "/capacity") == 200
    assert status_of(enforcing, keys, "DELETE", "/exports/some") == 403, "another method"


def test_only_who_may_send_to_the_intake_queue_can_ask_for_an_export(
    enforcing: Deployed, user: str
) -> None:
    keys = keys_of(enforcing, user)
    sqs = make_client("sqs", enforcing.endpoint_url, ca_file=enforcing.aws_ca_file, keys=keys)
    url = enforcing.outputs["IntakeQueueUrl"]
    body = json.dumps(message(f"iam-{user}"))

    with pytest.raises(ClientError, match="AccessDenied"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    name = url.rsplit("/", 1)[1]
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    allow(enforcing, user, ["sqs:SendMessage"], queue)
    with pytest.raises(ClientError, match="AccessDenied"):  # the queue is encrypted
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sender = enforcing.client("sqs")
    attributes = sender.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    key = attributes["KmsMasterKeyId"]
    allow(enforcing, user, ["sqs:SendMessage", "kms:Decrypt", "kms:GenerateDataKey"], queue, key)
    sqs.send_message(QueueUrl=url, MessageBody=body)

    assert enforcing.wait_for_export(f"iam-{user}")["status"] == "COMPLETED"


@pytest.mark.parametrize("right", ["dynamodb:GetItem", "kms:Decrypt"])
def test_a_function_whose_role_lost_a_right_cannot_do_its_step(
    enforcing: Deployed, right: str
) -> None:
    """That enforcement reaches the functions: else all of this would pass without a grant."""
    iam = enforcing.client("iam")
    roles = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    (role,) = (name for name in roles if "ApiFunctionRole" in name)
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    less = json.loads(json.dumps(document).replace(right, "dynamodb:ListTables"))

    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(less))
    try:
        assert status_of(enforcing, None, "GET", "/capacity") >= 500
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))
    assert status_of(enforcing, None, "GET", "/capacity") == 200


def test_the_files_are_encrypted_with_the_key_of_the_table(enforcing: Deployed) -> None:
    s3, table = enforcing.client("s3"), enforcing.outputs["TableName"]
    bucket = s3.get_bucket_encryption(Bucket=enforcing.outputs["ExportBucketName"])
    (rule,) = bucket["ServerSideEncryptionConfiguration"]["Rules"]
    described = enforcing.client("dynamodb").describe_table(TableName=table)["Table"]
    assert (
        rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
        == described["SSEDescription"]["KMSMasterKeyArn"]
    )
