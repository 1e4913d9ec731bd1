"""An account that is in order until a test breaks one thing of it.

QuickSight is the project's emulator over HTTP; STS, IAM roles, S3, KMS, SSM, SNS and Scheduler are
moto's, in the process. What moto does not have is answered by a script, whose every answer is
checked against botocore's model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.validate import ParamValidator

from local.quicksight import QuickSightServer
from snapshots.connection import Account

ACCOUNT = "000000000000"
REGION = "us-east-1"
STACK = "SnapshotExport"
BUCKET = "stack-export-bucket"
OWN_BUCKET = "reports-of-ours"
SENDER = "Reports <monthly@reports.example>"
QUICKSIGHT = {"Service": "quicksight.amazonaws.com"}
OF_ACCOUNT = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
MADE = datetime(2026, 11, 23, tzinfo=UTC)
FUNCTIONS = ("intake", "api", "burst", "start", "describe", "hint", "collect", "reconcile")

Answer = Mapping[str, Any] | Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Refusal:
    """An answer that is an error."""

    code: str
    message: str = "it is refused"
    status: int = 400
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ScriptedAccount(Account):
    """What the command line opens: its clients last for all tests, and ask `answer` first."""

    desk: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, region: str | None = None) -> Any:
        name = f"{service} {region}"
        if name not in self.desk:
            self.desk[name] = super().client(service, region)
        return self.desk[name]


def make_account() -> ScriptedAccount:
    """An account without a script."""
    session = boto3.Session(region_name=REGION)
    account = ScriptedAccount(session=session, region=REGION)

    def ask(**call: Any) -> Any:
        answer = account.desk.get("answer")
        return answer(**call) if answer else None

    session.events.register("before-call", ask)
    return account


class Patient:
    """The account, and what a test may change: moto's content, script, emulator."""

    def __init__(
        self, account: ScriptedAccount, server: QuickSightServer, api_url: str, version: str
    ) -> None:
        account.desk.pop("answer", None)
        self.account = account
        self.server = server
        self.script: dict[str, Answer | Refusal] = {}
        self.denied: set[tuple[str, str]] = set()
        self.called: list[str] = []
        self.identities: dict[str, Any] = {}
        self.key_arn = self._make_key()
        self.variables = {"SNAPSHOT_JOB_LIMIT": "12", "ALLOWED_BUCKETS": f"another,{OWN_BUCKET}"}
        self.outputs = {
            "ApiUrl": api_url,
            "Version": version,
            "ExportBucketName": BUCKET,
            "ScheduleGroupName": STACK,
            "QuickSightAccountId": ACCOUNT,
            "QuickSightRegion": REGION,
            "NotificationTopicArn": self._make_topic(),
        }
        self.status = "UPDATE_COMPLETE"
        self._make_bucket(BUCKET, "snapshots/")
        self._make_bucket(OWN_BUCKET, "")
        self.client("ssm").put_parameter(
            Name="/cdk-bootstrap/hnb659fds/version", Value="28", Type="String"
        )
        self.client("scheduler").create_schedule_group(Name=STACK)
        self._write_script()
        account.desk["answer"] = self._answer

    def client(self, service: str) -> Any:
        """A client to break things with."""
        return self.account.client(service)

    def emulate(self, **settings: Any) -> None:
        """Change what QuickSight's account has."""
        emulator = self.server.emulator
        emulator.settings = replace(emulator.settings, **settings)
        emulator.reset()

    def quota(self, name: str, value: float) -> None:
        """Let Service Quotas list one quota of QuickSight's."""
        quota = {"QuotaName": name, "QuotaCode": "L-TEST", "Value": value}
        self.script["service-quotas:ListServiceQuotas"] = {"Quotas": [quota]}

    def send_mails(self) -> None:
        """Have the deployment send mails, by an SES that is in order."""
        self.variables["EMAIL"] = json.dumps(
            {"sender": SENDER, "configuration_set": "mails", "max_per_second": 10}
        )
        listed: Any = self.script["cloudformation:ListStackResources"]
        listed["StackResourceSummaries"].append(_function("deliver"))
        quota = {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 7.0}
        bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
        self.script |= {
            "sesv2:GetAccount": {
                "EnforcementStatus": "HEALTHY",
                "ProductionAccessEnabled": True,
                "SendingEnabled": True,
                "SendQuota": quota,
            },
            "sesv2:GetEmailIdentity": self._describe_identity,
            "sesv2:GetConfigurationSet": {"ConfigurationSetName": "mails"},
            "sesv2:GetConfigurationSetEventDestinations": {
                "EventDestinations": [
                    {
                        "Name": "events",
                        "Enabled": True,
                        "MatchingEventTypes": ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT"],
                        "EventBridgeDestination": {"EventBusArn": bus},
                    }
                ]
            },
        }
        self.identities = {
            "reports.example": {
                "VerifiedForSendingStatus": True,
                "DkimAttributes": {"Status": "SUCCESS"},
            }
        }

    def put_bucket_policy(self, bucket: str, *statements: Mapping[str, Any]) -> None:
        """Replace a bucket's policy."""
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)

    def put_key_policy(self, *statements: Mapping[str, Any]) -> None:
        """Replace the key's policy."""
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.client("kms").put_key_policy(KeyId=self.key_arn, PolicyName="default", Policy=policy)

    def _make_key(self) -> str:
        kms = self.client("kms")
        arn: str = kms.create_key()["KeyMetadata"]["Arn"]
        self.key_arn = arn
        self.put_key_policy(
            {
                "Effect": "Allow",
                "Principal": QUICKSIGHT,
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": "*",
                "Condition": OF_ACCOUNT,
            }
        )
        return arn

    def _make_topic(self) -> str:
        sns = self.client("sns")
        arn: str = sns.create_topic(Name="told")["TopicArn"]
        sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="ops@example.org")
        return arn

    def _make_bucket(self, name: str, prefix: str) -> None:
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name)
        rule = {
            "ApplyServerSideEncryptionByDefault": {
                "SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": self.key_arn,
            }
        }
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
        self.put_bucket_policy(name, *statements_of(name, prefix))

    def _write_script(self) -> None:
        self.script |= {
            "cloudformation:DescribeStacks": self._describe_stacks,
            "cloudformation:ListStackResources": {
                "StackResourceSummaries": [_function(name) for name in FUNCTIONS]
            },
            "lambda:GetFunctionConfiguration": self._describe_function,
            "lambda:GetAccountSettings": {
                "AccountLimit": {
                    "ConcurrentExecutions": 1000,
                    "UnreservedConcurrentExecutions": 900,
                }
            },
            "iam:SimulatePrincipalPolicy": self._simulate,
            "s3:GetBucketNotificationConfiguration": {"EventBridgeConfiguration": {}},
        }
        self.quota("Concurrent snapshot jobs", 12)

    def _describe_stacks(self, _members: Mapping[str, Any]) -> dict[str, Any]:
        outputs = [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]
        stack = {"StackName": STACK, "StackStatus": self.status, "Outputs": outputs}
        return {"Stacks": [{**stack, "CreationTime": MADE}]}

    def _describe_function(self, members: Mapping[str, Any]) -> dict[str, Any]:
        name = members["url_path"].rpartition("/functions/")[2].partition("/")[0]
        return {
            "FunctionName": name,
            "Role": f"arn:aws:iam::{ACCOUNT}:role/{name}",
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "Environment": {"Variables": dict(self.variables)},
        }

    def _describe_identity(self, members: Mapping[str, Any]) -> Any:
        name = members["url_path"].rpartition("/")[2].replace("%40", "@")
        return self.identities.get(name, Refusal("NotFoundException", status=404))

    def _simulate(self, members: Mapping[str, Any]) -> dict[str, Any]:
        body = members["body"]
        principal = body["PolicySourceArn"].rpartition("/")[2]
        actions = [value for name, value in body.items() if name.startswith("ActionNames.")]
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": "*",
                "EvalDecision": "implicitDeny"
                if (principal, action.partition(":")[2]) in self.denied
                else "allowed",
            }
            for action in actions
        ]
        return {"EvaluationResults": results, "IsTruncated": False}

    def _answer(self, model: Any, params: Mapping[str, Any], **_more: Any) -> Any:
        self.called.append(f"{model.service_model.signing_name}:{model.name}")
        answer = self.script.get(f"{model.service_model.service_name}:{model.name}")
        if answer is None:
            return None
        parsed = answer(params) if callable(answer) else answer
        if isinstance(parsed, Refusal):
            meta = {"HTTPStatusCode": parsed.status, "HTTPHeaders": dict(parsed.headers)}
            error = {"Code": parsed.code, "Message": parsed.message}
            return SimpleNamespace(status_code=parsed.status), {
                "Error": error,
                "ResponseMetadata": meta,
            }
        report = ParamValidator().validate(parsed, model.output_shape)
        assert not report.has_errors(), report.generate_report()
        return SimpleNamespace(status_code=200), {**parsed, "ResponseMetadata": {}}


def _function(name: str) -> dict[str, Any]:
    return {
        "LogicalResourceId": f"{name.capitalize()}FunctionA1B2C3",
        "PhysicalResourceId": f"{STACK}-{name}",
        "ResourceType": "AWS::Lambda::Function",
        "ResourceStatus": "CREATE_COMPLETE",
        "LastUpdatedTimestamp": MADE,
    }


def statements_of(bucket: str, prefix: str) -> list[dict[str, Any]]:
    """What lets QuickSight write to a bucket, as infra/storage.py writes it, and a usual Deny."""
    arn = f"arn:aws:s3:::{bucket}"
    granted = {"s3:PutObject": f"{arn}/{prefix}*", "s3:GetBucketLocation": arn}
    allowed = [
        {
            "Effect": "Allow",
            "Principal": QUICKSIGHT,
            "Action": action,
            "Resource": resource,
            "Condition": OF_ACCOUNT,
        }
        for action, resource in granted.items()
    ]
    plain = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return [plain, *allowed]
