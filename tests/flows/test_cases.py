"""The inputs of tests/cases, made up after public reports: each is sent as it is, and has its right
answer. Files are opened by their download links, and show whose rows are in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from local.quicksight import planning
from snapshot_export.domain.export import Status
from snapshot_export.flows.view import view
from snapshots.errors import UsageError
from snapshots.manifests import read_manifest
from tests.support.api import call_api
from tests.support.bursts import burst, recipient, template
from tests.support.messages import csv_groups, message, pdf_group
from tests.support.rows import customers_in, text_of
from tests.support.world import ACCOUNT, World, make_bucket

CASES = Path(__file__).parents[1] / "cases"
ONE_ID = "must stand once in a burst, in whatever case: it is that of line 2"
OWN_TAGS = "is required: a recipient brings its own, unless the burst says SameRowsForAll"
TIME = "must be an ISO 8601 time, such as 2026-11-01 or 2026-11-01T06:00:00+01:00"
TAGS = "UserConfiguration.AnonymousUsers[0].RowLevelPermissionTags"
PARAMETERS = "SnapshotConfiguration.Parameters"


def case(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


def run_burst(world: World, template_name: str, manifest: str, **more: Any) -> dict[str, Any]:
    """Send the burst `b`, run it to its end, and answer what the API shows of it.

    What is read of the manifest is always accepted or refused.
    """
    key, bucket = f"manifests/{manifest}", world.settings.export_bucket
    content = (CASES / manifest).read_bytes()
    world.session.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    form = "CSV" if manifest.endswith(".csv") else "JSON_LINES"
    source = {"S3Uri": f"s3://{bucket}/{key}", "Format": form}
    body = burst("b", Template=case(template_name), Manifest=source, **more)
    assert call_api(world.services, "POST", "/bursts", body).status == 202
    world.driver.run()
    answer: dict[str, Any] = call_api(world.services, "GET", "/bursts/b").body
    counts = answer["Counts"]
    assert counts["Total"] == counts["Accepted"] + counts["Refused"]
    return answer


def refused(answer: dict[str, Any]) -> dict[int, list[tuple[str, str]]]:
    """Place and rule of what is wrong with each refused line."""
    return {
        each["Line"]: [(problem["Place"], problem["Rule"]) for problem in each["Problems"]]
        for each in answer["Refusals"]
    }


def files_of(world: World, export_id: str) -> list[tuple[str, bytes]]:
    """Format and content of each file of an export, by its link."""
    seen = view(world.services, export_id)
    assert seen.export.status is Status.COMPLETED
    links = [link for link in seen.downloads if link]
    assert len(links) == len(seen.export.files) > 0
    formats = [file.format for file in seen.export.files]
    return [
        (kind, requests.get(link, timeout=5).content)
        for kind, link in zip(formats, links, strict=True)
    ]


def shown(world: World, *lines: int) -> dict[str | None, set[str]]:
    """Whose rows the file of each recipient of the burst shows."""
    found = {}
    for line in lines:
        ((kind, content),) = files_of(world, f"b-{line}")
        found[world.export(f"b-{line}").recipient_id] = customers_in(content, kind)
    return found


def problems(world: World, body: dict[str, Any]) -> list[tuple[str, str]]:
    """Place and rule of what the API refuses an export for; nothing is kept of it."""
    answer = call_api(world.services, "POST", "/exports", body)
    assert answer.status == 400, answer.body
    world.driver.run()
    assert world.ledger()["jobs"] == []
    return [(each["Place"], each["Rule"]) for each in answer.body["Problems"]]


def test_c01_names_that_are_parts_of_urls_are_names(world: World) -> None:
    answer = run_burst(world, "template-name-column", "c01-question-mark-names.csv")
    assert (answer["Status"], answer["Refusals"]) == ("COMPLETED", [])
    assert shown(world, 2, 3, 4) == {
        "alpha": {"cust-0001"},
        "beta": {"cust-0002"},
        "gamma": {"cust-0003"},
    }
    uris = [world.export(f"b-{line}").files[0].uri for line in (2, 3, 4)]
    folder = f"s3://{world.settings.export_bucket}/exports/b"
    assert uris == [f"{folder}/x.pdf", f"{folder}/x.pdf?b.pdf", f"{folder}/Invoice #3.pdf"]


def test_c02_a_lone_cr_ends_a_line(world: World) -> None:
    answer = run_burst(world, "template-no-user", "c02-lone-cr.csv")
    assert (answer["Counts"]["Total"], answer["Refusals"]) == (4, [])
    assert shown(world, 2, 3, 4, 5) == {f"r{n}": {f"cust-000{n}"} for n in range(1, 5)}


def test_c03_a_recipient_without_tags_is_refused_by_its_line(world: World) -> None:
    answer = run_burst(world, "template-tagged", "c03-missing-tags.jsonl")
    assert refused(answer) == {2: [("RowLevelPermissionTags", OWN_TAGS)]}
    assert shown(world, 1) == {"cust-0002": {"cust-0002"}}


def test_c03_a_manifest_without_a_tag_column_gives_nobody_the_templates_rows(world: World) -> None:
    answer = run_burst(world, "template-tagged", "c03-no-tag-column.csv")
    assert refused(answer) == {line: [("RowLevelPermissionTags", OWN_TAGS)] for line in (2, 3)}
    assert world.ledger()["jobs"] == []


def test_c03_all_see_the_templates_rows_where_the_burst_says_so(world: World) -> None:
    run_burst(world, "template-tagged", "c03-no-tag-column.csv", SameRowsForAll=True)
    assert shown(world, 2, 3) == {"cust-0002": {"cust-0001"}, "cust-0003": {"cust-0001"}}


def test_c04_tag_values_that_cannot_be_a_customers_are_refused(world: World) -> None:
    """`4.71E+12`, what a spreadsheet made of a number, and `CUST-0009`, another case, are values
    like others: nothing here can know that no customer, or which one, is called so. QuickSight
    finds no row for them."""
    answer = run_burst(world, "template-no-user", "c04-tag-values.csv")
    place = "tag:customer_id"
    padded = "must not begin or end with a space"
    column = "of customer_id in data set sales unless"
    assert refused(answer) == {
        2: [(place, "must not be blank")],
        3: [(place, "must not be blank")],
        4: [(place, "must not hold characters that cannot be seen")],
        5: [(place, padded)],
        6: [(place, padded)],
        7: [(place, f"must not be the match-all value {column} AllowMatchAll is true")],
        8: [
            (place, f"must not hold the multi-value delimiter {column} AllowSeveralValues is true")
        ],
    }
    assert shown(world, 9, 10) == {"8": set(), "9": set()}


def test_c06_a_recipient_id_is_one_recipient(world: World) -> None:
    answer = run_burst(world, "template-no-user", "c06-duplicate-recipients.csv")
    assert refused(answer) == {line: [("RecipientId", ONE_ID)] for line in (3, 4)}
    assert shown(world, 2) == {"jane@example.org": {"cust-0001"}}


def test_c08_semicolons_are_named_as_the_cause_and_no_value_is_repeated(world: World) -> None:
    answer = run_burst(world, "template-no-user", "c08-semicolon.csv")
    assert (answer["Status"], answer["Error"]["Code"]) == ("FAILED", "MANIFEST_HEADER_INVALID")
    assert "the file has semicolons between its cells" in answer["Error"]["Message"]
    text = json.dumps(answer)
    assert not any(value in text for value in ("4711", "Köln", "cust-0001"))


def test_c13_every_wrong_cell_of_a_line_is_named_at_once(world: World) -> None:
    answer = run_burst(world, "template-no-user", "c13-locale-numbers.csv")
    decimal = "must be a number with a point before its decimals and nothing between its thousands"
    whole = "must be a whole number of digits only, such as 2026"
    assert refused(answer) == {
        2: [
            ("parameter:decimal:MinAmount", f"{decimal}, such as 1234.5"),
            ("parameter:datetime:From", TIME),
        ],
        3: [("parameter:integer:Year", whole)],
        5: [("parameter:datetime:From", TIME)],
    }
    accepted = world.export("b-4")
    assert (accepted.recipient_id, accepted.status) == ("3", Status.COMPLETED)
    assert accepted.snapshot["SnapshotConfiguration"]["Parameters"] == {
        "IntegerParameters": [{"Name": "Year", "Values": [2026]}],
        "DecimalParameters": [{"Name": "MinAmount", "Values": [1000.0]}],
        "DateTimeParameters": [{"Name": "From", "Values": ["2026-10-31T23:00:00+00:00"]}],
    }


def test_c15_several_sheets_in_a_pdf_are_refused_with_the_way_out(world: World) -> None:
    body = case("c15-all-sheets-one-pdf")
    rule = (
        "a PDF takes exactly 1 SheetSelection: "
        "ask for one PDF for each sheet, each in a FileGroup of its own, or for a Merge"
    )
    assert ("SnapshotConfiguration.FileGroups[0].Files[0]", rule) in problems(world, body)


def test_c18_a_prefix_that_is_no_url_is_found_under_its_real_key(world: World) -> None:
    """As it is the request is another deployment's, and has no tags for data that demands some."""
    body = case("c18-prefix-1")
    bucket = body["SnapshotConfiguration"]["DestinationConfiguration"]["S3Destinations"][0]
    place = "SnapshotConfiguration.DestinationConfiguration.S3Destinations[0]"
    assert problems(world, body) == [
        ("AwsAccountId", f"must be the target's, {ACCOUNT}"),
        (f"{place}.BucketConfiguration.BucketName", "must be a bucket that this deployment allows"),
    ]
    body["AwsAccountId"] = ACCOUNT
    bucket["BucketConfiguration"]["BucketName"] = "allowed-bucket"
    assert [each for each, _ in problems(world, body)] == [TAGS]
    make_bucket(world.session, "allowed-bucket")
    body["UserConfiguration"] = message()["UserConfiguration"]
    assert call_api(world.services, "POST", "/exports", body).status == 202
    world.driver.run()
    (uri,) = [file.uri for file in world.export("prefix-1").files]
    s3 = world.session.client("s3")
    (found,) = s3.list_objects_v2(Bucket="allowed-bucket", Prefix="what?/")["Contents"]
    assert uri == f"s3://allowed-bucket/{found['Key']}"
    content = s3.get_object(Bucket="allowed-bucket", Key=found["Key"])["Body"].read()
    assert customers_in(content, "PDF") == {"cust-0001"}


def test_c20_what_is_given_twice_in_a_request_is_refused(world: World) -> None:
    body = case("c20-duplicates-in-request")
    tags = (TAGS, "must give each Key once: [1] has the Key of [0]")
    assert problems(world, body) == [
        tags,
        (f"{PARAMETERS}.StringParameters[2].Name", "must match pattern '^[a-zA-Z0-9]+$'"),
    ]
    body["SnapshotConfiguration"]["Parameters"]["StringParameters"].pop()
    twice = "must give each Name once: StringParameters[1] has the Name of StringParameters[0]"
    assert problems(world, body) == [tags, (PARAMETERS, twice)]


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_results_are_matched_by_what_they_echo_in_any_order(
    world: World, monkeypatch: pytest.MonkeyPatch, order: tuple[int, ...]
) -> None:
    monkeypatch.setattr(planning, "_draw_order", lambda *_: list(order))
    groups = [pdf_group("all-tables"), *csv_groups(2)]
    world.send(message("e", dashboard="board-pack", groups=groups))
    world.driver.run()
    pdf, invoices, orders = files_of(world, "e")
    assert [kind for kind, _ in (pdf, invoices, orders)] == ["PDF", "CSV", "CSV"]
    assert pdf[1].startswith(b"%PDF")
    headers = [text_of(content, "CSV").splitlines()[0] for _, content in (invoices, orders)]
    assert "status" in headers[0] and "product" not in headers[0]
    assert "product" in headers[1] and "status" not in headers[1]


@pytest.mark.parametrize(
    ("when", "skipped"),
    [
        ({"ScheduleExpression": "cron(30 2 * * ? *)"}, "the occurrence is skipped"),
        ({"ReadyBy": {"Time": "02:30"}}, "it will be ready by 03:30"),
    ],
)
def test_a_time_that_summer_time_skips_or_doubles_is_warned_of(
    world: World, when: dict[str, Any], skipped: str
) -> None:
    world.clock.time = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
    body = {"ScheduleExpressionTimezone": "Europe/Berlin", "Export": message(None)} | when
    answer = call_api(world.services, "PUT", "/schedules/night", body)
    assert answer.status == 200, answer.body
    forward, back = answer.body["Warnings"]
    assert forward.startswith("2027-03-28: 02:30 does not exist") and forward.endswith(skipped)
    assert back.startswith("2027-10-31: 02:30 exists twice")


def test_a_file_error_of_changed_row_level_security_is_tried_again_once(world: World) -> None:
    world.switch("fail_file", FileGroup=0, ErrorType="RLS_CHANGED")
    world.send(message("passes"))
    world.driver.run()
    assert (world.export("passes").status, world.export("passes").attempt) == (Status.COMPLETED, 2)
    world.switch("fail_file", FileGroup=0, ErrorType="RLS_CHANGED", times=9)
    world.send(message("stays"))
    world.driver.run()
    export = world.export("stays")
    assert (export.status, export.attempt) == (Status.FAILED, 2)
    assert export.error is not None and export.error.code == "RLS_CHANGED"


@pytest.mark.parametrize("burst_first", [True, False])
def test_a_burst_and_an_export_of_one_id_and_name_keep_their_files(
    world: World, burst_first: bool
) -> None:
    groups = csv_groups(1)
    of_burst = template(groups=groups, dashboard="board-pack", Name="x")
    november = {"Burst": burst("november", [recipient(1)], Template=of_burst)}
    single = message(
        "november", customer="cust-0002", dashboard="board-pack", groups=groups, Name="x"
    )
    for body in (november, single) if burst_first else (single, november):
        world.send(body)
        world.driver.run()
    for export_id, customer in (("november-1", "cust-0001"), ("november", "cust-0002")):
        ((kind, content),) = files_of(world, export_id)
        assert customers_in(content, kind) == {customer}
    (first,), (second,) = (world.export(each).files for each in ("november-1", "november"))
    assert first.uri != second.uri


def test_every_case_is_tried() -> None:
    tried = Path(__file__).read_text(encoding="utf-8")
    for path in CASES.iterdir():
        name = path.stem if path.suffix == ".json" else path.name
        assert f'"{name}"' in tried or path.name == "README.md", path.name


@pytest.mark.parametrize(
    "path",
    sorted([*CASES.glob("c*.csv"), *CASES.glob("c*.jsonl")]),
    ids=lambda path: str(path.name),
)
def test_the_command_line_refuses_before_the_upload_what_the_functions_refuse(
    world: World, path: Path
) -> None:
    """The functions refuse more lines: for the template, and for the dashboard's data sets."""
    answer = run_burst(world, "template-no-user", path.name)
    try:
        manifest = read_manifest(str(path), same_rows_for_all=False)
    except UsageError as error:
        fault = (answer["Error"] or {}).get("Message")
        assert error.message == f"{path}: {fault}" if fault else answer["Counts"]["Accepted"] == 0
        return
    named = {
        line: [(each.place, each.rule) for each in problems] for line, problems in manifest.refused
    }
    assert answer["Error"] is None and named.items() <= refused(answer).items()
    others = refused(answer).keys() - named.keys()
    assert manifest.accepted == answer["Counts"]["Accepted"] + len(others)
