"""The files that jobs leave in S3, opened and read back."""

import csv
import io
import json
import re
from typing import Any

import openpyxl
import pypdf
import pytest

from local.quicksight.charts import draw_chart
from local.quicksight.dataset import load_invoices
from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS
from local.quicksight.visuals import show_visual
from tests.unit.quicksight_emulator.support import PDF, Caller, Clock, groups_of, tabular

CUSTOMER = re.compile(r"cust-\d{4}")
ALL_FORMATS = (PDF, tabular("EXCEL", "by-customer-and-region", "lines"), tabular("CSV"))


def export(exporter: Caller, clock: Clock, **changes: Any) -> list[dict[str, Any]]:
    """The `S3Results` entries of one job, a file group each, in the order of `files`."""
    assert exporter.start(**changes).error is None
    clock.advance(1000)
    groups = groups_of(exporter.result(), changes.get("files", (PDF,)))
    return [entry for group in groups for entry in group["S3Results"]]


def read(s3: Any, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def text_of_pdf(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def text_of_workbook(content: bytes) -> str:
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    return "\n".join(str(row) for sheet in workbook for row in sheet.iter_rows(values_only=True))


def test_every_format_opens_and_holds_its_own_customer_only(
    exporter: Caller, clock: Clock, s3: Any, bucket: str
) -> None:
    results = export(exporter, clock, files=ALL_FORMATS, bucket=bucket)
    pdf, excel, table = (read(s3, entry["S3Uri"]) for entry in results)
    for text in (text_of_pdf(pdf), text_of_workbook(excel), table.decode()):
        assert set(CUSTOMER.findall(text)) == {"cust-0007"}


def test_a_pdf_draws_its_charts_under_the_customers_name(
    exporter: Caller, clock: Clock, s3: Any, bucket: str
) -> None:
    [entry] = export(exporter, clock, bucket=bucket)
    content = read(s3, entry["S3Uri"])
    rows = [row for row in load_invoices() if row.customer_id == "cust-0007"]
    text = text_of_pdf(content)
    assert rows[0].customer in text
    months = {row.month for row in rows}
    assert months <= set(text.split()), "the axis of the line by month"
    streams = [page.get_contents() for page in pypdf.PdfReader(io.BytesIO(content)).pages]
    drawn = b"".join(each.get_data() for each in streams if each is not None)
    assert max(path.count(b" l") for path in drawn.split(b" m ")) == len(months) - 1


def test_a_chart_shows_the_sums_of_its_visual_and_a_table_has_none() -> None:
    invoices = [row for row in load_invoices() if row.customer_id == "cust-0007"]
    [dashboard] = [each for each in SAMPLE_DASHBOARDS if each.dashboard_id == "monthly-report"]
    drawn = {}
    for sheet in dashboard.sheets:
        for visual in sheet.visuals:
            grid = show_visual(visual, invoices)
            chart = draw_chart(grid)
            drawn[visual.visual_type] = chart is not None
            if visual.visual_type in ("BAR_CHART", "LINE_CHART"):
                assert chart is not None
                plot: Any = chart.contents[0]
                assert plot.data == [[float(row[-1]) for row in grid.rows]]
            assert draw_chart(show_visual(visual, [])) is None or visual.visual_type == "KPI"
    assert drawn == {
        "KPI": True, "BAR_CHART": True, "LINE_CHART": True, "TABLE": False, "PIVOT_TABLE": False,
    }  # fmt: skip


def test_a_csv_holds_exactly_the_rows_that_tags_and_parameters_allow(
    exporter: Caller, clock: Clock, s3: Any, bucket: str
) -> None:
    years = {"IntegerParameters": [{"Name": "Year", "Values": [2024, 2025]}]}
    [entry] = export(exporter, clock, files=(tabular("CSV"),), bucket=bucket, parameters=years)
    rows = list(csv.DictReader(io.StringIO(read(s3, entry["S3Uri"]).decode())))
    assert [row["invoice_id"] for row in rows] == [
        row.invoice_id
        for row in load_invoices()
        if row.customer_id == "cust-0007" and row.year in (2024, 2025)
    ]


def test_a_dashboard_shows_its_own_rows_only(
    exporter: Caller, clock: Clock, s3: Any, bucket: str
) -> None:
    exporter.dashboard_id = "open-invoices"
    [entry] = export(exporter, clock, files=(tabular("CSV"),), bucket=bucket)
    rows = list(csv.DictReader(io.StringIO(read(s3, entry["S3Uri"]).decode())))
    assert {row["status"] for row in rows} == {"open"}


def test_worksheets_follow_the_order_of_the_visual_ids(
    exporter: Caller, clock: Clock, s3: Any, bucket: str
) -> None:
    files = (tabular("EXCEL", "by-customer-and-region", "lines"),)
    [entry] = export(exporter, clock, files=files, bucket=bucket)
    workbook = openpyxl.load_workbook(io.BytesIO(read(s3, entry["S3Uri"])))
    assert workbook.sheetnames == ["1 By region", "2 Sales overview"]


def test_a_pdf_of_everybody_shows_the_first_rows_and_says_so(
    exporter: Caller, clock: Clock, s3: Any, bucket: str
) -> None:
    [entry] = export(exporter, clock, tags=(("customer_id", "*"),), bucket=bucket)
    assert f"200 of {len(load_invoices())} rows" in text_of_pdf(read(s3, entry["S3Uri"]))


@pytest.mark.parametrize("prefix", ["a/b", "a/b/"])
def test_quicksight_chooses_a_new_name_under_the_prefix(
    exporter: Caller, clock: Clock, bucket: str, prefix: str
) -> None:
    files = (*ALL_FORMATS, tabular("CSV"))
    uris = [
        entry["S3Uri"]
        for entry in export(exporter, clock, files=files, bucket=bucket, prefix=prefix)
    ]
    assert [uri.rpartition("/")[0] for uri in uris] == [f"s3://{bucket}/a/b"] * 4
    assert [uri.rpartition(".")[2] for uri in uris] == ["pdf", "xlsx", "csv", "csv"]
    assert len(set(uris)) == 4


def test_files_are_named_after_what_they_show_whatever_the_letters(
    exporter: Caller, clock: Clock, s3: Any, bucket: str
) -> None:
    for dashboard in SAMPLE_DASHBOARDS:
        exporter.dashboard_id = dashboard.dashboard_id
        for sheet in dashboard.sheets:
            job_id = f"{dashboard.dashboard_id}-{sheet.sheet_id}"
            pdf = {"SheetId": sheet.sheet_id, "SelectionScope": "ALL_VISUALS"}
            file = {"FormatType": "PDF", "SheetSelections": [pdf]}
            assert exporter.start(job_id, files=(file,), bucket=bucket).error is None
            clock.advance(1000)
            (group,) = groups_of(exporter.result(job_id), (file,))
            (entry,) = group["S3Results"]
            name = entry["S3Uri"].rpartition("/")[2]
            assert name.startswith(f"{dashboard.name}: {sheet.name} ") and name.endswith(".pdf")
            assert set(name) & set("#?%+")
            assert read(s3, entry["S3Uri"]).startswith(b"%PDF")


def test_a_job_ends_only_when_its_files_are_in_the_bucket(
    exporter: Caller, clock: Clock, s3: Any, bucket: str
) -> None:
    exporter.start(bucket=bucket, prefix="late")
    assert s3.list_objects_v2(Bucket=bucket, Prefix="late")["KeyCount"] == 0
    clock.advance(1000)
    assert exporter.describe().body["JobStatus"] == "COMPLETED"
    assert s3.list_objects_v2(Bucket=bucket, Prefix="late")["KeyCount"] == 1


def test_each_file_comes_at_a_time_of_its_own_before_the_end(
    exporter: Caller, clock: Clock, s3: Any, bucket: str
) -> None:
    exporter.emulator.add_switch({"kind": "job_seconds", "seconds": 10.0})
    exporter.start(bucket=bucket, prefix="apart", files=(tabular("CSV"),) * 5)
    clock.advance(6.9)
    counts = []
    while exporter.describe().body["JobStatus"] == "RUNNING":
        counts.append(s3.list_objects_v2(Bucket=bucket, Prefix="apart")["KeyCount"])
        clock.advance(0.3)
    assert counts[0] == 0 and counts[-1] >= 4
    assert counts == sorted(counts) and len(set(counts)) > 2


def test_a_short_job_has_no_file_before_half_of_its_time(
    exporter: Caller, clock: Clock, s3: Any, bucket: str
) -> None:
    exporter.emulator.add_switch({"kind": "job_seconds", "seconds": 1.0})
    exporter.start(bucket=bucket, prefix="short")
    clock.advance(0.49)
    exporter.describe()
    assert s3.list_objects_v2(Bucket=bucket, Prefix="short")["KeyCount"] == 0


def test_a_bucket_that_does_not_allow_quicksight_gets_no_file(
    exporter: Caller, clock: Clock, s3: Any
) -> None:
    s3.create_bucket(Bucket="closed")
    [entry] = export(exporter, clock, bucket="closed")
    assert entry["ErrorInfo"][0]["ErrorType"] == "S3_ACCESS_DENIED"
    assert "S3Uri" not in entry
    assert s3.list_objects_v2(Bucket="closed")["KeyCount"] == 0


def test_a_bucket_that_does_not_exist_is_an_error_of_the_file(
    exporter: Caller, clock: Clock
) -> None:
    [entry] = export(exporter, clock, bucket="no-such-bucket")
    assert entry["ErrorInfo"][0]["ErrorType"] == "S3_BUCKET_NOT_FOUND"
    assert exporter.describe().body["JobStatus"] == "COMPLETED"


def test_a_bucket_of_another_region_is_an_error_of_the_file(
    exporter: Caller, clock: Clock, s3: Any
) -> None:
    name = "far-away"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "quicksight.amazonaws.com"},
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Statement": [statement]}))
    [entry] = export(exporter, clock, bucket=name)
    assert entry["ErrorInfo"][0]["ErrorType"] == "S3_BUCKET_REGION_MISMATCH"
