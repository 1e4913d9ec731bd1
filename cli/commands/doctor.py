"""`snapshots doctor`: is the account right for exports, and how is what is not mended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from cli.doctor.case import Case
from cli.doctor.examination import examine
from cli.doctor.findings import Finding, State
from cli.errors import ExitCode, UsageError
from cli.invocation import Invocation, command_options

_PARAMETERS = Path("cdk.json")
_COLOURS = {
    State.OK: "green",
    State.WARNING: "yellow",
    State.FAILED: "red",
    State.NOT_CHECKED: "dim",
}


@click.command()
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
@command_options
def doctor(invocation: Invocation, dashboards: Sequence[str], buckets: Sequence[str]) -> int:
    """Check an account before the first export, and say how to mend what is wrong.

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
    counts = Counter(finding.verdict.state for finding in findings)
    if invocation.as_json:
        invocation.print_json({"Checks": [finding.as_json() for finding in findings]})
    else:
        told = ", ".join(f"{counts[state]} {state.value}" for state in State if counts[state])
        invocation.out.print(told, markup=False)
    return ExitCode.EXPORT_FAILED if counts[State.FAILED] else ExitCode.OK


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
    if verdict.mend:
        out.print(f"{'':<11} mend: {verdict.mend}", markup=False, soft_wrap=True)
