"""What the adapters are to see of QuickSight and of what they need to call it: turns and roles."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from botocore.validate import ParamValidator

from local.account.environment import ACCOUNT, REGION
from snapshot_export.adapters.quicksight.assumed_roles import AssumedRole
from snapshot_export.adapters.quicksight.quicksight import CLIENT_CONFIG
from snapshot_export.adapters.table.dynamodb import put_of
from snapshot_export.adapters.table.pacer import Pacer
from tests.contract.adapters.facts import Case, Facts, failure, table_of
from tests.contract.adapters.implementations import Deployment
from tests.support.messages import message

DASHBOARD = "sales-overview"


def turns(deployment: Deployment) -> Facts:
    """The clock stands still, so each turn is one spacing behind the one before."""
    waits: list[float] = []
    now = 1_800_000_000.1214995
    pacer = Pacer(
        table_of(deployment),
        ("gate", "PACER"),
        calls_per_second=8,
        now=lambda: now,
        sleep=waits.append,
    )
    for _ in range(3):
        pacer.take_turn()
    yield "the turns", [round(wait, 3) for wait in waits], [0.0, 0.125, 0.25]
    late = failure(lambda: pacer.take_turn(0.3))
    yield "a turn that comes too late", late.partition(":")[0], "NoTurnError"
    pacer.take_turn()
    yield "which took none", round(waits[-1], 3), 0.375
    table_of(deployment).write(put_of(("gate", "PACER"), {"next_at": "text"}))
    yield "what was written by hand is overwritten", failure(pacer.take_turn), "nothing"


def assumed_roles(deployment: Deployment) -> Facts:
    sts = deployment.session.client("sts")
    role = f"arn:aws:iam::{ACCOUNT}:role/partner"

    def assume(role_arn: str, external_id: str | None = None) -> AssumedRole:
        return AssumedRole(
            sts,
            role_arn=role_arn,
            external_id=external_id,
            region=REGION,
            config=CLIENT_CONFIG,
            now=deployment.services.now,
        )

    assumed = assume(role, "acme-4711")
    client = assumed.client()
    given = client._request_signer._credentials  # type: ignore[attr-defined]
    yield "keys of a session", (given.access_key[:4], bool(given.token)), ("ASIA", True)
    yield "made once", assumed.client() is client, True
    for fact, arn in (
        ("no ARN", "a-role-without-an-arn"),
        ("an ARN of a user", role.replace("role", "user")),
    ):
        refused = failure(assume(arn).client)
        yield fact, refused.partition(":")[0], "RefusedError"


def snapshot_jobs(deployment: Deployment) -> Facts:
    """The project's own QuickSight, by what each call is modelled to take and to answer."""
    quicksight = deployment.services.quicksight
    broken: list[str] = []

    def judge(model: Any, parsed: Mapping[str, Any], **_more: Any) -> None:
        if "Error" in parsed:
            return
        members = {name: each for name, each in parsed.items() if name != "ResponseMetadata"}
        report = ParamValidator().validate(members, model.output_shape)
        if report.has_errors():
            broken.append(f"{model.name}: {report.generate_report()}")

    quicksight._client().meta.events.register("after-call.quicksight", judge)
    snapshot = {
        name: each
        for name, each in message("job").items()
        if name in ("UserConfiguration", "SnapshotConfiguration")
    }
    job_id = deployment.settings.table_name
    find = partial(quicksight.find, DASHBOARD, job_id)
    yield "a job that is not there", find(), None
    soon = deployment.services.now() + 1.0
    start = partial(quicksight.start, DASHBOARD, job_id, snapshot, send_by=soon)
    yield "a start", failure(start), "nothing"
    yield "a start of the same id", failure(start).partition(":")[0], "JobExistsError"
    job = find()
    yield "it is under way", job and job.has_ended, False
    early = failure(lambda: quicksight.result(DASHBOARD, job_id)).partition(":")[0]
    yield "its result comes later", early, "JobNotEndedError"
    version = quicksight.version(DASHBOARD, patience=1.0)
    yield "its data sets", version.data_set_ids, ("sales",)
    yield "its sheets", [each.sheet_id for each in version.sheets], ["summary", "details"]
    definition = quicksight.definition(DASHBOARD, version.number, patience=1.0)
    tables = [visual.visual_id for sheet in definition.sheets for visual in sheet.tables]
    yield "its tables", tables, ["by-customer", "lines", "by-customer-and-region"]
    kinds = {each.name: each.kind for each in definition.parameters}
    yield "its parameters", (kinds["Year"], kinds["From"]), ("Integer", "DateTime")
    (rules,) = quicksight.data_set_security("sales", patience=1.0).tag_rules
    yield "and their rules", [each.key for each in rules.rules], ["customer_id", "region"]
    yield "every answer is as modelled", broken, []


QUICKSIGHT_CASES: tuple[Case, ...] = (turns, assumed_roles, snapshot_jobs)
