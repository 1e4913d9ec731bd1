"""A body is accepted whole or refused with each field, rule and place."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.domain.request import parse_request
from snapshot_export.domain.target import Target, Targets
from tests.support.messages import message, pdf_group, visuals_group

TARGETS = Targets(
    Target(
        account_id="111122223333",
        region="eu-west-1",
        export_bucket="ours",
        allowed_buckets=frozenset({"allowed"}),
    )
)
BOTH = Targets(TARGETS.default, {"partner": replace(TARGETS.default, name="partner")})
FILE = "SnapshotConfiguration.FileGroups[0].Files[0]"
USER = "UserConfiguration.AnonymousUsers"
BUCKET = "SnapshotConfiguration.DestinationConfiguration.S3Destinations[0].BucketConfiguration"
PARAMETERS = "SnapshotConfiguration.Parameters"


def parse(body: Any) -> Any:
    return parse_request(json.dumps(body), TARGETS)


def problems(body: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as caught:
        parse(body)
    return {problem.place: problem.rule for problem in caught.value.problems}


def with_parameters(**kinds: Any) -> dict[str, Any]:
    body = message()
    body["SnapshotConfiguration"]["Parameters"] = kinds
    return body


def hundred(letter: str, *values: Any) -> list[dict[str, Any]]:
    return [{"Name": f"{letter}{number}", "Values": [*values]} for number in range(100)]


def with_destination(name: str = "allowed", prefix: str = "p", region: str = "eu-west-1") -> Any:
    body = message()
    bucket = {"BucketName": name, "BucketPrefix": prefix, "BucketRegion": region}
    body["SnapshotConfiguration"]["DestinationConfiguration"] = {
        "S3Destinations": [{"BucketConfiguration": bucket}]
    }
    return body


def with_tags(*tags: dict[str, str]) -> dict[str, Any]:
    body = message()
    body["UserConfiguration"] = {"AnonymousUsers": [{"RowLevelPermissionTags": list(tags)}]}
    return body


def sheets(kind: str, *selections: tuple[str, list[str] | None]) -> dict[str, Any]:
    chosen = [
        {"SheetId": f"s{n}", "SelectionScope": scope} | ({"VisualIds": v} if v else {})
        for n, (scope, v) in enumerate(selections)
    ]
    return message(groups=[{"Files": [{"FormatType": kind, "SheetSelections": chosen}]}])


def edited(edit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    body = message()
    edit(body)
    return body


BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "no dashboard": (edited(lambda b: b.pop("DashboardId")), "DashboardId", "is required"),
    "dashboard id": (message(dashboard="a/b"), "DashboardId", "must match pattern"),
    "dashboard id length": (message(dashboard="a" * 513), "DashboardId", "at most 512"),
    "no user": (edited(lambda b: b.pop("UserConfiguration")), "UserConfiguration", "is required"),
    "unknown member": (message(Dashboard="x"), "Dashboard", "is not a member"),
    "unknown member inside": (
        edited(lambda b: b["SnapshotConfiguration"].update(Format="PDF")),
        "SnapshotConfiguration.Format",
        "is not a member",
    ),
    "two users": (message(UserConfiguration={"AnonymousUsers": [{}, {}]}), USER, "at most 1"),
    "no users": (message(UserConfiguration={"AnonymousUsers": []}), USER, "at least 1"),
    "empty tags": (with_tags(), f"{USER}[0].RowLevelPermissionTags", "at least 1"),
    "51 tags": (
        with_tags(*[{"Key": f"k{n}", "Value": "v"} for n in range(51)]),
        f"{USER}[0].RowLevelPermissionTags",
        "at most 50",
    ),
    "tag key": (
        with_tags({"Key": "k" * 129, "Value": "v"}),
        f"{USER}[0].RowLevelPermissionTags[0].Key",
        "at most 128",
    ),
    "tag value": (
        with_tags({"Key": "k", "Value": "v" * 257}),
        f"{USER}[0].RowLevelPermissionTags[0].Value",
        "at most 256",
    ),
    "no groups": (
        message(SnapshotConfiguration={"FileGroups": []}),
        "SnapshotConfiguration.FileGroups",
        "at least 1",
    ),
    "51 groups": (
        message(groups=[visuals_group("CSV", f"v{n}") for n in range(51)]),
        "SnapshotConfiguration.FileGroups",
        "at most 50",
    ),
    "a file twice": (
        message(groups=[visuals_group("CSV", "v"), pdf_group(), visuals_group("CSV", "v")]),
        "SnapshotConfiguration.FileGroups",
        "must name each file once (format, sheets and visuals): [2] is [0] again",
    ),
    "two files in a group": (
        message(groups=[{"Files": pdf_group()["Files"] * 2}]),
        "SnapshotConfiguration.FileGroups[0].Files",
        "at most 1",
    ),
    "format": (sheets("DOCX", ("ALL_VISUALS", None)), f"{FILE}.FormatType", "must match pattern"),
    "PDF of two sheets": (
        sheets("PDF", ("ALL_VISUALS", None), ("ALL_VISUALS", None)),
        FILE,
        "exactly 1 SheetSelection",
    ),
    "PDF of visuals": (sheets("PDF", ("SELECTED_VISUALS", ["v"])), FILE, "ALL_VISUALS"),
    "CSV of all visuals": (sheets("CSV", ("ALL_VISUALS", None)), FILE, "SELECTED_VISUALS"),
    "CSV without visuals": (sheets("CSV", ("SELECTED_VISUALS", None)), FILE, "with VisualIds"),
    "CSV of two visuals": (sheets("CSV", ("SELECTED_VISUALS", ["a", "b"])), FILE, "1 visual"),
    "workbook of six visuals": (
        sheets("EXCEL", ("SELECTED_VISUALS", ["a", "b", "c"]), ("SELECTED_VISUALS", list("def"))),
        FILE,
        "at most 5 visuals",
    ),
    "six sheets": (
        sheets("EXCEL", *[("SELECTED_VISUALS", ["v"])] * 6),
        f"{FILE}.SheetSelections",
        "at most 5",
    ),
    "six visuals of a sheet": (
        sheets("EXCEL", ("SELECTED_VISUALS", list("abcdef"))),
        f"{FILE}.SheetSelections[0].VisualIds",
        "at most 5",
    ),
    "strange bucket": (with_destination("theirs"), f"{BUCKET}.BucketName", "deployment allows"),
    "blank prefix": (with_destination(prefix="  "), f"{BUCKET}.BucketPrefix", "not be blank"),
    "own bucket outside its prefix": (
        with_destination("ours"),
        f"{BUCKET}.BucketPrefix",
        "must begin with snapshots/",
    ),
    "other region": (with_destination(region="us-east-1"), f"{BUCKET}.BucketRegion", "eu-west-1"),
    "101 parameters": (
        with_parameters(StringParameters=[{"Name": "n", "Values": []}] * 101),
        f"{PARAMETERS}.StringParameters",
        "at most 100",
    ),
    "blank parameter name": (
        with_parameters(StringParameters=[{"Name": " ", "Values": ["v"]}]),
        f"{PARAMETERS}.StringParameters[0].Name",
        "must match pattern",
    ),
    "a parameter's name that no dashboard has": (
        with_parameters(DecimalParameters=[{"Name": "My_Region", "Values": []}]),
        f"{PARAMETERS}.DecimalParameters[0].Name",
        "must match pattern",
    ),
    "a parameter twice": (
        with_parameters(
            StringParameters=[{"Name": name, "Values": ["v"]} for name in ("a", "b", "a")]
        ),
        PARAMETERS,
        "StringParameters[2] has the Name of StringParameters[0]",
    ),
    "a parameter in two kinds": (
        with_parameters(
            StringParameters=[{"Name": "a", "Values": ["v"]}],
            DateTimeParameters=[{"Name": "a", "Values": [0]}],
        ),
        PARAMETERS,
        "DateTimeParameters[0] has the Name of StringParameters[0]",
    ),
    "a tag twice": (
        with_tags({"Key": "k", "Value": "a"}, {"Key": "k", "Value": "b"}),
        f"{USER}[0].RowLevelPermissionTags",
        "[1] has the Key of [0]",
    ),
    "a blank tag": (
        with_tags({"Key": "k", "Value": " "}),
        f"{USER}[0].RowLevelPermissionTags[0].Value",
        "must not be blank",
    ),
    "a padded tag key": (
        with_tags({"Key": "k ", "Value": "v"}),
        f"{USER}[0].RowLevelPermissionTags[0].Key",
        "must not begin or end with a space",
    ),
    "no values": (
        with_parameters(StringParameters=[{"Name": "n"}]),
        f"{PARAMETERS}.StringParameters[0].Values",
        "is required",
    ),
    "integer text": (
        with_parameters(IntegerParameters=[{"Name": "n", "Values": ["1"]}]),
        f"{PARAMETERS}.IntegerParameters[0].Values[0]",
        "whole number",
    ),
    "integer of 65 bits": (
        with_parameters(IntegerParameters=[{"Name": "n", "Values": [2**63]}]),
        f"{PARAMETERS}.IntegerParameters[0].Values[0]",
        "less than or equal",
    ),
    "true as number": (
        with_parameters(DecimalParameters=[{"Name": "n", "Values": [True]}]),
        f"{PARAMETERS}.DecimalParameters[0].Values[0]",
        "must be a number",
    ),
    "time": (
        with_parameters(DateTimeParameters=[{"Name": "n", "Values": ["yesterday"]}]),
        f"{PARAMETERS}.DateTimeParameters[0].Values[0]",
        "ISO 8601",
    ),
    "export id": (message("a b"), "ExportId", "must match pattern"),
    "export id length": (message("a" * 65), "ExportId", "must match pattern"),
    "priority": (message(Priority=0), "Priority", "greater than or equal to 1"),
    "priority text": (message(Priority="1"), "Priority", "valid integer"),
    "deadline without offset": (message(Deadline="2026-11-23T07:00:00"), "Deadline", "offset"),
    "deadline number": (message(Deadline=1), "Deadline", "ISO 8601"),
    "name that climbs": (message(Name="../x"), "Name", "relative path"),
    "absolute name": (message(Name="/x"), "Name", "relative path"),
    "name with line feed": (message(Name="a\nb"), "Name", "control, format"),
    "tag not text": (message(Tags={"a": 1}), "Tags.a", "valid string"),
    "account of others": (message(AwsAccountId="999999999999"), "AwsAccountId", "111122223333"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_told_with_its_place(case: str) -> None:
    body, place, rule = BROKEN[case]
    found = problems(body)
    assert list(found) == [place]
    assert rule in found[place]


def test_all_problems_are_told_at_once() -> None:
    assert set(problems(message(Priority=0, Name="../x", Colour="red"))) == {
        "Priority",
        "Name",
        "Colour",
    }


VALID: dict[str, dict[str, Any]] = {
    "anonymous without tags": message(UserConfiguration={"AnonymousUsers": [{}]}),
    "50 tags": with_tags(*[{"Key": f"{n:03}{'k' * 125}", "Value": "v" * 256} for n in range(50)]),
    "7 groups": message(
        groups=[
            pdf_group(),
            visuals_group("EXCEL", "v"),
            *[visuals_group("CSV", f"v{n}") for n in range(5)],
        ]
    ),
    "more than one job makes": message(
        groups=[
            *[pdf_group(f"s{n}") for n in range(2)],
            *[visuals_group("CSV", f"v{n}") for n in range(9)],
        ]
    ),
    "workbook of 5 visuals over 5 sheets": sheets("EXCEL", *[("SELECTED_VISUALS", ["v"])] * 5),
    "own bucket": with_destination("ours", "snapshots/mine"),
    "no S3 destination": edited(
        lambda b: b["SnapshotConfiguration"].update(DestinationConfiguration={})
    ),
    "100 parameters of each kind": with_parameters(
        StringParameters=hundred("s", "v"),
        IntegerParameters=hundred("i", 2**63 - 1, -(2**63)),
        DecimalParameters=hundred("d", 1, 2.5),
        DateTimeParameters=hundred("t", "2026-11-23", 0),
    ),
    "whole envelope": message(
        "A-z_9" + "x" * 59,
        Priority=9,
        Deadline="2026-11-23T07:00:00+01:00",
        Name="north/Müller & Söhne",
        Tags={"team": "finance"},
        AwsAccountId="111122223333",
    ),
}


@pytest.mark.parametrize("case", VALID)
def test_what_the_api_allows_is_accepted(case: str) -> None:
    assert parse(VALID[case]).dashboard_id == "sales-overview"


def test_pasted_arguments_use_the_snapshot_job_id_as_export_id() -> None:
    pasted = message(None, AwsAccountId="111122223333", SnapshotJobId="job-7")
    assert parse(pasted).export_id == "job-7"


def test_what_quicksight_gets_holds_only_what_was_given() -> None:
    request = parse(message(groups=[visuals_group("CSV", "lines")]))
    assert request.snapshot["SnapshotConfiguration"] == {
        "FileGroups": [visuals_group("CSV", "lines")]
    }
    assert request.formats == ("CSV",)


def test_requests_that_mean_the_same_have_one_digest() -> None:
    one = message("one", Priority=5)
    other = dict(reversed(list(message("other").items())))
    assert parse(one).digest == parse(other).digest
    assert parse(one).digest != parse(message("one", customer="cust-0002")).digest


def test_times_are_told_in_utc() -> None:
    body = with_parameters(
        DateTimeParameters=[{"Name": "n", "Values": ["2026-11-23T01:00:00+02:00", "2026-11-23"]}]
    )
    (parameter,) = parse(body).snapshot["SnapshotConfiguration"]["Parameters"]["DateTimeParameters"]
    assert parameter["Values"] == ["2026-11-22T23:00:00+00:00", "2026-11-23T00:00:00+00:00"]


def test_a_request_that_names_no_target_is_what_it_was_before_there_were_targets() -> None:
    """Messages that were accepted before an upgrade may be delivered again after it."""
    plain = parse(message())
    assert plain.target == "default"
    assert plain.digest == ("b15aec36ba2bf222246b3ce235083aad69dbf9c2820bafdadc51f09d4f7c6efd")
    assert parse(message(Target="default")).digest == plain.digest


def test_the_target_is_part_of_what_is_asked_for() -> None:
    other = parse_request(json.dumps(message(Target="partner")), BOTH)
    assert other.target == "partner"
    assert other.digest != parse(message()).digest


@pytest.mark.parametrize("name", ["", "a b", "x" * 33, 3, None])
def test_a_targets_name_is_short_and_plain(name: Any) -> None:
    assert set(problems(message(Target=name))) == {"Target"}
