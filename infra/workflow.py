"""The state machine that takes one attempt from its slot to its files."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.log_groups import VENDED_LOGS, create_log_group
from infra.nag_exceptions import acknowledge, acknowledge_wildcards

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_PARTITION = "Partition"


class Workflow(Construct):
    """The machine of `definition`, a JSON file whose `${Name}` stand for the ARNs of `functions`,
    and `${Partition}` for AWS's partition.

    Executions carry ids only, and even those stay out of its logs (no execution data).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        definition: Path,
        functions: Mapping[str, lambda_.IFunction],
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        arns = {placeholder: function.function_arn for placeholder, function in functions.items()}
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        role.add_to_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[*arns.values()])
        )
        log_group = create_log_group(
            self,
            "Logs",
            retention_days=log_retention_days,
            name=f"{VENDED_LOGS}/states/{name}",
        )
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=name,
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(
                read_definition(definition, placeholders={*arns, _PARTITION})
            ),
            definition_substitutions=arns | {_PARTITION: cdk.Aws.PARTITION},
            role=role,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=log_group, level=sfn.LogLevel.ERROR, include_execution_data=False
            ),
        )
        reason = "every step's function logs its decision; the machine's own log is for errors"
        acknowledge(self.state_machine, reason, "AwsSolutions-SF1")
        reason = "delivery of logs and traces, as CDK grants it: these actions take no resource"
        acknowledge_wildcards(role, reason, "*")


def read_definition(path: Path, *, placeholders: Collection[str]) -> str:
    """Read a definition as compact JSON. Raises ValueError if it is none, or wants other ARNs."""
    text = json.dumps(json.loads(path.read_text(encoding="utf-8")), separators=(",", ":"))
    used = set(_PLACEHOLDER.findall(text))
    if used != set(placeholders):
        raise ValueError(
            f"{path.name} holds the placeholders {sorted(used)}, expected {sorted(placeholders)}"
        )
    return text
