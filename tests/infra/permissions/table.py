"""docs/permissions.md: every right of every role, with what would be denied without it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

from tests.infra.permissions.evidence import Evidence
from tests.infra.permissions.grants import Grant, Need
from tests.infra.permissions.wildcards import REASONS

_HEAD = """\
# Permissions

{made}

{proved}

{shown}
"""
_MADE = (
    "Made by `make permissions` from the synthesized template and from what the functions were "
    "seen to call; do not edit. Names in `<>` are the stack's resources (CloudFormation's logical "
    "ids) and pseudo parameters."
)
_PROVED = (
    "How it is proved (tests/infra/permissions): every function is played through {scenarios} "
    "scenarios, and each call it makes becomes the rights that AWS asks for. What services do on "
    "their own is read from the template, by rules that name their source in AWS's documentation. "
    "Every one of these needs must be allowed. Then each of the {grants} rights below is taken "
    "away, one at a time, and something must be denied: what, is in the last column (flows with a "
    "scenario that shows it, or what a service does)."
)
_DEPLOYMENT = (
    "The deployment shown allows one bucket of others (`allowed-bucket`) with a key of theirs, "
    "notifies one address by e-mail, has a key of its own, takes recipients from Athena with a "
    "role that it brings, sends mails with links, and has passwords of files in secrets."
)
_WILDCARDS = """
## Wildcards

`*` alone stands only for actions that take no resource, by AWS's Service Authorization Reference.

| any other `*` | why nothing smaller can be named |
| --- | --- |
"""
_SHOWN = 3
"""Reasons for one right, the first that were seen: more would only make each new flow one more."""


def make_table(evidence: Evidence) -> str:
    """The document."""
    sections: dict[str, list[tuple[Grant, str]]] = defaultdict(list)
    for grant, needs in evidence.needed():
        sections[grant.holder].append((grant, _reasons(evidence, needs)))
    scenarios = {
        scenario for who in evidence.needs.values() for scenario in who.values() if scenario
    }
    proved = _PROVED.format(scenarios=len(scenarios), grants=len(evidence.policies.grants))
    head = _HEAD.format(made=_MADE, proved=proved, shown=_DEPLOYMENT)
    parts = [head, *(_section(name, sections[name]) for name in _in_order(sections))]
    rows = (f"| `{what}` | {why} |\n" for what, why in REASONS.items())
    return "".join(parts) + _WILDCARDS + "".join(rows)


def _in_order(names: Iterable[str]) -> list[str]:
    """Roles of functions, other roles, who may take them, and what else has a policy."""

    def place(name: str) -> tuple[int, str]:
        kinds = ("FunctionRole", "Role", ":trust")
        return next((i for i, end in enumerate(kinds) if name.endswith(end)), len(kinds)), name

    return sorted(names, key=place)


def title_of(holder: str) -> str:
    """The heading over a holder's rights."""
    return f"Who may take {holder.partition(':')[0]}" if holder.endswith(":trust") else holder


def right_of(grant: Grant) -> str:
    """A row's first two cells."""
    return f"| `{grant.action}`{_to(grant)} | {_on(grant)} |"


def _section(name: str, rows: Sequence[tuple[Grant, str]]) -> str:
    lines = [f"\n## {title_of(name)}\n\n| action | on | denied without it |\n| --- | --- | --- |\n"]
    for grant, why in sorted(rows, key=lambda row: (row[0].resource, str(row[0]))):
        lines.append(f"{right_of(grant)} {why} |\n")
    return "".join(lines)


def _to(grant: Grant) -> str:
    return "" if grant.principal == grant.holder else f" to `{grant.principal}`"


def _on(grant: Grant) -> str:
    conditions = [
        f"{name.partition(':')[2]} `{value}`"
        for pairs in json.loads(grant.condition).values()
        for name, value in pairs.items()
    ]
    return ", ".join([f"`{grant.resource}`", *conditions])


def _reasons(evidence: Evidence, needs: Sequence[Need]) -> str:
    who: dict[str, str] = {}
    for need in needs:
        for flow, scenario in evidence.needs[need].items():
            who.setdefault(flow, scenario)
    shown = [f"{flow} ({scenario})" if scenario else flow for flow, scenario in who.items()]
    more = ", and others" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
