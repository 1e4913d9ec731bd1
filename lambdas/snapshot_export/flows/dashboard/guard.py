"""Guard: is a request refused because its row-level-security tags could show another's rows, or
because the dashboard does not have what it names?

What the dashboard has and demands is read as in flows/dashboard/published.py. Both are judged when
a request is accepted, and for each recipient of a burst when it is expanded; the tags again before
each job starts, since hours may lie between. What a registered user sees is not judged by tags.

Nothing is written here: a function that judges twice judges the same or what was published since. A
request that was accepted before is accepted whatever is published later; then its start refuses it.
What QuickSight is too busy to answer is no judgement: it is raised, and the caller tries again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.contents import (
    choose_sheets,
    missing_in,
    missing_parameters,
    titled_sheets,
    without_probe,
)
from snapshot_export.domain.dashboard import Published
from snapshot_export.domain.export import Export
from snapshot_export.domain.merge import ALL_SHEETS, MergedSheets
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.row_level_security import (
    ALLOWANCES,
    CHANGED,
    NOBODY,
    UNREADABLE,
    DashboardSecurity,
    judge,
    tags_of,
    unreadable_problems,
    warnings_of,
)
from snapshot_export.domain.security_warning import SecurityWarning
from snapshot_export.errors import (
    ManifestError,
    QuickSightUnavailableError,
    RefusedError,
    TransientError,
)
from snapshot_export.flows.dashboard.published import KEPT_SECONDS, read_published
from snapshot_export.metric import Metric

if TYPE_CHECKING:
    from snapshot_export.domain.burst_request import BurstRequest
    from snapshot_export.domain.request import Request

logger = Logger(child=True)


def guard_export(services: Services, export: Export) -> Export:
    """The export with what is to be reported of it.

    Raises InvalidRequestError with every rule that it breaks, and TransientError or QuickSightError
    when it could not be judged now.
    """
    published = read_published(services, export.dashboard_id)
    tags = tags_of(export.snapshot)
    warnings = published.definition_warnings
    problems: tuple[Problem, ...] = ()
    if tags is not None:
        security = published.security
        problems = _problems(services, security, tags, export.allows or ())
        warnings = (*warnings_of(security, brings_tags=bool(tags)), *warnings)
    is_probed = export.if_empty is not None and export.if_empty.is_hidden
    asked = without_probe(export.snapshot) if is_probed else export.snapshot
    _refuse(services, export.dashboard_id, problems, published, asked)
    return replace(export, warnings=warnings)


def guard_template(services: Services, request: BurstRequest) -> tuple[SecurityWarning, ...]:
    """What is to be reported of a burst, judged by its template.

    Recipients that bring their own tags are judged when they are read. Raises as `guard_export`
    does.
    """
    template = NOBODY | request.template
    dashboard_id = template["DashboardId"]
    published = read_published(services, dashboard_id)
    security, tags = published.security, tags_of(template)
    warnings = published.definition_warnings
    problems: tuple[Problem, ...] = ()
    if tags is not None:
        if tags or request.same_rows_for_all:
            allows = [each for each in ALLOWANCES if template.get(each)]
            problems = _problems(services, security, tags, allows)
        elif _is_unreadable(services, security):
            problems = unreadable_problems(security)
        brings_tags = bool(tags) or not request.same_rows_for_all
        warnings = (*warnings_of(security, brings_tags=brings_tags), *warnings)
    try:
        _refuse(services, dashboard_id, problems, published, template)
    except InvalidRequestError as error:
        text = tuple(problem.under("Template") for problem in error.problems)
        raise InvalidRequestError(text) from None
    return warnings


def freeze_sheets(services: Services, template: dict[str, Any]) -> dict[str, Any]:
    """The template with the sheets of its Merge by their ids: the same for all recipients.

    Raises as `guard_export` does.
    """
    merge = template.get("Merge")
    if not merge or merge["Sheets"] != ALL_SHEETS:
        return template
    published = read_published(services, template["DashboardId"])
    files = len((template.get("SnapshotConfiguration") or {}).get("FileGroups") or ())
    files += bool(template.get("Probe"))
    try:
        sheets = choose_sheets(published, MergedSheets(sheet_ids=None), files)
    except InvalidRequestError as error:
        problems = tuple(problem.under("Template") for problem in error.problems)
        raise InvalidRequestError(problems) from None
    return template | {"Merge": merge | {"Sheets": [sheet_id for sheet_id, _ in sheets]}}


class RecipientGuard:
    """Judges the recipients of one burst; reads anew when what it knows is too old."""

    def __init__(self, services: Services, dashboard_id: str) -> None:
        self._services = services
        self._dashboard_id = dashboard_id
        self._published: Published | None = None
        self._brings_tags = False

    @property
    def warnings(self) -> tuple[SecurityWarning, ...]:
        """What is to be reported, by the last reading."""
        if self._published is None:
            return ()
        return warnings_of(self._published.security, brings_tags=self._brings_tags)

    def problems_of_parameters(self, parameters: Mapping[str, Any]) -> tuple[Problem, ...]:
        """Those of a recipient's own parameters. Raises TransientError, QuickSightError."""
        if not parameters:
            return ()
        found = missing_parameters(self._read(), parameters, "Parameters")
        return tuple(each.problem for each in found)

    def merged_sheets(self, request: Request) -> tuple[tuple[str, str], ...]:
        """The sheets that a recipient's export merges, by id and title: as the burst froze them.

        Raises TransientError, QuickSightError.
        """
        if request.merge is None:
            return ()
        return titled_sheets(self._read(), request.merge.sheet_ids or ())

    def problems(self, snapshot: dict[str, Any], allows: Sequence[str]) -> tuple[Problem, ...]:
        """Every rule that a recipient's tags break.

        Raises ManifestError when nobody's can be judged; TransientError, QuickSightError.
        """
        tags = tags_of(snapshot)
        if tags is None:
            return ()
        security = self._read().security
        if _is_unreadable(self._services, security):
            raise ManifestError(UNREADABLE, _texts(security))
        self._brings_tags |= bool(tags)
        problems = judge(security, tags, allows)
        self._services.measure(Metric.SECURITY_REFUSALS, int(bool(problems)))
        return problems

    def _read(self) -> Published:
        known, now = self._published, self._services.now()
        if known is None or now - known.security.read_at >= KEPT_SECONDS:
            known = self._published = read_published(self._services, self._dashboard_id)
        return known


def guard_start(services: Services, export: Export) -> None:
    """Raise RefusedError if the tags of an accepted export break a rule that was published since.

    One accepted before exports were judged is not, nor a registered user's. Raises TransientError
    or QuickSightThrottledError when it could not be judged now: no error of its reads can be taken
    for one of a start whose fate is not known.
    """
    tags = tags_of(export.snapshot)
    if tags is None or export.allows is None:
        return
    try:
        published = read_published(services, export.dashboard_id, with_definition=False)
    except QuickSightUnavailableError as error:
        raise TransientError(f"row-level security could not be read: {error.code}") from None
    security = published.security
    if _is_unreadable(services, security):
        raise RefusedError(UNREADABLE, _texts(security))
    problems = judge(security, tags, export.allows)
    if problems:
        _count_refusal(services, export.dashboard_id, problems)
        text = "; ".join(f"{each.field} {each.rule}" for each in problems)
        raise RefusedError(CHANGED, f"the data sets' tag rules have changed: {text}")


def _refuse(
    services: Services,
    dashboard_id: str,
    problems: tuple[Problem, ...],
    published: Published,
    snapshot: Mapping[str, Any],
) -> None:
    """Raise InvalidRequestError if there are `problems`, of the tags, or anything is missing."""
    if problems:
        _count_refusal(services, dashboard_id, problems)
    problems += tuple(each.problem for each in missing_in(published, snapshot))
    if problems:
        raise InvalidRequestError(problems)


def _problems(
    services: Services,
    security: DashboardSecurity,
    tags: Sequence[dict[str, str]],
    allows: Sequence[str],
) -> tuple[Problem, ...]:
    if _is_unreadable(services, security):
        return unreadable_problems(security)
    return judge(security, tags, allows)


def _is_unreadable(services: Services, security: DashboardSecurity) -> bool:
    """Whether too little is known to judge by, as the deployment has it."""
    return bool(security.unreadable) and services.settings.refuses_unreadable


def _texts(security: DashboardSecurity) -> str:
    return "; ".join(each.text for each in security.unreadable)


def _count_refusal(services: Services, dashboard_id: str, problems: tuple[Problem, ...]) -> None:
    services.measure(Metric.SECURITY_REFUSALS, 1)
    logger.warning(
        "refused by row-level security",
        reason=[problem.rule for problem in problems],
        dashboard_id=dashboard_id,
    )
