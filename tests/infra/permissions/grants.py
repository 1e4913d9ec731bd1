"""What the template's policies allow, one action on one resource at a time, and what that permits.

Policies are judged by the evaluator of ministack, the embedded account's. Names are those of the
template reader: `<StorageTable>` is an ARN, `<Region>` whatever region the stack is deployed to.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from tests.infra.template_reader import StackTemplate

Statement = dict[str, Any]
_POLICY_OF = {
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::SQS::QueuePolicy": "Queues",
    "AWS::SNS::TopicPolicy": "Topics",
}
"""Policies that are resources of their own, and the member that names whose they are."""


@dataclass(frozen=True)
class Grant:
    """One action on one resource, allowed to one principal by the policy of `holder`.

    The holder is a role (then it is the principal too), or what a resource's policy protects.
    """

    holder: str
    principal: str
    action: str
    resource: str
    condition: str = "{}"

    def __str__(self) -> str:
        who = "" if self.principal == self.holder else f" to {self.principal}"
        when = "" if self.condition == "{}" else f" if {self.condition}"
        return f"{self.holder}: {self.action} on {self.resource}{who}{when}"

    @property
    def statement(self) -> Statement:
        """As a statement of a policy."""
        return {
            "Effect": "Allow",
            "Action": self.action,
            "Resource": self.resource,
            "Condition": json.loads(self.condition),
        }


@dataclass(frozen=True)
class Need:
    """What a principal must be able to do; `at` is the holder of the policy that decides it."""

    at: str
    principal: str
    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        with_context = f" with {dict(self.context)}" if self.context else ""
        return f"{self.principal} at {self.at}: {self.action} on {self.resource}{with_context}"


@dataclass(frozen=True)
class Policies:
    """All grants of a stack, and the statements that deny."""

    grants: tuple[Grant, ...]
    denials: tuple[tuple[str, Statement], ...]

    def without(self, position: int) -> Policies:
        """The same with one grant less."""
        return Policies(self.grants[:position] + self.grants[position + 1 :], self.denials)

    def at(self, holder: str) -> Policies:
        """Those of one holder."""
        return Policies(
            tuple(grant for grant in self.grants if grant.holder == holder),
            tuple(denial for denial in self.denials if denial[0] == holder),
        )

    def allow(self, need: Need) -> bool:
        """Whether a need is met. Everything is called over TLS."""
        statements = [
            grant.statement
            for grant in self.grants
            if (grant.holder, grant.principal) == (need.at, need.principal)
        ]
        statements += [statement for holder, statement in self.denials if holder == need.at]
        context = EvalContext(
            principal_arn=need.principal,
            principal_type="AssumedRole",
            principal_account="<AccountId>",
            action=need.action,
            resource_arn=need.resource,
            region="<Region>",
            source_ip="127.0.0.1",
            secure_transport=True,
            service_context={name.lower(): value for name, value in need.context},
        )
        decision = evaluate(context, [parse_policy_document({"Statement": statements})]).decision
        return bool(decision == "Allow")


def read_policies(template: StackTemplate) -> Policies:
    """Every policy of the stack: of roles, of what they may touch, and of who may take a role."""
    grants: list[Grant] = []
    denials: list[tuple[str, Statement]] = []
    for holder, statements in _statements(template).items():
        for statement in statements:
            if statement["Effect"] == "Deny":
                denials.append((holder, _without_principal(statement)))
            else:
                grants += _split(holder, statement)
    return Policies(tuple(dict.fromkeys(grants)), tuple(denials))


def _statements(template: StackTemplate) -> dict[str, list[Statement]]:
    """Rendered statements by holder."""
    found: dict[str, list[Statement]] = defaultdict(list)
    for role, properties in template.of_type("AWS::IAM::Role").items():
        trust = properties["AssumeRolePolicyDocument"]["Statement"]
        found[f"{role}:trust"] += [each | {"Resource": f"<{role}>"} for each in trust]
        found[role] += template.statements(role)
    for key, properties in template.of_type("AWS::KMS::Key").items():
        statements = properties["KeyPolicy"]["Statement"]
        assert all(each["Resource"] == "*" for each in statements), "a key's policy is of itself"
        found[key] += [each | {"Resource": f"<{key}>"} for each in statements]
    for kind, member in _POLICY_OF.items():
        for properties in template.of_type(kind).values():
            for protected in as_list(properties[member]):
                found[name_of(template, protected)] += properties["PolicyDocument"]["Statement"]
    for properties in template.of_type("AWS::Lambda::Permission").values():
        function = template.render(properties["FunctionName"])
        found[function.strip("<>")].append(
            {
                "Effect": "Allow",
                "Principal": {"Service": properties["Principal"]},
                "Action": properties["Action"],
                "Resource": function,
                "Condition": {"ArnLike": {"aws:SourceArn": properties["SourceArn"]}},
            }
        )
    return {
        holder: [_rendered(template, each) for each in statements]
        for holder, statements in found.items()
    }


def _split(holder: str, statement: Statement) -> Iterator[Grant]:
    condition = json.dumps(statement.get("Condition", {}), sort_keys=True)
    for principal in _principals(statement.get("Principal", {"AWS": holder})):
        for resource in as_list(statement["Resource"]):
            for action in as_list(statement["Action"]):
                yield Grant(holder, principal, action, resource, condition)


def _principals(principal: Any) -> Sequence[str]:
    if isinstance(principal, str):
        return [principal]
    return [name.strip("<>") for names in principal.values() for name in as_list(names)]


def _without_principal(statement: Statement) -> Statement:
    assert statement["Principal"] in ("*", {"AWS": "*"}), "a denial that is not everybody's"
    return {name: value for name, value in statement.items() if name != "Principal"}


def _rendered(template: StackTemplate, value: Any) -> Any:
    match value:
        case {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::Join": _}:
            return template.render(value)
        case dict():
            return {name: _rendered(template, each) for name, each in value.items()}
        case list():
            return [_rendered(template, each) for each in value]
    return value


def name_of(template: StackTemplate, reference: Any) -> str:
    """The logical id that a reference or ARN stands for."""
    return template.render(reference).strip("<>")


def as_list(value: Any) -> list[Any]:
    """A policy's member that may be one or several."""
    return value if isinstance(value, list) else [value]
