"""What lasts: the table of exports and the bucket of their files."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.encryption import one_or_several
from infra.nag_exceptions import acknowledge
from snapshot_export.adapters.table.listing import (
    BY_BURST,
    BY_RECIPIENT,
    BY_STATUS,
    LISTED_ATTRIBUTES,
)
from snapshot_export.domain.prefixes import (
    BURSTS_PREFIX,
    EXPORTS_PREFIX,
    SNAPSHOTS_PREFIX,
    UPLOADS_PREFIX,
)

_RAW_FILE_DAYS = 7


class Storage(Construct):
    """The table and the export bucket; both outlive the stack, unless its creation failed.

    The table has no deletion protection of DynamoDB's own: it would stop CloudFormation from
    removing it after a failed creation. Termination protection guards the stack.

    QuickSight writes under `snapshots/`, the collect step copies to `exports/`. Users put
    recipients of bursts under `manifests/`, where they stay: a schedule may name them. Only what
    the command line uploads for one burst expires. What the stack writes of bursts is under
    `bursts/`.
    Objects are not versioned: each is written once under its own key, and old versions would
    outlive the retention that the deployment promises.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey | None,
        quicksight_account_ids: Sequence[str],
        retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if key else None,
            encryption_key=key,
            time_to_live_attribute="expires_at",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        for index, value, other in (
            (BY_STATUS, "status", "burst_id"),
            (BY_BURST, "burst_id", "status"),
        ):
            self.table.add_global_secondary_index(
                index_name=index,
                partition_key=dynamodb.Attribute(name=value, type=dynamodb.AttributeType.STRING),
                sort_key=dynamodb.Attribute(name="listed_at", type=dynamodb.AttributeType.STRING),
                projection_type=dynamodb.ProjectionType.INCLUDE,
                non_key_attributes=[*LISTED_ATTRIBUTES, other],
            )
        self.table.add_global_secondary_index(
            index_name=BY_RECIPIENT,
            partition_key=dynamodb.Attribute(
                name="recipient_id", type=dynamodb.AttributeType.STRING
            ),
            sort_key=dynamodb.Attribute(name="listed_at", type=dynamodb.AttributeType.STRING),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        self.bucket = s3.Bucket(
            self,
            "ExportBucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=key is not None,
            enforce_ssl=True,
            lifecycle_rules=[
                _expire(SNAPSHOTS_PREFIX, days=_RAW_FILE_DAYS),
                _expire(EXPORTS_PREFIX, days=retention_days),
                _expire(BURSTS_PREFIX, days=retention_days),
                _expire(UPLOADS_PREFIX, days=retention_days),
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        # The L2 property would bring a custom resource, with a function and a role of its own.
        resource = self.bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            )
        )
        reason = "who reads and writes is in CloudTrail's data events, with identities"
        acknowledge(self.bucket, reason, "AwsSolutions-S1")
        self._let_quicksight_write(quicksight_account_ids)

    def _let_quicksight_write(self, account_ids: Sequence[str]) -> None:
        # [? source-account-s3] QuickSight sends aws:SourceAccount on both calls. If
        # a start fails for lack of rights on this bucket, drop the condition first.
        granted = {
            "s3:PutObject": self.bucket.arn_for_objects(f"{SNAPSHOTS_PREFIX}*"),
            "s3:GetBucketLocation": self.bucket.bucket_arn,
        }
        for action, resource in granted.items():
            self.bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal("quicksight.amazonaws.com")],
                    actions=[action],
                    resources=[resource],
                    conditions={"StringEquals": {"aws:SourceAccount": one_or_several(account_ids)}},
                )
            )


def _expire(prefix: str, *, days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        prefix=prefix,
        expiration=cdk.Duration.days(days),
        abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
    )
