"""A bucket that QuickSight writes to: where it is, whom it and its key let in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from snapshots.doctor import fixes, rights
from snapshots.doctor.context import Case, RefusedError
from snapshots.doctor.findings import Verdict, failed, not_checked, ok, warning
from snapshots.doctor.policies import SERVICE, Request, find_obstacle, s3_host

_OWN_PREFIX = "snapshots"
_OBJECT = "doctor.pdf"
_LOCATION, _PUT = "s3:GetBucketLocation", "s3:PutObject"
_KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")


def look_at_place(name: str | None, case: Case) -> Verdict:
    """Whether the bucket exists, in QuickSight's region."""
    bucket, _ = _place(name, case)
    try:
        found = case.call("s3", "GetBucketLocation", Bucket=bucket)
    except RefusedError as error:
        if error.code != "NoSuchBucket":
            raise
        return failed(f"there is no bucket {bucket}", fixes.create_bucket(bucket))
    return judge_place(bucket, found.get("LocationConstraint"), case.quicksight_region)


def judge_place(bucket: str, constraint: str | None, region: str) -> Verdict:
    """S3 names its oldest region by nothing, and an old form of Ireland by EU."""
    location = {"": "us-east-1", "EU": "eu-west-1"}.get(constraint or "", constraint or "")
    if location != region:
        seen = f"{bucket} is in {location}, QuickSight is used in {region}"
        return failed(seen, fixes.take_bucket_of(region))
    return ok(f"{bucket} in {location}")


def look_at_policy(name: str | None, case: Case) -> Verdict:
    """Whether the bucket's policy lets QuickSight ask for its place and write files."""
    bucket, prefix = _place(name, case)
    try:
        text = case.call("s3", "GetBucketPolicy", Bucket=bucket)["Policy"]
    except RefusedError as error:
        if error.code != "NoSuchBucketPolicy":
            raise
        text = "{}"
    arn = f"arn:{case.partition}:s3:::{bucket}"
    return judge_policy(json.loads(text), arn, prefix, _context(case))


def judge_policy(
    policy: Mapping[str, Any], arn: str, prefix: str, context: Mapping[str, str]
) -> Verdict:
    """By what QuickSight would ask for; `context` holds the condition keys as it would send them.

    A bucket may be allowed in QuickSight's own settings instead, which no API shows.
    """
    folder = f"{arn}/{prefix}/" if prefix else f"{arn}/"
    wanted = {_LOCATION: (arn, arn), _PUT: (f"{folder}{_OBJECT}", f"{folder}*")}
    obstacles, statements = [], []
    for action, (resource, granted) in wanted.items():
        obstacle = find_obstacle(policy, Request(action, resource, context))
        if obstacle:
            obstacles.append(f"{action} {obstacle}")
            statements.append(_statement(action, granted, context))
    if obstacles:
        fix = fixes.add_statements("bucket's policy", statements)
        admin = "; or allow the bucket in QuickSight: Manage QuickSight > Security & permissions"
        return failed(f"QuickSight cannot write: {'; '.join(obstacles)}", fix + admin)
    return ok(f"lets {SERVICE} write to {folder}*")


def look_at_key(name: str | None, case: Case) -> Verdict:
    """Whether QuickSight may use the key that the bucket encrypts with."""
    key = _key_of(_place(name, case)[0], case)
    if key is None:
        return ok("SSE-S3, which needs no key")
    text = case.call("kms", "GetKeyPolicy", KeyId=key["Arn"], PolicyName="default")["Policy"]
    return judge_key(key, json.loads(text), _context(case))


def look_at_use_of_key(name: str, case: Case) -> Verdict:
    """Whether the functions may read what is encrypted with the key of a bucket of others.

    By the collect function's role: whoever reads there has the right by the same parameter.
    """
    key = _key_of(_place(name, case)[0], case)
    if key is None or key.get("KeyManager") == "AWS":
        return ok("it has no key that rights are needed on")
    via = {"kms:ViaService": s3_host(case.quicksight_region)}
    if "collect" not in case.functions:
        return not_checked("the stack's collect function was not found")
    role = str(case.functions["collect"]["Role"])
    if rights.denied(case, role, ["kms:Decrypt"], [key["Arn"]], via):
        seen = f"IAM's simulation denies the collect function kms:Decrypt on {key['Arn']}"
        return failed(seen, fixes.name_key(key["Arn"]))
    return ok(f"the functions may read with {key['Arn']}")


def _key_of(bucket: str, case: Case) -> Mapping[str, Any] | None:
    """What KMS says of the key that a bucket encrypts with, None for a bucket without."""
    try:
        answer = case.call("s3", "GetBucketEncryption", Bucket=bucket)
    except RefusedError as error:
        if error.code != "ServerSideEncryptionConfigurationNotFoundError":
            raise
        answer = {"ServerSideEncryptionConfiguration": {"Rules": []}}
    rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
    chosen = rules[0].get("ApplyServerSideEncryptionByDefault", {}) if rules else {}
    if not str(chosen.get("SSEAlgorithm", "AES256")).startswith("aws:kms"):
        return None
    key_id = chosen.get("KMSMasterKeyID") or "alias/aws/s3"
    key: Mapping[str, Any] = case.call("kms", "DescribeKey", KeyId=key_id)["KeyMetadata"]
    return key


def judge_key(
    key: Mapping[str, Any], policy: Mapping[str, Any], context: Mapping[str, str]
) -> Verdict:
    """AWS's own key for S3 serves the account's callers, no other service [? aws-managed-key]."""
    arn = key["Arn"]
    if key.get("KeyManager") == "AWS":
        seen = f"AWS's own key {arn}, which lets QuickSight in only as a user of the account"
        return warning(seen, fixes.ENCRYPT_OTHERWISE)
    if key.get("KeyState") != "Enabled":
        return failed(f"key {arn} is {key.get('KeyState')}", fixes.ENABLE_KEY.format(key=arn))
    obstacles = {
        action: obstacle
        for action in _KEY_ACTIONS
        if (obstacle := find_obstacle(policy, Request(action, arn, context)))
    }
    if obstacles:
        missing = "; ".join(f"{action} {obstacle}" for action, obstacle in obstacles.items())
        statements = [_statement([*obstacles], "*", context)]
        fix = fixes.add_statements(f"policy of key {arn}", statements)
        return failed(f"QuickSight cannot encrypt: {missing}", fix)
    return ok(f"key {arn} lets {SERVICE} encrypt")


def look_at_notifications(name: str | None, case: Case) -> Verdict:
    """Whether the bucket sends its events to EventBridge, so that hints come of it.

    Without, exports are polled for; files under a prefix of the request's own always are.
    """
    bucket, _ = _place(name, case)
    found = case.call("s3", "GetBucketNotificationConfiguration", Bucket=bucket)
    if "EventBridgeConfiguration" in found:
        return ok("sends its events to EventBridge")
    seen = "sends no events to EventBridge: exports to it are polled for, with more calls"
    if bucket in (case.allowed_buckets or ()):
        return ok(seen)
    return warning(seen, fixes.send_events(bucket))


def look_at_allowance(name: str, case: Case) -> Verdict:
    """Whether requests may name the bucket."""
    return judge_allowance(name.partition("/")[0], case)


def judge_allowance(bucket: str, case: Case) -> Verdict:
    """By allowedBuckets as deployed, or as the checkout's parameters would deploy it."""
    allowed = case.allowed_buckets
    where = "the deployment's" if case.environment else "cdk.json's"
    if allowed is None:
        return not_checked("there is neither a deployment nor a cdk.json here")
    if bucket not in allowed:
        seen = f"{bucket} is not among {where} allowedBuckets: requests are refused"
        return failed(seen, fixes.allow_bucket(bucket))
    return ok(f"among {where} allowedBuckets")


def _place(name: str | None, case: Case) -> tuple[str, str]:
    """Bucket and prefix: of `BUCKET/PREFIX`, or where QuickSight writes in the stack's own."""
    if name is None:
        return case.outputs.get("ExportBucketName", ""), _OWN_PREFIX
    bucket, _, prefix = name.partition("/")
    return bucket, prefix.strip("/")


def _context(case: Case) -> dict[str, str]:
    return {
        "aws:SourceAccount": case.quicksight_account,
        "aws:SourceArn": case.quicksight_arn("dashboard/any"),
        "aws:SecureTransport": "true",
        "aws:PrincipalIsAWSService": "true",
        "s3:TlsVersion": "1.3",
        "kms:ViaService": s3_host(case.quicksight_region),
        "kms:CallerAccount": case.quicksight_account,
    }


def _statement(
    action: str | list[str], resource: str, context: Mapping[str, str]
) -> Mapping[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": action,
        "Resource": resource,
        "Condition": {"StringEquals": {"aws:SourceAccount": context["aws:SourceAccount"]}},
    }
