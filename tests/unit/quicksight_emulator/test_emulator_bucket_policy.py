"""The evaluation of bucket policies."""

from typing import Any

import pytest

from local.quicksight.bucket_policy import allows

ALLOW: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "quicksight.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::exports/*",
}
TLS_ONLY: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::exports", "arn:aws:s3:::exports/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
CONTEXT = {
    "aws:SecureTransport": "true",
    "aws:SourceAccount": "000000000000",
    "aws:SourceArn": "arn:aws:quicksight:us-east-1:000000000000:dashboard/sales-overview",
}


def allowed(*statements: dict[str, Any]) -> bool:
    policy = {"Statement": list(statements)}
    return allows(policy, "s3:PutObject", "arn:aws:s3:::exports/a/b.pdf", CONTEXT)


@pytest.mark.parametrize(
    "statement",
    [
        ALLOW,
        ALLOW | {"Principal": "*"},
        ALLOW | {"Principal": {"Service": ["s3.amazonaws.com", "quicksight.amazonaws.com"]}},
        ALLOW | {"Action": ["S3:Put*"]},
        ALLOW | {"Condition": {"StringEquals": {"aws:sourceAccount": "000000000000"}}},
        ALLOW | {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:quicksight:*:*:dashboard/*"}}},
    ],
)
def test_a_statement_for_the_service_allows(statement: dict[str, Any]) -> None:
    assert allowed(statement)
    assert allowed(statement, TLS_ONLY)


@pytest.mark.parametrize(
    "statement",
    [
        ALLOW | {"Principal": {"Service": "s3.amazonaws.com"}},
        ALLOW | {"Principal": {"AWS": "arn:aws:iam::000000000000:root"}},
        ALLOW | {"Action": "s3:GetObject"},
        ALLOW | {"Resource": "arn:aws:s3:::other/*"},
        ALLOW | {"Resource": "arn:aws:s3:::exports"},
        ALLOW | {"Condition": {"StringEquals": {"aws:SourceAccount": "111111111111"}}},
        ALLOW | {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {key: value for key, value in ALLOW.items() if key != "Action"} | {"NotAction": "s3:Get*"},
    ],
)
def test_a_statement_for_anything_else_does_not_allow(statement: dict[str, Any]) -> None:
    assert not allowed(statement)


def test_a_deny_that_applies_wins() -> None:
    assert not allowed(ALLOW, TLS_ONLY | {"Condition": {}})
    assert not allowed(ALLOW, TLS_ONLY | {"Condition": {"IpAddress": {"aws:SourceIp": "::/0"}}})
    assert not allowed()
