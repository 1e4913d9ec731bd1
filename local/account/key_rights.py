"""Rights on KMS keys, where the embedded account enforces IAM: a call that touches what is
encrypted with a customer's key needs the caller's right on the key as well.

Upstream judges KMS's own operations only, by the caller's policies and the key's. Here DynamoDB, S3
and SQS ask KMS on the caller's behalf, with `kms:ViaService`, as AWS documents it: DynamoDB
Developer Guide, "Encryption at rest: usage notes"; S3 User Guide, "Using server-side encryption
with AWS KMS keys", permissions; SQS Developer Guide, "Key management".

What it does not know: data keys that services keep for minutes, so that AWS may refuse later than
this; grants; services that call by themselves (QuickSight, EventBridge, CloudWatch, the Scheduler,
Lambda's polling of queues), for which tests/infra/test_encryption.py and `[? source-account-kms]`
stand; HeadObject, of which AWS says nothing; log groups, functions and topics. A refusal has the
code of the service's own AccessDenied, not SQS's `KMS.AccessDeniedException`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from local.account.authorization import DENIED
from local.account.patching import require_source

_READ = ("kms:Decrypt",)
_WRITE = ("kms:GenerateDataKey",)
_NEEDED = {
    **dict.fromkeys(
        (
            f"dynamodb:{name}"
            for name in (
                "BatchGetItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query",
                "Scan", "UpdateItem",
            )
        ),
        _READ,
    ),
    "s3:GetObject": _READ,
    "s3:PutObject": _WRITE,
    "sqs:ReceiveMessage": _READ,
    "sqs:SendMessage": (*_WRITE, *_READ),
}  # fmt: skip
_S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_KEY_OF_BUCKET = re.compile(r"<KMSMasterKeyID>([^<]+)<")


def check_keys(iam_evaluator: Any, dynamodb: Any, s3: Any, sqs: Any, kms: Any, logger: Any) -> None:
    """Let a call that IAM allows be judged on the key of what it touches."""
    upstream = iam_evaluator.enforce
    require_source("enforce", upstream, "cf64b1ee5b099c8f")
    key_of: dict[str, Callable[[str], str | None]] = {
        "dynamodb": lambda arn: _key_of_table(dynamodb, arn),
        "s3": lambda arn: _key_of_bucket(s3, arn),
        "sqs": lambda arn: _key_of_queue(sqs, arn),
    }

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        denied = upstream(access_key_id, iam_action, service, region, resource_arn, service_context)
        needed = _NEEDED.get(iam_action, ())
        named = key_of[service](resource_arn) if needed and not denied else None
        key = kms._resolve_key(named) if named else None
        if key is None:
            return denied
        via = {"kms:ViaService": f"{service}.{region}.amazonaws.com"}
        for action in needed:
            denied = upstream(access_key_id, action, "kms", region, key["Arn"], via)
            if denied:
                logger.warning(
                    "%s %s: %s", DENIED, getattr(denied, "principal_arn", "nobody"), action
                )
                return denied
        return None

    iam_evaluator.enforce = enforce


def encrypt_buckets_of_stacks(s3: Any, provisioners: Any) -> None:
    """Let CloudFormation set a bucket's default encryption, which upstream leaves out.

    Not one with AWS's own key, as that of CDK's bootstrap: upstream's S3 wants a key's id of each
    file then.
    """
    made, changed = provisioners._s3_create, provisioners._s3_update
    require_source("_s3_create", made, "477b78a3cb150dfd")
    require_source("_s3_update", changed, "1d4f3f6390bb209c")

    def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Any:
        answer = made(logical_id, properties, stack_name)
        _encrypt(s3, answer[0], properties)
        return answer

    def update(name: str, old: Any, properties: Mapping[str, Any], stack_name: str) -> Any:
        answer = changed(name, old, properties, stack_name)
        _encrypt(s3, name, properties)
        return answer

    provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"] |= {"create": create, "update": update}


def _encrypt(s3: Any, name: str, properties: Mapping[str, Any]) -> None:
    """As PutBucketEncryption of the first rule, the only one that S3 takes."""
    rules = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    for rule in rules[:1]:
        chosen = rule.get("ServerSideEncryptionByDefault", {})
        if not chosen.get("KMSMasterKeyID"):
            return
        members = "".join(
            f"<{member}>{chosen[member]}</{member}>"
            for member in ("SSEAlgorithm", "KMSMasterKeyID")
        )
        s3._bucket_encryption[name] = (
            f"<ServerSideEncryptionConfiguration xmlns='{_S3_NAMESPACE}'><Rule>"
            f"<ApplyServerSideEncryptionByDefault>{members}</ApplyServerSideEncryptionByDefault>"
            "</Rule></ServerSideEncryptionConfiguration>"
        )


def encrypt_tables_of_stacks(dynamodb: Any, provisioners: Any) -> None:
    """Let CloudFormation create a table with its key, which upstream leaves out."""
    made = provisioners._ddb_create
    require_source("_ddb_create", made, "277586e016c693bd")

    def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Any:
        answer = made(logical_id, properties, stack_name)
        if chosen := properties.get("SSESpecification"):
            asked = {**chosen, "Enabled": chosen["SSEEnabled"]}
            described = dynamodb._sse_description_from_spec(asked)
            dynamodb._tables[answer[0]]["SSEDescription"] = described
        return answer

    provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"] |= {"create": create}


def _key_of_table(dynamodb: Any, arn: str) -> str | None:
    table = dynamodb._tables.get(arn.partition(":table/")[2].partition("/")[0]) or {}
    key: str | None = (table.get("SSEDescription") or {}).get("KMSMasterKeyArn")
    return key


def _key_of_bucket(s3: Any, arn: str) -> str | None:
    configuration = s3._bucket_encryption.get(arn.partition(":::")[2].partition("/")[0])
    text = configuration.decode() if isinstance(configuration, bytes) else str(configuration)
    found = _KEY_OF_BUCKET.search(text)
    return found[1] if found else None


def _key_of_queue(sqs: Any, arn: str) -> str | None:
    for queue in sqs._queues.values():
        if queue["attributes"].get("QueueArn") == arn:
            key: str | None = queue["attributes"].get("KmsMasterKeyId")
            return key
    return None
