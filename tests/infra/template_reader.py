"""Reads a synthesized template in words a test can compare."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk.assertions import Template

from infra.parameters import Settings
from infra.stack import SnapshotExportStack

ROOT = Path(__file__).parents[2]

_HASH = re.compile(r"[0-9A-F]{8}$")


class StackTemplate:
    """One stack's template. Logical ids are given and shown without CDK's trailing hash."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body

    def of_type(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """Properties of all resources of a type, by logical id."""
        return {
            _HASH.sub("", name): resource.get("Properties", {})
            for name, resource in self.body["Resources"].items()
            if resource["Type"] == resource_type
        }

    def resource(self, logical_id: str) -> dict[str, Any]:
        """The whole resource of that id."""
        found = [
            r for name, r in self.body["Resources"].items() if _HASH.sub("", name) == logical_id
        ]
        assert len(found) == 1, f"{logical_id} is there {len(found)} times"
        resource: dict[str, Any] = found[0]
        return resource

    def properties(self, logical_id: str) -> dict[str, Any]:
        """The properties of the resource of that id."""
        properties: dict[str, Any] = self.resource(logical_id)["Properties"]
        return properties

    def output(self, name: str) -> str:
        """An output's value, rendered."""
        return self.render(self.body["Outputs"][name]["Value"])

    def render(self, value: Any) -> str:
        """Give a value as text: `<TheTable>` for a name or ARN, `<Region>` for a pseudo one."""
        match value:
            case {"Ref": name}:
                return f"<{_HASH.sub('', name.removeprefix('AWS::'))}>"
            case {"Fn::GetAtt": [name, "Arn"]}:
                return f"<{_HASH.sub('', name)}>"
            case {"Fn::GetAtt": [name, attribute]}:
                return f"<{_HASH.sub('', name)}.{attribute}>"
            case {"Fn::Join": [separator, parts]}:
                return str(separator.join(self.render(part) for part in parts))
            case str():
                return value
        raise AssertionError(f"cannot render {value}")

    def statements(self, role: str) -> list[dict[str, Any]]:
        """All policy statements of a role, inline ones included."""
        policies = self.properties(role).get("Policies", [])
        policies += [
            policy
            for policy in self.of_type("AWS::IAM::Policy").values()
            if f"<{role}>" in [self.render(name) for name in policy["Roles"]]
        ]
        return [
            statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]
        ]

    def grants(self, role: str) -> dict[str, set[str]]:
        """Tell what a role may do: rendered resource to actions. The key's are in `key_grants`."""
        granted: dict[str, set[str]] = defaultdict(set)
        for statement in self.statements(role):
            assert statement["Effect"] == "Allow"
            if _is_of_key(statement):
                continue
            assert "Condition" not in statement
            for resource in _as_list(statement["Resource"]):
                granted[self.render(resource)].update(_as_list(statement["Action"]))
        return dict(granted)

    def key_grants(self, role: str) -> dict[str, tuple[str, set[str]]]:
        """Tell how a role may use a KMS key: through which service, to key and actions."""
        granted = {}
        for statement in filter(_is_of_key, self.statements(role)):
            ((service, name),) = statement["Condition"]["StringEquals"].items()
            assert service == "kms:ViaService"
            granted[self.render(name)] = (
                self.render(statement["Resource"]),
                _key_actions(statement),
            )
        return granted


def read_feature_flags() -> dict[str, Any]:
    """Flags of the CDK that cdk.json sets."""
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return {name: value for name, value in context.items() if name.startswith("@aws-cdk")}


def synthesize_stack(settings: Settings) -> StackTemplate:
    """The stack's template with given settings and cdk.json's feature flags, without bundling."""
    context: dict[str, Any] = {"aws:cdk:bundling-stacks": [], **read_feature_flags()}
    stack = SnapshotExportStack(cdk.App(context=context), "SnapshotExport", settings=settings)
    return StackTemplate(dict(Template.from_stack(stack).to_json()))


def _is_of_key(statement: dict[str, Any]) -> bool:
    return any(action.startswith("kms:") for action in _as_list(statement["Action"]))


def _key_actions(statement: dict[str, Any]) -> set[str]:
    return set(_as_list(statement["Action"]))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
