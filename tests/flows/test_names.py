"""Finished files lie under the name that the user chose, and no name takes another's place."""

from __future__ import annotations

from typing import Any

from snapshot_export.domain.export import Status
from snapshot_export.flows.names import claim_keys, keys_of
from tests.support.messages import message, pdf_group, visuals_group
from tests.support.world import World


def burst(*recipients: dict[str, Any], **template: Any) -> dict[str, Any]:
    tags = [{"Key": "customer_id", "Value": "cust-0001"}]
    people = [{"RowLevelPermissionTags": tags} | recipient for recipient in recipients]
    return {"Burst": {"BurstId": "b", "Template": message(None, **template), "Recipients": people}}


def keys_in(world: World, prefix: str) -> list[str]:
    listed = world.session.client("s3").list_objects_v2(
        Bucket=world.settings.export_bucket, Prefix=prefix
    )
    return sorted(item["Key"].removeprefix(prefix) for item in listed.get("Contents", []))


def test_a_name_is_a_template_over_export_sheet_format_date_and_tags(world: World) -> None:
    groups = [pdf_group(), visuals_group("CSV", "lines")]
    name = "{tag:team}/{date:%Y-%m-%d}/{sheet}-{format}"
    world.send(message("named", groups=groups, Name=name, Tags={"team": "north"}))
    world.driver.run()
    assert world.export("named").status is Status.COMPLETED
    day = "2027-01-15"
    assert keys_in(world, "exports/named/") == [
        f"north/{day}/details-csv.csv",
        f"north/{day}/summary-pdf.pdf",
    ]


def test_a_name_that_would_leave_its_folder_is_refused_when_the_message_comes(
    world: World,
) -> None:
    secret = "../../other"
    refused = message("bad", Name="x/{tag:t}", Tags={"t": secret})
    assert world.send(refused, "message-1") is Status.REJECTED
    (kept,) = world.rejected()
    (problem,) = kept["Reason"]["Problems"]
    assert problem["Field"] == problem["Place"] == "Name"
    assert "'..'" in problem["Rule"] and secret not in problem["Rule"]
    assert world.send(message("bad", Name="{custumer}"), "message-2") is Status.REJECTED


def test_recipients_of_a_burst_lie_side_by_side_under_their_names(world: World) -> None:
    people = ({"RecipientId": "ada"}, {"RecipientId": "bob"})
    world.send(burst(*people, Name="{recipient}/report"))
    world.driver.run()
    assert keys_in(world, "exports/b/") == ["ada/report.pdf", "bob/report.pdf"]


def test_two_recipients_of_one_name_do_not_overwrite_each_other(world: World) -> None:
    world.send(burst({}, {}, {}, Name="report"))
    world.driver.run()
    keys = keys_in(world, "exports/b/")
    assert len(keys) == 3 and "report.pdf" in keys
    found = [world.export(f"b-{line}").files[0].uri for line in (1, 2, 3)]
    bucket = world.settings.export_bucket
    assert sorted(found, key=str) == [f"s3://{bucket}/exports/b/{key}" for key in keys]


def test_a_repeated_collect_writes_the_same_keys_again(world: World) -> None:
    world.send(burst({}, {}, Name="report"))
    world.driver.run()
    services, export = world.services, world.export("b-1")
    keys = claim_keys(services, export, keys_of(export), 2_000_000_000)
    assert [f"s3://{world.settings.export_bucket}/{key}" for key in keys] == [
        file.uri for file in export.files
    ]
