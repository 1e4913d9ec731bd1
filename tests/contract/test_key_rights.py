"""Where IAM is enforced, what is encrypted with a customer's key needs a right on that key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.account import EmbeddedAws
from local.account.authorization import denials_in
from local.account.clients import make_bucket, make_client
from local.account.environment import ACCOUNT, REGION

TABLE_KEY = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]} | {
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]
}
ITEM = {"pk": {"S": "a"}}
PUT = {"Put": {"TableName": "own", "Item": ITEM}}
Call = Callable[[Any, str], Any]
CALLS: dict[str, tuple[str, Call, set[str]]] = {
    "reading a table": (
        "dynamodb", lambda c, _: c.get_item(TableName="own", Key=ITEM), {"Decrypt"},
    ),
    "a transaction": (
        "dynamodb",
        lambda c, _: c.transact_write_items(TransactItems=[PUT]),
        {"Decrypt"},
    ),
    "reading a file": ("s3", lambda c, _: c.get_object(Bucket="own", Key="a"), {"Decrypt"}),
    "writing a file": (
        "s3", lambda c, _: c.put_object(Bucket="own", Key="a", Body=b"x"), {"GenerateDataKey"},
    ),
    "sending a message": (
        "sqs",
        lambda c, url: c.send_message(QueueUrl=url, MessageBody="x"),
        {"GenerateDataKey", "Decrypt"},
    ),
    "receiving messages": ("sqs", lambda c, url: c.receive_message(QueueUrl=url), {"Decrypt"}),
}  # fmt: skip


class Account:
    """An account with a table, a bucket and a queue under one key, and a user."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.iam = aws.client("iam")
        key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        self.key = key
        aws.client("dynamodb").create_table(
            TableName="own",
            BillingMode="PAY_PER_REQUEST",
            SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
            **TABLE_KEY,
        )
        s3 = aws.client("s3")
        make_bucket(s3, "own")
        rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        s3.put_bucket_encryption(
            Bucket="own",
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": rule}]
            },
        )
        s3.put_object(Bucket="own", Key="a", Body=b"x")
        made = aws.client("sqs").create_queue(QueueName="own", Attributes={"KmsMasterKeyId": key})
        self.url: str = made["QueueUrl"]
        self.iam.create_user(UserName="ada")
        keys = self.iam.create_access_key(UserName="ada")["AccessKey"]
        self.credentials = (keys["AccessKeyId"], keys["SecretAccessKey"])
        self.clients = {
            service: make_client(
                service,
                aws.endpoint_url,
                attempts=1,
                ca_file=str(aws.ca_file),
                keys=self.credentials,
            )
            for service in ("dynamodb", "s3", "sqs")
        }
        self.allow("data", {"Action": ["dynamodb:*", "s3:*", "sqs:*"], "Resource": "*"})

    def allow(self, name: str, statement: dict[str, Any]) -> None:
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
        self.iam.put_user_policy(UserName="ada", PolicyName=name, PolicyDocument=json.dumps(policy))

    def use_key(self, actions: set[str], via: str) -> None:
        condition = {"StringEquals": {"kms:ViaService": f"{via}.{REGION}.amazonaws.com"}}
        named = [f"kms:{action}" for action in sorted(actions)]
        self.allow("key", {"Action": named, "Resource": self.key, "Condition": condition})

    def attempt(self, service: str, call: Call) -> str:
        try:
            call(self.clients[service], self.url)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "done"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with EmbeddedAws(tmp_path_factory.mktemp("keys"), enforce_iam=True) as aws:
        yield Account(aws)


@pytest.mark.parametrize("named", CALLS)
def test_a_call_needs_each_right_on_the_key_through_its_service(
    account: Account, named: str
) -> None:
    service, call, actions = CALLS[named]
    account.use_key(actions, service)
    assert account.attempt(service, call) == "done"
    for missing in actions:
        account.use_key(actions - {missing} | {"DescribeKey"}, service)
        assert "AccessDenied" in account.attempt(service, call)
    account.use_key(actions, "lambda")
    assert "AccessDenied" in account.attempt(service, call)
    denied = denials_in(account.aws.log)
    assert f"arn:aws:iam::{ACCOUNT}:user/ada: kms:{max(actions)}" in denied


def test_the_policy_of_the_key_can_deny_what_the_user_is_allowed(account: Account) -> None:
    service, call, actions = CALLS["reading a file"]
    account.use_key(actions, service)
    kms = account.aws.client("kms")
    before = kms.get_key_policy(KeyId=account.key, PolicyName="default")["Policy"]
    other = {
        "Effect": "Allow",
        "Principal": {"Service": "quicksight.amazonaws.com"},
        "Action": "kms:*",
        "Resource": "*",
    }
    closed = json.dumps({"Version": "2012-10-17", "Statement": [other]})
    kms.put_key_policy(
        KeyId=account.key,
        PolicyName="default",
        Policy=closed,
        BypassPolicyLockoutSafetyCheck=True,
    )
    try:
        assert "AccessDenied" in account.attempt(service, call)
    finally:
        kms.put_key_policy(KeyId=account.key, PolicyName="default", Policy=before)
    assert account.attempt(service, call) == "done"
