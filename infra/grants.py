"""What each function may do: the actions it calls, on the resources it calls them on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.bursts import Bursts
from infra.nag_exceptions import acknowledge_wildcards
from infra.storage import (
    Storage,
)
from infra.targets import StackTarget
from snapshot_export.adapters.table.links import LINK_PREFIX
from snapshot_export.adapters.table.listing import BY_BURST, BY_RECIPIENT, BY_STATUS
from snapshot_export.domain.prefixes import (
    BURSTS_PREFIX,
    EXPORTS_PREFIX,
    MANIFESTS_PREFIX,
    SNAPSHOTS_PREFIX,
)

ANY_DASHBOARD = "an export may name any dashboard of the account; its job has an id of its own"


@dataclass(frozen=True, kw_only=True)
class Grants:
    """The rights this stack gives, one method for each thing a function does with a service."""

    stack: cdk.Stack
    storage: Storage
    machine_name: str
    quicksight_account_id: str
    quicksight_region: str
    identity_region: str | None
    allowed_buckets: Sequence[str]
    event_bus: str
    targets: Sequence[StackTarget] = ()

    def keep_records(self, function: lambda_.Function) -> None:
        """Read and write items of the table, also in transactions."""
        verbs = ("GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem")
        _allow(function, [f"dynamodb:{verb}" for verb in verbs], self.storage.table.table_arn)

    def keep_mails(self, function: lambda_.Function) -> None:
        """Read and write items of the table by their keys, also in transactions."""
        verbs = ("GetItem", "PutItem", "UpdateItem", "DeleteItem")
        _allow(function, [f"dynamodb:{verb}" for verb in verbs], self.storage.table.table_arn)

    def open_links(self, function: lambda_.Function) -> None:
        """Read and change records of links, and no others of the table [? link-keys]; sign
        addresses that download finished files."""
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["dynamodb:GetItem", "dynamodb:UpdateItem"],
                resources=[self.storage.table.table_arn],
                conditions={
                    "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{LINK_PREFIX}*"]}
                },
            )
        )
        self.hand_out_files(function)

    def mark_records(self, function: lambda_.Function) -> None:
        """Read items of the table and change those that are there."""
        verbs = ("GetItem", "Query", "UpdateItem")
        _allow(function, [f"dynamodb:{verb}" for verb in verbs], self.storage.table.table_arn)

    def start_executions(self, function: lambda_.Function) -> None:
        """Start executions: every function that may admit an export does."""
        _allow(function, ["states:StartExecution"], self.machine_arn)

    def watch_executions(self, function: lambda_.Function) -> None:
        """List the machine's executions and read how they are."""
        _allow(function, ["states:ListExecutions"], self.machine_arn)
        executions = self._arn("states", f"execution:{self.machine_name}:*")
        reason = "one for each admission, of this machine"
        _allow(function, ["states:DescribeExecution"], executions, wildcard=reason)

    def call_quicksight(self, function: lambda_.Function, *operations: str) -> None:
        """Call these operations on any dashboard of each target.

        Where a target has a role for that, assume it: what the role may do is its owner's.
        """
        actions = [f"quicksight:{operation}" for operation in operations]
        _allow(function, actions, *self.dashboard_arns, wildcard=ANY_DASHBOARD)
        roles = [each.parameters.role_arn for each in self.targets if each.parameters.role_arn]
        if roles:
            _allow(function, ["sts:AssumeRole"], *roles)

    def read_definitions(self, function: lambda_.Function) -> None:
        """Read what lies on the sheets of dashboards, and their parameters."""
        self.call_quicksight(function, "DescribeDashboardDefinition")

    def read_row_level_security(self, function: lambda_.Function) -> None:
        """Read which data sets dashboards have, and what these demand of tags.

        Service Authorization Reference: the second asks for the data set's ARN [? data-set-arn].
        """
        self.call_quicksight(function, "DescribeDashboard")
        data_sets, reason = self._quicksight_arns("dataset"), "a dashboard may have any data set"
        _allow(function, ["quicksight:DescribeDataSet"], *data_sets, wildcard=reason)

    def read_refreshes(self, function: lambda_.Function) -> None:
        """Read whether data sets are in SPICE, and their refreshes.

        A refresh's ARN begins with its data set's [? data-set-arn].
        """
        data_sets, reason = self._quicksight_arns("dataset"), "a request may wait for any data set"
        actions = ["quicksight:DescribeDataSet", "quicksight:ListIngestions"]
        _allow(function, actions, *data_sets, wildcard=reason)

    def act_for_users(self, function: lambda_.Function, role_arn: str) -> None:
        """Ask QuickSight for a registered user's context, and assume a role with it."""
        reason = "an export may name any registered user"
        own = [each for each in self.targets if each.parameters.role_arn is None]
        places = [(self.quicksight_account_id, self.identity_region or self.quicksight_region)]
        places += [
            (each.account_id, each.parameters.identity_region or each.region) for each in own
        ]
        users = self._arns_in(dict.fromkeys(places), "user")
        _allow(function, ["quicksight:GetIdentityContext"], *users, wildcard=reason)
        others = [each.parameters.user_role_arn for each in self.targets]
        roles = [role_arn, *(each for each in others if each)]
        _allow(function, ["sts:AssumeRole", "sts:SetContext"], *roles)

    def announce(self, function: lambda_.Function) -> None:
        """Put events on the event bus."""
        _allow(function, ["events:PutEvents"], self._arn("events", f"event-bus/{self.event_bus}"))

    def move_files(self, function: lambda_.Function) -> None:
        """Read what QuickSight wrote, into a target's or an allowed bucket; write finished files
        into the target's."""
        elsewhere = [f"arn:{cdk.Aws.PARTITION}:s3:::{name}/*" for name in self.allowed_buckets]
        raw, finished = self._places(SNAPSHOTS_PREFIX), self._places(EXPORTS_PREFIX)
        reason = "QuickSight chooses the names, and users theirs"
        _allow(function, ["s3:GetObject"], *raw, *finished, *elsewhere, wildcard=reason)
        _allow(function, ["s3:PutObject"], *finished, wildcard=reason)

    def take_files_back(self, function: lambda_.Function) -> None:
        """Find and delete what a cancelled export left in its target's bucket."""
        places = [*self._places(SNAPSHOTS_PREFIX), *self._places(EXPORTS_PREFIX)]
        _allow(function, ["s3:DeleteObject"], *places, wildcard="as many as the export made")
        _allow(function, ["s3:ListBucket"], *self._bucket_arns)

    def collect_at_once(self, function: lambda_.Function, collect: lambda_.Function) -> None:
        """See which files of a job have come, and have them collected."""
        _allow(function, ["s3:ListBucket"], *self._bucket_arns)
        _allow(function, ["lambda:InvokeFunction"], collect.function_arn)

    def list_records(self, function: lambda_.Function) -> None:
        """Query the table's indexes, and read the records that the one by recipient names."""
        names = (BY_STATUS, BY_BURST, BY_RECIPIENT)
        indexes = [f"{self.storage.table.table_arn}/index/{each}" for each in names]
        _allow(function, ["dynamodb:Query"], *indexes)
        self.read_in_batches(function)

    def hand_out_files(self, function: lambda_.Function) -> None:
        """Sign addresses that download finished files."""
        finished = self._places(EXPORTS_PREFIX)
        _allow(function, ["s3:GetObject"], *finished, wildcard="an address for any finished file")

    def ask_for_burst_work(self, function: lambda_.Function, bursts: Bursts) -> None:
        """Send to the burst queue: every function that accepts or ends exports does."""
        bursts.queue.grant(function, "sqs:SendMessage")

    def read_manifests(self, function: lambda_.Function) -> None:
        """Read lists of recipients, here or in an allowed bucket; write what bursts leave here."""
        bucket = self.storage.bucket
        elsewhere = [f"arn:{cdk.Aws.PARTITION}:s3:::{name}/*" for name in self.allowed_buckets]
        here = [bucket.arn_for_objects(f"{each}*") for each in (BURSTS_PREFIX, MANIFESTS_PREFIX)]
        reason = "one list for each burst, under its id or the user's name"
        _allow(function, ["s3:GetObject"], *here, *elsewhere, wildcard=reason)
        _allow(function, ["s3:PutObject"], here[0], wildcard=reason)

    def zip_files(self, function: lambda_.Function) -> None:
        """Read finished files of the stack's own bucket, to write those of a burst as one."""
        finished = self.storage.bucket.arn_for_objects(f"{EXPORTS_PREFIX}*")
        _allow(function, ["s3:GetObject"], finished, wildcard="the files of any burst")

    def find_recipients(self, function: lambda_.Function, role_arn: str) -> None:
        """Assume the role that runs queries for recipients: what it may do is its owner's."""
        _allow(function, ["sts:AssumeRole"], role_arn)

    def read_passwords(self, function: lambda_.Function, prefix: str) -> None:
        """Read the secrets whose names begin so: passwords of files [? secret-key]."""
        secrets = self._arn("secretsmanager", f"secret:{prefix}*")
        reason = "one for each recipient, with what Secrets Manager adds to its name"
        _allow(function, ["secretsmanager:GetSecretValue"], secrets, wildcard=reason)

    def read_in_batches(self, function: lambda_.Function) -> None:
        """Read items of the table a hundred at a time."""
        _allow(function, ["dynamodb:BatchGetItem"], self.storage.table.table_arn)

    @property
    def dashboard_arns(self) -> list[str]:
        """Every dashboard that is called without a role, and with them their snapshot jobs.

        Service Authorization Reference: the operations ask for the job's ARN, which begins with its
        dashboard's.
        """
        return self._quicksight_arns("dashboard")

    def _quicksight_arns(self, resource: str) -> list[str]:
        """Of the default target and of those that have no role."""
        own = [each for each in self.targets if each.parameters.role_arn is None]
        places = [(self.quicksight_account_id, self.quicksight_region)]
        places += [(each.account_id, each.region) for each in own]
        return self._arns_in(places, resource)

    def _arns_in(self, places: Iterable[tuple[str, str]], resource: str) -> list[str]:
        return [
            self.stack.format_arn(
                service="quicksight",
                account=account_id,
                region=region,
                resource=resource,
                resource_name="*",
            )
            for account_id, region in places
        ]

    @property
    def bucket_names(self) -> list[str]:
        """Buckets that QuickSight writes to: the stack's own, and those that targets brought."""
        brought = [each.parameters.bucket for each in self.targets]
        return [self.storage.bucket.bucket_name, *dict.fromkeys(name for name in brought if name)]

    @property
    def _bucket_arns(self) -> list[str]:
        """The stack's own bucket, and those that targets brought."""
        buckets = [each.parameters.bucket for each in self.targets]
        brought = [f"arn:{cdk.Aws.PARTITION}:s3:::{name}" for name in buckets if name]
        return [self.storage.bucket.bucket_arn, *dict.fromkeys(brought)]

    def _places(self, prefix: str) -> list[str]:
        return [f"{bucket}/{prefix}*" for bucket in self._bucket_arns]

    @property
    def machine_arn(self) -> str:
        """The machine's ARN, made from its name: the machine's own functions need it too."""
        return self._arn("states", f"stateMachine:{self.machine_name}")

    def _arn(self, service: str, rest: str) -> str:
        return self.stack.format_arn(
            service=service, resource=rest, arn_format=cdk.ArnFormat.NO_RESOURCE_NAME
        )


def _allow(
    function: lambda_.Function, actions: list[str], *resources: str, wildcard: str = ""
) -> None:
    """Give a function's role these actions; `wildcard` is the reason for any `*` in a resource."""
    function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[*resources]))
    assert function.role is not None
    acknowledge_wildcards(function.role, wildcard, *resources)
