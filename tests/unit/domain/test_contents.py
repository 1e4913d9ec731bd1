"""What is not known of a dashboard is not judged; what a rule names is bounded."""

from __future__ import annotations

from dataclasses import replace

from snapshot_export.domain.contents import MAX_NAMES, Part, missing_in
from snapshot_export.domain.dashboard import Definition, Parameter, Published, Sheet, Version
from snapshot_export.domain.row_level_security import DashboardSecurity
from tests.support.messages import message, visuals_group

SECURITY = DashboardSecurity(read_at=0.0)


def published(version: int, sheets: tuple[Sheet, ...], *parameters: str) -> Published:
    of_that = Version(
        number=2, name="", status="CREATION_SUCCESSFUL", published_at=None, sheets=sheets
    )
    kinds = tuple(Parameter(name=name, kind="String") for name in parameters)
    definition = Definition(version=version, sheets=sheets, parameters=kinds)
    return Published(security=SECURITY, version=of_that, definition=definition)


def test_a_dashboard_that_could_not_be_read_has_everything() -> None:
    assert missing_in(Published(security=SECURITY), message()) == ()
    assert missing_in(published(2, ()), message()) == (), "no sheets are none that are known"


def test_an_older_versions_definition_says_nothing() -> None:
    request = message()
    parameter = {"Name": "Kind", "Values": ["a"]}
    request["SnapshotConfiguration"]["Parameters"] = {"StringParameters": [parameter]}
    sheets = (Sheet(sheet_id="summary", name=""),)
    assert missing_in(published(1, sheets, "Region"), request) == ()
    (found,) = missing_in(published(2, sheets, "Region"), request)
    assert (found.part, found.name) == (Part.PARAMETER, "Kind")


def test_a_sheet_has_the_id_that_either_operation_gives_it() -> None:
    found = published(2, (Sheet(sheet_id="board_summary", name="Summary"),))
    assert found.version is not None
    plain = replace(found.version, sheets=(Sheet(sheet_id="summary", name="Summary"),))
    named = visuals_group("CSV", "lines", sheet="summary")
    assert missing_in(replace(found, version=plain), message(groups=[named])) == ()
    of_definition = visuals_group("CSV", "lines", sheet="board_summary")
    (missing,) = missing_in(replace(found, version=plain), message(groups=[of_definition]))
    assert missing.part is Part.VISUAL


def test_a_rule_names_a_score_of_those_that_exist() -> None:
    sheets = tuple(Sheet(sheet_id=f"s{number}", name="") for number in range(MAX_NAMES + 3))
    (found,) = missing_in(published(2, sheets), message())
    assert (found.part, found.name) == (Part.SHEET, "summary")
    assert found.problem.rule.endswith(f"s{MAX_NAMES - 1}, and 3 more")
