"""Findings of cdk-nag that stand, each with its reason, beside what they are about.

`make check` runs the AwsSolutions and Serverless packs (app.py, context key `nag`). A wildcard is
acknowledged by its own ARN, so another one in the same role is still found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from constructs import IConstruct


def acknowledge(construct: IConstruct, reason: str, *rules: str) -> None:
    """Let rules (such as "AwsSolutions-S1") find nothing on a construct and what is under it."""
    acknowledged = [cdk.Acknowledgment(id=rule, reason=reason) for rule in rules]
    cdk.Validations.of(construct).acknowledge(*acknowledged)


def acknowledge_wildcards(construct: IConstruct, reason: str, *resources: str) -> None:
    """Let a role's statements name these resources, of which some hold a `*`."""
    stack = cdk.Stack.of(construct)
    shown = [_show(stack.resolve(resource)) for resource in resources]
    rules = [f"AwsSolutions-IAM5[Resource::{each}]" for each in shown if "*" in each]
    if rules and not reason:
        raise ValueError(f"a wildcard without a reason: {', '.join(rules)}")
    acknowledge(construct, reason, *rules)


def _show(value: Any) -> str:
    """Render an ARN as cdk-nag does in its findings: `<Bucket1234.Arn>/exports/*`."""
    match value:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator.join(_show(part) for part in parts))
        case Mapping():
            raise ValueError(f"cannot show {value}")
        case _:
            return str(value)
