"""`snapshots doctor`: is the account right for exports, and how is what is not fixed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from snapshots.doctor.checks import examine
from snapshots.doctor.confirmations import Confirmation, Outcome, confirm
from snapshots.doctor.context import Case
from snapshots.doctor.findings import Finding, State
from snapshots.errors import ExitCode, UsageError
from snapshots.help import examples
from snapshots.invocation import Invocation, command_options

_PARAMETERS = Path("cdk.json")
_OUTCOME_COLOURS = {Outcome.CONFIRMED: "green", Outcome.FALSE: "red", Outcome.OPEN: "dim"}
_COLOURS = {
    State.OK: "green",
    State.WARNING: "yellow",
    State.FAILED: "red",
    State.NOT_CHECKED: "dim",
}


@click.command(
    epilog=examples(
        "doctor",
        "doctor --dashboard sales-overview --bucket reports-of-ours/daily",
        "doctor --dashboard sales-overview --confirm",
    ),
)
@click.option(
    "--dashboard",
    "dashboards",
    metavar="ID",
    multiple=True,
    help="Look at this dashboard; may be given several times.",
)
@click.option(
    "--bucket",
    "buckets",
    metavar="NAME[/PREFIX]",
    multiple=True,
    help="Look at this bucket of yours, which requests would name; several times.",
)
@click.option(
    "--confirm",
    "confirms",
    is_flag=True,
    help="Ask the account, too, about facts that only a real one can confirm.",
)
@command_options
def doctor(
    invocation: Invocation, dashboards: Sequence[str], buckets: Sequence[str], confirms: bool
) -> int:
    """Check an account before the first export, and say how to fix what is wrong.

    Works before the deployment and after it. It only reads: no job is started, nothing is paid.
    """
    embedded = invocation.account if invocation.local else None  # exit code 4 if none is up
    case = Case(
        open_account=lambda: embedded or invocation.account,
        open_api=lambda: invocation.api,
        now=lambda: invocation.now,
        stack_name=invocation.stack_name,
        profile=invocation.profile,
        dashboards=dashboards,
        buckets=buckets,
        parameters={} if invocation.local else read_parameters(_PARAMETERS),
    )
    findings: list[Finding] = []
    for finding in examine(case):
        findings.append(finding)
        if not invocation.as_json:
            _tell(finding, invocation.out)
    confirmations = list(confirm(case)) if confirms else []
    counts = Counter(finding.verdict.state for finding in findings)
    if invocation.as_json:
        document = {"Checks": [finding.as_json() for finding in findings]}
        if confirms:
            document["Confirmations"] = [each.as_json() for each in confirmations]
        invocation.print_json(document)
    else:
        summary = ", ".join(f"{counts[state]} {state.value}" for state in State if counts[state])
        invocation.out.print(summary, markup=False)
        for each in confirmations:
            _print_confirmation(each, invocation.out)
    is_wrong = any(each.answer.outcome is Outcome.FALSE for each in confirmations)
    return ExitCode.EXPORT_FAILED if counts[State.FAILED] or is_wrong else ExitCode.OK


def read_parameters(path: Path) -> Mapping[str, Any]:
    """The deployment's parameters of a checkout's cdk.json, {} if there is none here."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        parameters: Mapping[str, Any] = document.get("context", {}).get("deployment", {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    return parameters


def _tell(finding: Finding, out: Console) -> None:
    verdict = finding.verdict
    state = f"[{_COLOURS[verdict.state]}]{verdict.state.value:<11}[/]"
    out.print(f"{state} {escape(finding.check)}: ", end="", soft_wrap=True)
    out.print(verdict.seen, markup=False, soft_wrap=True)
    if verdict.fix:
        out.print(f"{'':<11} fix: {verdict.fix}", markup=False, soft_wrap=True)


def _print_confirmation(confirmation: Confirmation, out: Console) -> None:
    answer = confirmation.answer
    outcome = f"[{_OUTCOME_COLOURS[answer.outcome]}]{answer.outcome.value:<11}[/]"
    out.print(f"{outcome} {confirmation.fact.id}: ", end="", soft_wrap=True)
    out.print(f"{confirmation.fact.fact}: {answer.seen}", markup=False, soft_wrap=True)
    if confirmation.change:
        out.print(f"{'':<11} change: {confirmation.change}", markup=False, soft_wrap=True)
