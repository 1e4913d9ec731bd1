"""The stack: composes the constructs and decides which function may do what."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from infra.api import Api
from infra.bundling import create_code_asset
from infra.bursts import BURST_TIMEOUT_SECONDS, Bursts
from infra.dashboard import Dashboard
from infra.deadlines import Deadlines
from infra.deliveries import Deliveries
from infra.email_parameters import LinkParameters
from infra.encryption import Encryption, use_keys_of_buckets
from infra.functions import (
    COLLECT_TIMEOUT_SECONDS,
    DELIVER_TIMEOUT_SECONDS,
    DESCRIBE_TIMEOUT_SECONDS,
    HINT_TIMEOUT_SECONDS,
    MAIL_MEMORY_MB,
    MEMORY_MB,
    ExportFunction,
)
from infra.grants import Grants
from infra.hints import Hints
from infra.intake import Intake
from infra.links import LinksApi
from infra.monitoring import Monitoring
from infra.notifications import Notifications
from infra.parameters import DeploymentParameters, Settings
from infra.reconciler import Reconciler
from infra.schedules import Schedules
from infra.snapshot_user import SnapshotUser
from infra.storage import Storage
from infra.targets import stack_targets, target_environment
from infra.workflow import Workflow
from snapshot_export.domain.schedule import Schedule
from snapshot_export.domain.target import DEFAULT_TARGET

_ROOT = Path(__file__).resolve().parent.parent
_DEFINITION = _ROOT / "statemachine" / "snapshot_export.asl.json"
_LAMBDAS = _ROOT / "lambdas"
_EVENT_BUS = "default"
_START = "StartDashboardSnapshotJob"
_DESCRIBE = "DescribeDashboardSnapshotJob"
_RESULT = "DescribeDashboardSnapshotJobResult"
_ENCRYPTED = {
    "intake": ("dynamodb", "s3", "sqs"),
    "start": ("dynamodb", "sqs"),
    "describe": ("dynamodb",),
    "hint": ("dynamodb",),
    "collect": ("dynamodb", "s3", "sqs"),
    "burst": ("dynamodb", "s3", "sqs"),
    "api": ("dynamodb", "s3", "sqs"),
    "reconcile": ("dynamodb", "sqs"),
    "warn_of_deadlines": ("dynamodb",),
    "move_starts": ("dynamodb", "sqs"),
    "deliver": ("dynamodb", "s3:read", "sqs:read"),
    "open_link": ("dynamodb", "s3:read"),
}
"""Through which services each function reads or writes what the key encrypts."""

_CALLED_BY_CLOCK = ("reconcile", "warn_of_deadlines", "move_starts")

_READ_ELSEWHERE = ("intake", "collect", "burst", "api")
"""Functions that read in allowed buckets, or in those of targets."""
_READ_OF_TARGETS = ("deliver", "open_link")
"""Functions that read in buckets of targets."""

_ASKED = ("intake", "start", "describe", "hint", "collect", "burst", "api", "deliver")
"""Functions whose logs say why something failed."""

_OF_MAILS = frozenset({"deliver", "open_link"})
"""Functions that are there where mails are sent, or link to files, and end no exports."""


class SnapshotExportStack(cdk.Stack):
    """Snapshot exports of one QuickSight account and region, or of several."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        schedules: Sequence[Schedule] = (),
        env: cdk.Environment | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=env,
            stack_name=settings.stack_name,
            description="Exports Amazon QuickSight dashboards to S3",
            termination_protection=settings.deployment.deletion_protection,
        )
        deployment = settings.deployment
        account_id = deployment.quicksight_account_id or self.account
        targets = stack_targets(self, deployment)
        writers = [account_id, *(t.account_id for t in targets if t.parameters.bucket is None)]
        encryption = Encryption(
            self,
            "Encryption",
            choice=deployment.encryption_key,
            quicksight_account_ids=writers,
        )
        storage = Storage(
            self,
            "Storage",
            key=encryption.key,
            quicksight_account_ids=writers,
            retention_days=deployment.retention_days,
        )
        intake = Intake(self, "Intake", key=encryption.key)
        bursts = Bursts(self, "Bursts", key=encryption.key)
        scheduling = Schedules(
            self,
            "Schedules",
            name=self.stack_name,
            queue=intake.queue,
            dead_letter_queue=intake.dead_letter_queue,
            declared=schedules,
        )
        grants = Grants(
            stack=self,
            storage=storage,
            machine_name=f"{self.stack_name}-Export",
            quicksight_account_id=account_id,
            quicksight_region=deployment.quicksight_region or self.region,
            identity_region=deployment.identity_region,
            allowed_buckets=deployment.allowed_buckets,
            event_bus=_EVENT_BUS,
            targets=targets,
        )
        functions = self._create_functions(
            settings,
            _build_environment(
                deployment, storage=storage, intake=intake, bursts=bursts, grants=grants
            )
            | scheduling.environment
            | target_environment(self, targets),
        )
        _grant(functions, grants=grants, intake=intake)
        _grant_bursts(functions, grants=grants, bursts=bursts)
        if deployment.athena_role is not None:
            grants.find_recipients(functions["burst"], deployment.athena_role)
            functions["burst"].add_environment("ATHENA_ROLE_ARN", deployment.athena_role)
        if deployment.password_secrets is not None:
            grants.read_passwords(functions["collect"], deployment.password_secrets)
        scheduling.let_manage(functions["api"])
        scheduling.let_move(functions["move_starts"])
        intake.let_send(functions["move_starts"])
        Deadlines(
            self,
            "Deadlines",
            warn=functions["warn_of_deadlines"],
            move_starts=functions["move_starts"],
        )
        deliveries = self._deliver(functions, deployment, encryption=encryption, grants=grants)
        for name in functions:
            encryption.grant(functions[name], _ENCRYPTED[name])
        has_buckets = any(each.parameters.bucket for each in targets)
        reading = {*_READ_ELSEWHERE, *(_READ_OF_TARGETS if has_buckets else ())}
        for name in functions.keys() & reading:
            use_keys_of_buckets(
                functions[name],
                deployment.bucket_keys,
                url_suffix=self.url_suffix,
                writes=name == "collect" and has_buckets,
            )
        encryption.grant(scheduling.role, ("sqs",))
        if deployment.jwt_issuer is not None:
            functions["api"].add_environment("JWT_SCOPES", json.dumps(deployment.jwt_scopes))
        api = Api(self, "Api", function=functions["api"], deployment=deployment)
        snapshot_user = SnapshotUser(
            self,
            "SnapshotUser",
            functions=[functions[name] for name in ("start", "describe", "hint", "collect")],
            grants=grants,
            operations=(_START, _DESCRIBE, _RESULT),
        )
        for function in functions.values():
            function.add_environment("SNAPSHOT_USER_ROLE_ARN", snapshot_user.role_arn)
        bursts.deliver_to(functions["burst"])
        intake.deliver_to(functions["intake"])
        workflow = Workflow(
            self,
            "Workflow",
            name=grants.machine_name,
            definition=_DEFINITION,
            log_retention_days=deployment.log_retention_days,
            functions={
                "StartFunctionArn": functions["start"],
                "DescribeFunctionArn": functions["describe"],
                "CollectFunctionArn": functions["collect"],
            },
        )
        functions["hint"].add_environment("COLLECT_FUNCTION_ARN", functions["collect"].function_arn)
        Hints(self, "Hints", function=functions["hint"], bucket_names=grants.bucket_names)
        Reconciler(
            self,
            "Reconciler",
            function=functions["reconcile"],
            state_machine_arn=grants.machine_arn,
        )
        notifications = Notifications(
            self, "Notifications", key=encryption.key, emails=deployment.notify_emails
        )
        monitoring = Monitoring(
            self,
            "Monitoring",
            topic=notifications.topic,
            kept_queues={
                "DeadLetters": intake.dead_letter_queue,
                "BurstDeadLetters": bursts.dead_letter_queue,
                "NotificationsUndelivered": notifications.undelivered_queue,
            }
            | ({"DeliveryDeadLetters": deliveries.dead_letter_queue} if deliveries else {}),
            api=api.http_api,
            asks_athena=deployment.athena_role is not None,
            sends_mails=deployment.email is not None,
            docs_url=deployment.docs_url,
            failed_exports=deployment.alarm_failed_exports,
            failed_share=deployment.alarm_failed_share,
            watches={
                "deadlines": functions["warn_of_deadlines"],
                "schedules": functions["move_starts"],
            },
        )
        dashboard = Dashboard(
            self,
            "Dashboard",
            alarms=monitoring.alarms,
            log_groups=[functions[name].log_group for name in _ASKED if name in functions],
            kept=monitoring.kept,
            sends_mails=deployment.email is not None,
            docs_url=deployment.docs_url,
            targets=(DEFAULT_TARGET, *deployment.targets),
        )
        self._add_outputs(
            ApiUrl=api.http_api.api_endpoint,
            ApiId=api.http_api.api_id,
            IntakeQueueUrl=intake.queue.queue_url,
            DeadLetterQueueUrl=intake.dead_letter_queue.queue_url,
            RejectedQueueUrl=intake.rejected_queue.queue_url,
            BurstQueueUrl=bursts.queue.queue_url,
            BurstDeadLetterQueueUrl=bursts.dead_letter_queue.queue_url,
            UndeliveredQueueUrl=notifications.undelivered_queue.queue_url,
            NotificationTopicArn=notifications.topic.topic_arn,
            ScheduleGroupName=scheduling.target.group,
            DashboardName=dashboard.dashboard.dashboard_name,
            TableName=storage.table.table_name,
            ExportBucketName=storage.bucket.bucket_name,
            StateMachineArn=workflow.state_machine.state_machine_arn,
            Version=_read_version(),
            QuickSightAccountId=grants.quicksight_account_id,
            QuickSightRegion=grants.quicksight_region,
        )

    def _create_functions(
        self, settings: Settings, environment: dict[str, str]
    ) -> dict[str, ExportFunction]:
        descriptions = {
            "intake": "Accepts the requests of the intake queue",
            "start": "Starts the snapshot job of one attempt",
            "describe": "Polls a snapshot job and frees its slot when it ended",
            "hint": "Polls a snapshot job whose files have come",
            "collect": "Brings the files of a snapshot job to their place",
            "burst": "Reads the recipients of bursts, cancels and closes bursts",
            "api": "Answers the calls of the API",
            "reconcile": "Repairs the table by what AWS says, starts what waited for data",
            "warn_of_deadlines": "Announces deadlines that are newly at risk",
            "move_starts": "Moves the starts of schedules that say ReadyBy, judges schedules",
        }
        if settings.deployment.email is not None:
            descriptions["deliver"] = "Sends the mails of exports, and hears what became of them"
            if settings.deployment.email.links is not None:
                descriptions["open_link"] = "Opens the links of mails for whoever has their token"
        timeouts = {
            "burst": BURST_TIMEOUT_SECONDS,
            "describe": DESCRIBE_TIMEOUT_SECONDS,
            "hint": HINT_TIMEOUT_SECONDS,
            "collect": COLLECT_TIMEOUT_SECONDS,
            "deliver": DELIVER_TIMEOUT_SECONDS,
        }
        code = create_code_asset(source=_LAMBDAS, profile=settings.bundling)
        return {
            name: ExportFunction(
                self,
                f"{name.title().replace('_', '')}Function",
                handler=name,
                description=description,
                code=code,
                environment={**environment, **settings.function_environment},
                log_retention_days=settings.deployment.log_retention_days,
                log_level=settings.deployment.log_level,
                timeout_seconds=timeouts.get(name),
                memory_mb=MAIL_MEMORY_MB if name == "deliver" else MEMORY_MB,
                calls_itself=name == "burst",
                is_traced=name not in _CALLED_BY_CLOCK,
            )
            for name, description in descriptions.items()
        }

    def _deliver(
        self,
        functions: dict[str, ExportFunction],
        deployment: DeploymentParameters,
        *,
        encryption: Encryption,
        grants: Grants,
    ) -> Deliveries | None:
        """Where the deployment has mails sent: their queue, and who may do what with it."""
        if deployment.email is None:
            return None
        deliveries = Deliveries(self, "Deliveries", key=encryption.key, parameters=deployment.email)
        for function in functions.values():
            function.add_environment("EMAIL", deployment.email.as_setting())
            function.add_environment("DELIVERY_QUEUE_URL", deliveries.queue.queue_url)
        for name in ("start", "collect", "reconcile", "api"):
            deliveries.queue.grant(functions[name], "sqs:SendMessage")
        grants.keep_mails(functions["deliver"])
        grants.announce(functions["deliver"])
        grants.hand_out_files(functions["deliver"])
        deliveries.deliver_to(functions["deliver"])
        if deployment.email.links is not None:
            self._link(functions, deployment.email.links, deployment, grants=grants)
        self._add_outputs(
            DeliveryQueueUrl=deliveries.queue.queue_url,
            DeliveryDeadLetterQueueUrl=deliveries.dead_letter_queue.queue_url,
        )
        return deliveries

    def _link(
        self,
        functions: dict[str, ExportFunction],
        links: LinkParameters,
        deployment: DeploymentParameters,
        *,
        grants: Grants,
    ) -> None:
        """Where mails link to files: the API that opens links, and where these begin."""
        api = LinksApi(
            self,
            "Links",
            function=functions["open_link"],
            log_retention_days=deployment.log_retention_days,
        )
        grants.open_links(functions["open_link"])
        url = links.url or api.http_api.api_endpoint
        functions["deliver"].add_environment("LINKS_URL", url)
        self._add_outputs(LinksApiId=api.http_api.api_id, LinksUrl=url)

    def _add_outputs(self, **outputs: str) -> None:
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)


def _read_version() -> str:
    """This project's version, which `snapshots doctor` compares with its own."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def _grant(functions: dict[str, ExportFunction], *, grants: Grants, intake: Intake) -> None:
    for name in ("move_starts", "warn_of_deadlines"):
        grants.mark_records(functions[name])
    for name in functions.keys() - {"move_starts", "warn_of_deadlines"} - _OF_MAILS:
        grants.keep_records(functions[name])
        grants.start_executions(functions[name])
    announcing = ("start", "collect", "burst", "reconcile", "warn_of_deadlines", "move_starts")
    for name in announcing:
        grants.announce(functions[name])
    intake.rejected_queue.grant(functions["intake"], "sqs:SendMessage")
    grants.call_quicksight(functions["start"], _START, _DESCRIBE)
    grants.call_quicksight(functions["describe"], _START, _DESCRIBE)
    grants.call_quicksight(functions["hint"], _START, _DESCRIBE, _RESULT)
    grants.collect_at_once(functions["hint"], functions["collect"])
    grants.call_quicksight(functions["collect"], _RESULT)
    grants.call_quicksight(functions["reconcile"], _DESCRIBE)
    grants.read_refreshes(functions["reconcile"])
    for name in ("intake", "api", "burst", "start", "describe", "hint"):
        grants.read_row_level_security(functions[name])
    grants.call_quicksight(functions["move_starts"], "DescribeDashboard")
    for name in ("intake", "api", "burst", "move_starts"):
        grants.read_definitions(functions[name])
    grants.move_files(functions["collect"])
    grants.take_files_back(functions["collect"])
    grants.list_records(functions["api"])
    grants.hand_out_files(functions["api"])
    grants.watch_executions(functions["reconcile"])


def _grant_bursts(functions: dict[str, ExportFunction], *, grants: Grants, bursts: Bursts) -> None:
    for name, function in functions.items():
        if name not in ("describe", "hint", "warn_of_deadlines", "move_starts", *_OF_MAILS):
            grants.ask_for_burst_work(function, bursts)
    for name in ("intake", "burst", "api"):
        grants.read_manifests(functions[name])
    grants.read_in_batches(functions["burst"])
    grants.zip_files(functions["burst"])


def _build_environment(
    deployment: DeploymentParameters,
    *,
    storage: Storage,
    intake: Intake,
    bursts: Bursts,
    grants: Grants,
) -> dict[str, str]:
    identity = {"IDENTITY_REGION": grants.identity_region} if grants.identity_region else {}
    groups = ",".join(deployment.athena_work_groups)
    queries = {"ATHENA_WORK_GROUPS": groups} if groups else {}
    prefix = deployment.password_secrets
    passwords = {"PASSWORD_SECRETS": prefix} if prefix else {}
    several = deployment.sheets_per_job
    sheets = {"SHEETS_PER_JOB": str(several)} if several > 1 else {}
    optional = identity | queries | passwords | sheets
    return optional | {
        "TABLE_NAME": storage.table.table_name,
        "EXPORT_BUCKET": storage.bucket.bucket_name,
        "REJECTED_QUEUE_URL": intake.rejected_queue.queue_url,
        "BURST_QUEUE_URL": bursts.queue.queue_url,
        "STATE_MACHINE_ARN": grants.machine_arn,
        "EVENT_BUS_NAME": grants.event_bus,
        "QUICKSIGHT_ACCOUNT_ID": grants.quicksight_account_id,
        "QUICKSIGHT_REGION": grants.quicksight_region,
        "SNAPSHOT_JOB_LIMIT": str(deployment.snapshot_job_limit),
        "RESERVED_SLOTS": str(deployment.reserved_slots),
        "CALLS_PER_SECOND": f"{deployment.calls_per_second:g}",
        "EXPECTED_JOB_SECONDS": f"{deployment.expected_job_seconds:g}",
        "ALLOWED_BUCKETS": ",".join(deployment.allowed_buckets),
        "RETENTION_DAYS": str(deployment.retention_days),
        "UNREADABLE_ROW_LEVEL_SECURITY": deployment.unreadable_row_level_security,
    }
