"""Facts that only a real account can confirm, asked for by calls that cost and change nothing.

Each is a row of docs/real-account.md, under the same id. A fact is confirmed or false only where an
answer shows it; everything else leaves it open, with what is missing.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError

from snapshots.doctor.context import Case, RefusedError
from snapshots.doctor.quicksight import enabled_tag_rules, home_region_in
from snapshots.doctor.quotas import list_job_quotas
from snapshots.errors import CliError

PAGE = Path("docs") / "real-account.md"
_NOT_FOUND = "ResourceNotFoundException"
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
"""What CloudTrail writes in place of a sensitive value."""
_LOOKED_AT = 50


class Outcome(StrEnum):
    """What the account's answer makes of a fact."""

    CONFIRMED = "confirmed"
    FALSE = "false"
    OPEN = "open"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An outcome, and what was seen."""

    outcome: Outcome
    seen: str


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A row of docs/real-account.md, and how the account is asked about it."""

    id: str
    fact: str
    ask: Callable[[Case], Answer]


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """A fact with its answer."""

    fact: Fact
    answer: Answer

    @property
    def change(self) -> str:
        """What to change in the documentation; "" while the fact is open."""
        if self.answer.outcome is Outcome.OPEN:
            return ""
        place = f"{PAGE}{_line_of(self.fact.id)}, row {self.fact.id}"
        if self.answer.outcome is Outcome.CONFIRMED:
            return f"{place}: take it out, and say so where its mark stands"
        return f"{place}: its last column says what to change; open an issue with this answer"

    def as_json(self) -> dict[str, str]:
        """For scripts."""
        return {
            "Id": self.fact.id,
            "Fact": self.fact.fact,
            "Outcome": self.answer.outcome.value,
            "Seen": self.answer.seen,
            "Change": self.change,
        }


def confirm(case: Case) -> Iterator[Confirmation]:
    """Every fact with its answer. `case` has been examined: what the stack has is known."""
    for fact in FACTS:
        yield Confirmation(fact=fact, answer=_ask(fact, case))


def _ask(fact: Fact, case: Case) -> Answer:
    try:
        return fact.ask(case)
    except RefusedError as error:
        return _open(f"{error.action} answers {error.code}")
    except (BotoCoreError, CliError) as error:
        return _open(f"no answer: {type(error).__name__}")


def _line_of(fact_id: str) -> str:
    """`:LINE` in a checkout; an installed command has no documentation beside it."""
    try:
        lines = PAGE.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    row = f"| `{fact_id}` |"
    return next((f":{n}" for n, line in enumerate(lines, 1) if line.startswith(row)), "")


def _confirmed(seen: str) -> Answer:
    return Answer(outcome=Outcome.CONFIRMED, seen=seen)


def _false(seen: str) -> Answer:
    return Answer(outcome=Outcome.FALSE, seen=seen)


def _open(seen: str) -> Answer:
    return Answer(outcome=Outcome.OPEN, seen=seen)


def _ask_for_no_job(case: Case, job_id: str) -> Answer:
    dashboard_id = next(iter(case.dashboards), None)
    if dashboard_id is None:
        return _open("give a --dashboard")
    try:
        case.call(
            "quicksight",
            "DescribeDashboardSnapshotJob",
            DashboardId=dashboard_id,
            SnapshotJobId=job_id,
        )
    except RefusedError as error:
        if error.code == _NOT_FOUND:
            return _confirmed(f"it answers {error.code}")
        if error.is_denied:
            return _open(f"you may not call {error.action}")
        return _false(f"it answers {error.code}: {error.message}")
    return _false("it describes a job of an id that was made up just now")


def _about_nothing(case: Case) -> Answer:
    return _ask_for_no_job(case, f"doctor-{uuid.uuid4()}")


def _about_bad_id(case: Case) -> Answer:
    return _ask_for_no_job(case, "not an id")


def _about_identity_region(case: Case) -> Answer:
    try:
        found = case.call("quicksight", "DescribeNamespace", Namespace="default")
    except RefusedError as error:
        if home := home_region_in(error.message):
            return _confirmed(f"the refusal in {case.quicksight_region} names {home}")
        if error.is_denied:
            return _open(f"you may not call {error.action}")
        return _false(f"the refusal ({error.code}) names no region: {error.message}")
    if home := found["Namespace"].get("CapacityRegion"):
        return _confirmed(f"DescribeNamespace in {case.quicksight_region} names {home}")
    return _false(f"DescribeNamespace in {case.quicksight_region} names no region")


def _about_quota(case: Case) -> Answer:
    if quotas := list_job_quotas(case):
        named = ", ".join(f"{q['QuotaName']} ({q['QuotaCode']}) is {q['Value']:g}" for q in quotas)
        return _false(f"it lists {named}")
    return _confirmed("none of its quotas for QuickSight speaks of snapshots")


def _about_parameter_names(case: Case) -> Answer:
    names: list[str] = []
    for dashboard_id in case.dashboards:
        found = case.call("quicksight", "DescribeDashboardDefinition", DashboardId=dashboard_id)
        declared = found.get("Definition", {}).get("ParameterDeclarations", [])
        names += [each["Name"] for one in declared for each in one.values()]
    others = [name for name in names if not (name.isascii() and name.isalnum())]
    if others:
        return _false(f"a dashboard declares {', '.join(map(repr, others))}")
    if not names:
        return _open("give a --dashboard that has parameters")
    return _confirmed(f"so are the names of {len(names)} declared parameters")


def _about_tag_rules_status(case: Case) -> Answer:
    rules = [each for one in case.dashboards for each in enabled_tag_rules(one, case)]
    if not rules:
        return _open("give a --dashboard whose data sets have tag rules")
    silent = sum("Status" not in each for each in rules)
    if silent:
        return _open(f"{silent} tag rules come without a Status: look at a file of theirs")
    return _confirmed("every tag rule comes with a Status, so that nothing is inferred")


def _about_expiry(case: Case) -> Answer:
    table = case.outputs.get("TableName")
    if table is None:
        return _open("deploy the stack first")
    found = case.call("dynamodb", "DescribeTimeToLive", TableName=table)
    expiry = found.get("TimeToLiveDescription", {})
    status, attribute = expiry.get("TimeToLiveStatus"), expiry.get("AttributeName")
    seen = f"the table's expiry is {status}, by {attribute or 'no attribute'}"
    is_on = status in ("ENABLED", "ENABLING") and attribute == "expires_at"
    return _confirmed(seen) if is_on else _false(seen)


def _about_machine_role(case: Case) -> Answer:
    machine = case.outputs.get("StateMachineArn")
    if machine is None:
        return _open("deploy the stack first")

    def ended(status: str) -> int:
        found = case.call(
            "stepfunctions", "ListExecutions", stateMachineArn=machine, statusFilter=status
        )
        return len(found["executions"])

    if done := ended("SUCCEEDED"):
        return _confirmed(f"{done} executions have succeeded")
    if lost := ended("FAILED"):
        return _false(f"{lost} executions have failed, and none has succeeded")
    return _open("no execution has ended yet: make a first export")


def _about_protection(case: Case) -> Answer:
    if not case.outputs:
        return _open("deploy the stack first")
    (stack,) = case.call("cloudformation", "DescribeStacks", StackName=case.stack_name)["Stacks"]
    if stack.get("EnableTerminationProtection"):
        return _confirmed("it is protected from termination")
    return _false("it is not protected from termination")


def _events(case: Case, name: str) -> Sequence[Mapping[str, Any]]:
    """The newest events of an operation that CloudTrail has in this region, of 90 days at most."""
    attribute = {"AttributeKey": "EventName", "AttributeValue": name}
    found = case.call(
        "cloudtrail", "LookupEvents", LookupAttributes=[attribute], MaxResults=_LOOKED_AT
    )
    return [json.loads(event["CloudTrailEvent"]) for event in found["Events"]]


def _about_job_arn(case: Case) -> Answer:
    starts = _events(case, "StartDashboardSnapshotJob")
    denied = [each for each in starts if "AccessDenied" in str(each.get("errorCode"))]
    if any(not each.get("errorCode") for each in starts):
        return _confirmed("CloudTrail has a start that was authorized")
    if denied:
        return _false(f"CloudTrail has {len(denied)} starts, all denied")
    return _open("CloudTrail has no start: make a first export")


def _about_key_principal(case: Case) -> Answer:
    asked = [
        each
        for each in _events(case, "GenerateDataKey")
        if each.get("userIdentity", {}).get("invokedBy") == "quicksight.amazonaws.com"
    ]
    if any(not each.get("errorCode") for each in asked):
        return _confirmed("CloudTrail has a data key that QuickSight was given")
    if asked:
        return _false(f"CloudTrail has {len(asked)} data keys that QuickSight was refused")
    return _open("CloudTrail has no data key for QuickSight: make a first export")


def _about_trail(case: Case) -> Answer:
    """A value is never shown here."""
    users = [
        (each.get("requestParameters") or {}).get("userConfiguration")
        for each in _events(case, "StartDashboardSnapshotJob")
    ]
    given = [each for each in users if each]
    if not given:
        return _open("CloudTrail has no start with tags: export with tags first")
    shown = [value for each in given for value in islice(_values_in(each), _LOOKED_AT)]
    if any(value != _HIDDEN for value in shown):
        return _false("CloudTrail has a start that shows a tag's value")
    return _confirmed(f"no value is shown by {len(given)} starts")


def _values_in(part: Any) -> Iterator[str]:
    """What stands under `value` or `values`, at any depth."""
    if isinstance(part, list):
        for each in part:
            yield from _values_in(each)
    elif isinstance(part, dict):
        for name, inner in part.items():
            if name.lower() in ("value", "values") and not isinstance(inner, dict):
                yield from map(str, inner if isinstance(inner, list) else [inner])
            else:
                yield from _values_in(inner)


FACTS = (
    Fact(
        id="describe-of-nothing",
        fact="a job that does not exist is answered by ResourceNotFound",
        ask=_about_nothing,
    ),
    Fact(
        id="describe-of-bad-id",
        fact="a job's id that breaks the model's bounds is not found, not invalid",
        ask=_about_bad_id,
    ),
    Fact(
        id="identity-region",
        fact="DescribeNamespace gives the region of the account's users",
        ask=_about_identity_region,
    ),
    Fact(
        id="snapshot-quota",
        fact="Service Quotas lists no quota for simultaneous snapshot jobs",
        ask=_about_quota,
    ),
    Fact(
        id="parameter-names",
        fact="the parameters of a dashboard have names of letters and digits only",
        ask=_about_parameter_names,
    ),
    Fact(
        id="tag-rules-status",
        fact="tag rules that DescribeDataSet gives without a Status are enabled",
        ask=_about_tag_rules_status,
    ),
    Fact(
        id="records-expire",
        fact="DynamoDB removes records past expires_at",
        ask=_about_expiry,
    ),
    Fact(
        id="state-machine-role",
        fact="the state machine's role suffices",
        ask=_about_machine_role,
    ),
    Fact(
        id="deletion-protection",
        fact="the stack cannot be deleted",
        ask=_about_protection,
    ),
    Fact(
        id="snapshot-job-arn",
        fact="the functions' rights name the resources that QuickSight authorizes on",
        ask=_about_job_arn,
    ),
    Fact(
        id="source-account-kms",
        fact="the key's policy lets QuickSight write to the encrypted bucket",
        ask=_about_key_principal,
    ),
    Fact(
        id="cloudtrail-values",
        fact="CloudTrail hides the values of tags and parameters",
        ask=_about_trail,
    ),
)
