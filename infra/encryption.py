"""The key that everything which holds requests or files is encrypted with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

CREATE = "CREATE"
NONE = "NONE"

_SEND, _READ = ("kms:Decrypt", "kms:GenerateDataKey"), ("kms:Decrypt",)
_ACTIONS = {
    # DynamoDB Developer Guide, "Encryption at rest: usage notes": what the callers of a table need,
    # less CreateGrant, which only its creation does.
    "dynamodb": (
        "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt",
        "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo",
    ),
    "s3": _SEND,
    "s3:read": _READ,
    "sqs": _SEND,
    "sqs:read": _READ,
}  # fmt: skip
"""By service, or service and access."""


class Encryption(Construct):
    """A customer-managed key, `key`: the stack's own, one that exists, or None for AWS's keys.

    The own key outlives the stack, as table and bucket do, and rotates each year. The policy of a
    key that exists is its owner's: docs/architecture.md says what it must allow.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        choice: str,
        quicksight_account_ids: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        self.key: kms.IKey | None = None
        if choice == CREATE:
            self.key = self._create_key(quicksight_account_ids)
        elif choice != NONE:
            self.key = kms.Key.from_key_arn(self, "Key", choice)

    def grant(self, role: iam.IGrantable, services: Sequence[str]) -> None:
        """Let a role use the key, through calls of these services (of `_ACTIONS`) only."""
        if self.key is None:
            return
        stack = cdk.Stack.of(self)
        for service in services:
            name = service.partition(":")[0]
            via = {"kms:ViaService": f"{name}.{stack.region}.{stack.url_suffix}"}
            role.grant_principal.add_to_principal_policy(
                iam.PolicyStatement(
                    actions=[*_ACTIONS[service]],
                    resources=[self.key.key_arn],
                    conditions={"StringEquals": via},
                )
            )

    def _create_key(self, quicksight_account_ids: Sequence[str]) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            description="Requests, records, files and messages of snapshot exports",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        let_use(key, "quicksight", {"aws:SourceAccount": one_or_several(quicksight_account_ids)})
        let_use(key, "cloudwatch")
        return key


def use_keys_of_buckets(
    role: iam.IGrantable, keys: Sequence[str], *, url_suffix: str, writes: bool
) -> None:
    """Let a role use the keys of buckets that are not the stack's, through S3 in their regions."""
    for arn in keys:
        region = arn.split(":")[3]
        role.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=[*_SEND] if writes else ["kms:Decrypt"],
                resources=[arn],
                conditions={"StringEquals": {"kms:ViaService": f"s3.{region}.{url_suffix}"}},
            )
        )


def one_or_several(values: Sequence[str]) -> str | list[str]:
    """A condition's value, as IAM writes it: a list only if there are several."""
    different = list(dict.fromkeys(values))
    return different if len(different) > 1 else different[0]


def let_use(
    key: kms.IKey, service: str, condition: Mapping[str, str | list[str]] | None = None
) -> None:
    """Let an AWS service use the key; the policy of a key that exists stays its owner's.

    QuickSight writes to the bucket, CloudWatch's alarms to the topic, SNS to the queue of what an
    address did not take. CDK adds the same for EventBridge. QuickSight sends aws:SourceAccount to
    KMS, as to S3 [? source-account-kms]. If a start fails for lack of rights,
    drop that condition first.
    """
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
            actions=[*_SEND],
            resources=["*"],
            conditions={"StringEquals": dict(condition)} if condition else None,
        )
    )
