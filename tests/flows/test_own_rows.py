"""Each recipient of a burst gets its own rows, or all get the same because the burst says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from snapshot_export.adapters.table.burst_records import burst_key
from snapshot_export.adapters.table.dynamodb import put_of
from snapshot_export.adapters.table.record_version import read_record
from snapshot_export.domain.burst import Burst
from snapshot_export.domain.export import Export, Status
from snapshot_export.errors import NewerRecordError
from tests.flows.test_guard import SALES
from tests.support.bursts import (
    burst,
    csv_manifest,
    manifest_of,
    recipient,
    report_of,
    template,
)
from tests.support.world import World

TAGGED = {
    "AnonymousUsers": [{"RowLevelPermissionTags": [{"Key": "customer_id", "Value": "cust-0300"}]}]
}
USERS: dict[str, dict[str, Any]] = {
    "tags": {"UserConfiguration": TAGGED},
    "no tags": {"UserConfiguration": {"AnonymousUsers": [{}]}},
    "nobody": {},
}
"""Whom a template can name, but for a registered user."""


def user_of(export: Export) -> Any:
    return export.snapshot.get("UserConfiguration")


def refused(world: World) -> dict[int, list[tuple[str, str]]]:
    return {
        each.line: [(problem.place, problem.rule) for problem in each.problems]
        for each in world.services.bursts.refusals("burst-1")
    }


@pytest.mark.parametrize("user", USERS.values(), ids=USERS)
@pytest.mark.parametrize("header", ["RecipientId", "RecipientId,tag:customer_id"])
def test_nobody_sees_the_rows_of_the_templates_user_by_leaving_tags_out(
    world: World, user: dict[str, Any], header: str
) -> None:
    end = "," if "," in header else ""
    manifest = csv_manifest(world, f"{header}\na{end}\nb{end}\n")
    world.send({"Burst": burst(Template=template() | user, Manifest=manifest)})
    world.driver.run()
    assert [*refused(world)] == [2, 3]
    assert world.ledger()["jobs"] == []


@pytest.mark.parametrize("user", USERS.values(), ids=USERS)
def test_all_see_the_same_rows_where_the_burst_says_so(world: World, user: dict[str, Any]) -> None:
    if user != USERS["tags"]:
        # Who brings no tags at all sees a data set without tag rules only.
        world.quicksight.emulator.put_data_set(replace(SALES, status="DISABLED"))
    people = [{"RecipientId": "a"}, {"RecipientId": "b"}, recipient(3)]
    body = burst(recipients=people, Template=template() | user, SameRowsForAll=True)
    world.send({"Burst": body})
    world.driver.run()
    expected = (user or USERS["no tags"])["UserConfiguration"]
    assert [user_of(world.export(f"burst-1-{line}")) for line in (1, 2)] == [expected] * 2
    assert refused(world) == {
        3: [("RowLevelPermissionTags", "must not be given: the burst says SameRowsForAll")]
    }
    assert manifest_of(world, "burst-1")["SameRowsForAll"] is True
    assert "the same for all recipients" in report_of(world, "burst-1")


def test_a_registered_user_of_a_template_is_everybodys(world: World) -> None:
    of_user = template(RegisteredUser={"UserName": "manager-1"})
    assert world.send({"Burst": burst("no", [{}], Template=of_user)}, "m-1") is Status.REJECTED
    (kept,) = world.rejected()
    assert [each["Place"] for each in kept["Reason"]["Problems"]] == ["Burst.SameRowsForAll"]
    body = burst(recipients=[{}], Template=of_user, SameRowsForAll=True)
    assert world.send({"Burst": body}) is Status.QUEUED
    world.work_on_bursts()
    assert world.export("burst-1-1").snapshot["RegisteredUser"]["UserName"] == "manager-1"


def test_to_say_false_is_the_same_burst_as_to_say_nothing(world: World) -> None:
    people = [recipient(1)]
    assert world.send({"Burst": burst(recipients=people)}, "m-1") is Status.QUEUED
    again = burst(recipients=people, SameRowsForAll=False)
    assert world.send({"Burst": again}, "m-2") is Status.QUEUED
    other = burst(recipients=people, SameRowsForAll=True)
    assert world.send({"Burst": other}, "m-3") is Status.REJECTED


def test_a_burst_that_an_older_version_accepted_goes_on_by_its_rules(world: World) -> None:
    """Its first recipients were accepted so, and the others were promised the same."""
    body = burst(
        recipients=[{"RecipientId": "a"}, recipient(2)], Template=template() | USERS["tags"]
    )
    world.send({"Burst": body})
    table, key = world.services.bursts._table, burst_key("burst-1")
    added = ("pk", "sk", "same_rows_for_all", "version")
    item = table.get(key) or {}
    table.write(put_of(key, {name: item[name] for name in item if name not in added}))
    world.driver.run()
    assert user_of(world.export("burst-1-1")) == TAGGED
    assert user_of(world.export("burst-1-2")) != TAGGED


def test_an_older_version_refuses_a_burst_that_asks_for_more_than_it_knows(world: World) -> None:
    """It would give a recipient without tags the rows of the template's user."""
    world.send({"Burst": burst(recipients=[recipient(1)])})
    item = world.services.bursts._table.get(burst_key("burst-1")) or {}
    with pytest.raises(NewerRecordError, match="Burst record of version 2"):
        read_record(item, Burst, 1)
