"""The checks, in the order in which they are made, and which of them needs which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain

from botocore.exceptions import BotoCoreError

from snapshots.doctor import (
    bucket,
    deployment,
    fixes,
    links,
    machine,
    mails,
    passwords,
    quicksight,
    quotas,
    rights,
)
from snapshots.doctor.context import Case, RefusedError
from snapshots.doctor.findings import Finding, State, Verdict, not_checked
from snapshots.errors import CliError

_QUICKSIGHT = "QuickSight's region"
_STACK = "stack"


@dataclass(frozen=True)
class Check:
    """One check; not made if one that it needs failed, or could itself not be made."""

    name: str
    look: Callable[[Case], Verdict]
    needs: tuple[str, ...] = ()


def examine(case: Case) -> Iterator[Finding]:
    """Every finding as soon as it is made. A check that cannot be made is a finding too."""
    blocked: dict[str, State] = {}
    for check in chain(_plan(case), _of_mails(case), _of_passwords(case)):
        missing = next((name for name in check.needs if name in blocked), None)
        if missing is None:
            verdict = _look(check, case)
        else:
            seen = f"needs “{missing}”, which {_because(blocked[missing])}"
            verdict = not_checked(seen, blocks=True)
        if verdict.blocks:
            blocked[check.name] = verdict.state
        yield Finding(check=check.name, verdict=verdict)


def _because(state: State) -> str:
    return "failed" if state is State.FAILED else "was not checked"


def _look(check: Check, case: Case) -> Verdict:
    """A check's verdict; an answer that it does not expect leaves it not checked."""
    try:
        return check.look(case)
    except RefusedError as error:
        if error.is_denied:
            return not_checked(f"you may not call {error.action}", fixes.grant_you(error.action))
        if error.is_unknown:
            return not_checked(f"this account does not answer {error.action}")
        return not_checked(str(error), fixes.look_up(error.action))
    except BotoCoreError as error:
        return not_checked(f"no answer: {' '.join(str(error).split())}", fixes.REACH)
    except CliError as error:
        return not_checked(error.lines()[0])


def _plan(case: Case) -> list[Check]:
    ask_quicksight, of_stack = (_QUICKSIGHT,), (_STACK,)
    return [
        Check("tools", machine.look_at_tools),
        Check("profile and region", machine.look_at_configuration),
        Check("credentials", machine.look_at_credentials, ("profile and region",)),
        Check("clock", machine.look_at_clock, ("profile and region",)),
        Check("CDK bootstrap", deployment.look_at_bootstrap, ("credentials",)),
        Check(_STACK, deployment.look_at_stack, ("credentials",)),
        Check("version", deployment.look_at_version, of_stack),
        Check("functions", deployment.look_at_functions, of_stack),
        Check(_QUICKSIGHT, quicksight.look_at_region, ("credentials",)),
        Check("edition", quicksight.look_at_edition, ask_quicksight),
        *_dashboards(case),
        Check("snapshot operations", quicksight.look_at_operations, ("edition",)),
        Check("pricing plan", quicksight.look_at_plan, ("edition", _STACK)),
        Check("your right to start jobs", rights.look_at_caller, ("credentials",)),
        Check("the functions' rights", rights.look_at_functions, ("functions",)),
        *_of_bucket("export bucket", None, _STACK, _QUICKSIGHT),
        *(
            check
            for name in case.buckets
            for check in _of_bucket(f"bucket {name}", name, _QUICKSIGHT)
        ),
        Check("limit of snapshot jobs", quotas.look_at_job_limit, ("credentials",)),
        Check("Lambda concurrency", quotas.look_at_concurrency, ("credentials",)),
        Check("schedules", deployment.look_at_schedules, of_stack),
        Check("notifications", deployment.look_at_notifications, of_stack),
    ]


def _of_mails(case: Case) -> Iterator[Check]:
    """None where no mails are sent, which the deployed functions say: they are known by now."""
    if not case.mail:
        return
    account, chosen = ("credentials",), "mails: configuration set"
    yield Check("mails: account", mails.look_at_account, account)
    yield Check("mails: quota", mails.look_at_quota, account)
    yield Check("mails: sender", mails.look_at_sender, account)
    yield Check(chosen, mails.look_at_configuration_set, account)
    yield Check("mails: events", mails.look_at_events, (chosen,))
    yield Check("mails: right to send", mails.look_at_right, ("functions", "mails: sender"))
    if case.mail.get("link_days"):
        yield Check("mails: links", links.look_at_links, (_STACK,))


def _of_passwords(case: Case) -> Iterator[Check]:
    """None where files have no passwords."""
    if case.password_prefix:
        yield Check("passwords: secrets", passwords.look_at_secrets, ("functions",))


def _dashboards(case: Case) -> list[Check]:
    if not case.dashboards:
        return [Check("dashboards", quicksight.look_at_dashboards, ("edition",))]
    return [check for each in case.dashboards for check in _of_dashboard(each)]


def _of_dashboard(dashboard_id: str) -> list[Check]:
    title = f"dashboard {dashboard_id}"
    tag_rules = partial(quicksight.look_at_tag_rules, dashboard_id)
    definition = partial(quicksight.look_at_definition, dashboard_id)
    return [
        Check(title, partial(quicksight.look_at_dashboard, dashboard_id), ("edition",)),
        Check(f"{title}: tag rules", tag_rules, (title,)),
        Check(f"{title}: definition", definition, (title,)),
    ]


def _of_bucket(title: str, name: str | None, *needs: str) -> list[Check]:
    """The checks of one bucket; without a `name`, of the stack's own."""
    checks = [
        Check(title, partial(bucket.look_at_place, name), needs),
        Check(f"{title}: policy", partial(bucket.look_at_policy, name), (title,)),
        Check(f"{title}: key", partial(bucket.look_at_key, name), (title,)),
        Check(f"{title}: hints", partial(bucket.look_at_notifications, name), (title,)),
    ]
    if name is not None:
        allowed = partial(bucket.look_at_allowance, name)
        use = partial(bucket.look_at_use_of_key, name)
        checks.append(Check(f"{title}: allowed", allowed, ("credentials",)))
        checks.append(Check(f"{title}: use of its key", use, (title, "functions")))
    return checks
