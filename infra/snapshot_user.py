"""The role that acts for registered QuickSight users, with their identity-enhanced credentials."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.functions import ExportFunction
from infra.grants import ANY_DASHBOARD, Grants
from infra.nag_exceptions import acknowledge_wildcards

_ASSUME = ("sts:AssumeRole", "sts:SetContext")


class SnapshotUser(Construct):
    """A role with the snapshot operations, which `functions` assume together with a user's context.

    Source: QuickSight API reference, GetIdentityContext: the trust policy must allow
    sts:SetContext besides sts:AssumeRole [? identity-context-trust]. GetIdentityContext is granted
    on users' ARNs, as here, and not on `*` [? identity-context-resource].
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions: Sequence[ExportFunction],
        grants: Grants,
        operations: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        roles = [function.role for function in functions if function.role is not None]
        trust = iam.PolicyStatement(
            actions=[*_ASSUME], principals=[iam.ArnPrincipal(role.role_arn) for role in roles]
        )
        snapshots = iam.PolicyStatement(
            actions=[f"quicksight:{operation}" for operation in operations],
            resources=grants.dashboard_arns,
        )
        role = iam.CfnRole(
            self,
            "Role",
            description="Starts and reads snapshot jobs as a registered QuickSight user",
            assume_role_policy_document=iam.PolicyDocument(statements=[trust]),
            policies=[
                iam.CfnRole.PolicyProperty(
                    policy_name="Snapshots",
                    policy_document=iam.PolicyDocument(statements=[snapshots]),
                )
            ],
        )
        acknowledge_wildcards(role, ANY_DASHBOARD, *grants.dashboard_arns)
        self.role_arn = role.attr_arn
        for function in functions:
            grants.act_for_users(function, self.role_arn)
