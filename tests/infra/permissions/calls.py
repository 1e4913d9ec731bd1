"""What a call of an AWS SDK needs to be allowed.

Sources: Service Authorization Reference (actions and resource types of each service); DynamoDB
Developer Guide, "TransactWriteItems" (each element needs the action of its own kind); S3 User
Guide, "Required permissions for Amazon S3 API operations" (HEAD and GET need s3:GetObject, all
parts of an upload s3:PutObject); QuickSight API reference, GetIdentityContext (sts:SetContext).
What a call makes its service do with the key is in `key_actions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Params = Mapping[str, Any]
NameOf = Callable[[str], str]
Right = tuple[str, str, dict[str, str]]
"""Action, resource, and what is known for conditions."""

TABLE, BUCKET = "<StorageTable>", "<StorageExportBucket>"
_TRANSACTED = {"Put", "Update", "Delete", "ConditionCheck"}
_UPLOADS = {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}
_SNAPSHOTS = {
    "StartDashboardSnapshotJob",
    "DescribeDashboardSnapshotJob",
    "DescribeDashboardSnapshotJobResult",
}

READS_OF_KEY, _WRITE = ("kms:Decrypt",), ("kms:GenerateDataKey",)
_KEY_ACTIONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("dynamodb", "any"): (
        "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt",
        "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo",
    ),
    ("s3", "HeadObject"): READS_OF_KEY,
    ("s3", "GetObject"): READS_OF_KEY,
    ("s3", "PutObject"): _WRITE,
    ("s3", "CopyObject"): READS_OF_KEY + _WRITE,
    ("s3", "CreateMultipartUpload"): READS_OF_KEY + _WRITE,
    ("s3", "UploadPart"): READS_OF_KEY + _WRITE,
    ("sqs", "SendMessage"): READS_OF_KEY + _WRITE,
    ("sqs", "ReceiveMessage"): READS_OF_KEY,
}  # fmt: skip
"""What callers must be allowed on the key. Sources: DynamoDB Developer Guide, "Encryption at rest:
usage notes"; S3 User Guide, "Using server-side encryption with AWS KMS keys"; SQS Developer Guide,
"Key management", permissions of producers and consumers."""


def rights_for(service: str, operation: str, params: Params, name_of: NameOf) -> Iterator[Right]:
    """What the caller of an operation must be allowed. AssertionError for one nobody looked up."""
    match service:
        case "dynamodb":
            yield from _dynamodb(operation, params, name_of)
        case "s3":
            yield from _s3(operation, params, name_of)
        case "sqs":
            yield from _sqs(operation, params, name_of)
        case "scheduler":
            yield from _scheduler(operation, params, name_of)
        case "stepfunctions":
            yield from _states(operation, params, name_of)
        case "quicksight":
            yield from _quicksight(operation, params, name_of)
        case "events" if operation == "PutEvents":
            for entry in params["Entries"]:
                bus = f"event-bus/{name_of(entry['EventBusName'])}"
                yield "events:PutEvents", _arn("events", bus), {}
        case "lambda" if operation == "Invoke":
            yield "lambda:InvokeFunction", name_of(params["FunctionName"]), {}
        case "sesv2":
            yield from _ses(operation, params)
        case "secretsmanager" if operation == "GetSecretValue":
            yield "secretsmanager:GetSecretValue", _arn("secretsmanager", _secret(params)), {}
        case "sts" if operation == "AssumeRole":
            role = name_of(params["RoleArn"])
            yield "sts:AssumeRole", role, {}
            if params.get("ProvidedContexts"):
                yield "sts:SetContext", role, {}
        case _:
            raise AssertionError(f"say in {__name__} what {service}.{operation} needs")


def key_actions(service: str, operation: str) -> tuple[str, ...]:
    """What the caller must be allowed on the key that the data is encrypted with."""
    exact = _KEY_ACTIONS.get((service, operation), ())
    return exact or _KEY_ACTIONS.get((service, "any"), ())


def _dynamodb(operation: str, params: Params, name_of: NameOf) -> Iterator[Right]:
    match operation:
        case "TransactWriteItems":
            for item in params["TransactItems"]:
                ((kind, write),) = item.items()
                assert kind in _TRANSACTED
                yield f"dynamodb:{kind}Item", name_of(write["TableName"]), {}
        case "BatchGetItem":
            for table in params["RequestItems"]:
                yield "dynamodb:BatchGetItem", name_of(table), {}
        case "Query" if "IndexName" in params:
            index = f"{name_of(params['TableName'])}/index/{params['IndexName']}"
            yield "dynamodb:Query", index, {}
        case _:
            yield f"dynamodb:{operation}", name_of(params["TableName"]), _leading_key(params)


def _leading_key(params: Params) -> dict[str, str]:
    """The kind of the partition, for policies that allow some only."""
    key = params.get("Key", {}).get("pk", "")
    kind = (key["S"] if isinstance(key, dict) else key).partition("#")[0]
    return {"dynamodb:LeadingKeys": f"{kind}#"} if kind == "LINK" else {}


def _s3(operation: str, params: Params, name_of: NameOf) -> Iterator[Right]:
    if operation == "ListObjectsV2":
        context = {"s3:prefix": params.get("Prefix", "")}
        yield "s3:ListBucket", _bucket(params["Bucket"], name_of), context
        return
    place = f"{_bucket(params['Bucket'], name_of)}/{params['Key']}"
    if operation in ("GetObject", "HeadObject"):
        yield "s3:GetObject", place, {}
    elif operation == "DeleteObject":
        yield "s3:DeleteObject", place, {}
    elif operation == "CopyObject":
        source = params["CopySource"]
        origin = f"{_bucket(source['Bucket'], name_of)}/{source['Key']}"
        yield "s3:GetObject", origin, {}
        yield "s3:PutObject", place, {}
    elif operation in _UPLOADS:
        yield "s3:PutObject", place, {}
    else:
        raise AssertionError(f"say in {__name__} what s3.{operation} needs")


def _sqs(operation: str, params: Params, name_of: NameOf) -> Iterator[Right]:
    queue = params["QueueName"] if operation == "GetQueueUrl" else params["QueueUrl"]
    yield f"sqs:{operation.removesuffix('Batch')}", name_of(queue), {}


def _scheduler(operation: str, params: Params, name_of: NameOf) -> Iterator[Right]:
    if operation == "ListSchedules":
        yield "scheduler:ListSchedules", "*", {}
        return
    place = f"schedule/{name_of(params['GroupName'])}/{params['Name']}"
    yield f"scheduler:{operation}", _arn("scheduler", place), {}
    if "Target" in params:
        context = {"iam:PassedToService": "scheduler.amazonaws.com"}
        yield "iam:PassRole", name_of(params["Target"]["RoleArn"]), context


def _secret(params: Params) -> str:
    """Secrets Manager User Guide, "What's in a secret": it adds six characters to a name."""
    return f"secret:{params['SecretId']}-Ab1Cd2"


def _states(operation: str, params: Params, name_of: NameOf) -> Iterator[Right]:
    if operation == "DescribeExecution":
        machine, execution = params["executionArn"].rsplit(":", 1)
        resource = name_of(machine.replace(":execution:", ":stateMachine:"))
        resource = resource.replace(":stateMachine:", ":execution:") + f":{execution}"
    else:
        resource = name_of(params["stateMachineArn"])
    yield f"states:{operation}", resource, {}


def _quicksight(operation: str, params: Params, name_of: NameOf) -> Iterator[Right]:
    if operation in _SNAPSHOTS:
        place = f"dashboard/{params['DashboardId']}/snapshot-job/{params['SnapshotJobId']}"
    elif operation in ("DescribeDashboard", "DescribeDashboardDefinition"):
        place = f"dashboard/{params['DashboardId']}"
    elif operation == "DescribeDataSet":
        place = f"dataset/{params['DataSetId']}"
    elif operation == "ListIngestions":
        place = f"dataset/{params['DataSetId']}/ingestion/*"
    elif operation == "GetIdentityContext":
        place = f"user/{params.get('Namespace', 'default')}/{params['UserIdentifier']['UserName']}"
    else:
        raise AssertionError(f"say in {__name__} what quicksight.{operation} needs")
    account = name_of(params["AwsAccountId"])
    yield f"quicksight:{operation}", f"arn:<Partition>:quicksight:<Region>:{account}:{place}", {}


def _ses(operation: str, params: Params) -> Iterator[Right]:
    """A raw message asks for SendRawEmail beside SendEmail, of whichever identity is verified: the
    address, or its domain [? ses-rights]."""
    if operation == "GetAccount":
        yield "ses:GetAccount", "*", {}
        return
    assert operation == "SendEmail", f"say in {__name__} what sesv2.{operation} needs"
    sender = params["FromEmailAddress"]
    for resource in (
        f"identity/{sender}",
        f"identity/{sender.rpartition('@')[2]}",
        f"configuration-set/{params['ConfigurationSetName']}",
    ):
        for action in ("ses:SendEmail", "ses:SendRawEmail"):
            yield action, _arn("ses", resource), {"ses:FromAddress": sender}


def _bucket(bucket: str, name_of: NameOf) -> str:
    known = name_of(bucket)
    return known if known != bucket else f"arn:<Partition>:s3:::{bucket}"


def _arn(service: str, rest: str) -> str:
    return f"arn:<Partition>:{service}:<Region>:<AccountId>:{rest}"
