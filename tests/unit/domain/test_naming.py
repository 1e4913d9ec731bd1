"""Names are templates of a fixed list of fields; nothing in them is evaluated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain.naming import FileShape, NameFields, apart_from, file_keys
from snapshot_export.domain.templates import (
    DATE_CODES,
    TemplateError,
    fill_dates,
    moment_of,
    parse_template,
)

MORNING = datetime(2026, 11, 23, 6, 0, tzinfo=UTC).timestamp()
FIELDS = NameFields(
    export_id="e1",
    dashboard_id="sales",
    accepted_at=MORNING,
    tags={"team": "north", "folder": "a/b"},
)
OF_BURST = replace(FIELDS, burst_id="b1", recipient="r7")
PDF = FileShape(format="PDF", sheet="summary")
CSV = FileShape(format="CSV", sheet="details")


def test_files_are_numbered_only_where_they_would_share_a_key() -> None:
    assert file_keys("report", FIELDS, (PDF, CSV, CSV)) == (
        "exports/e1/report.pdf",
        "exports/e1/report-1.csv",
        "exports/e1/report-2.csv",
    )
    assert file_keys("{sheet}", FIELDS, (CSV, replace(CSV, sheet="more"))) == (
        "exports/e1/details.csv",
        "exports/e1/more.csv",
    )


def test_a_number_never_makes_the_key_of_another_file() -> None:
    shapes = tuple(replace(CSV, sheet=sheet) for sheet in ("a", "a", "a-1", "a"))
    keys = file_keys("{sheet}", FIELDS, shapes)
    assert len(set(keys)) == 4
    assert keys[2] == "exports/e1/a-1.csv"


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("{export}-{dashboard}", "exports/e1/e1-sales.pdf"),
        ("{sheet}.{format}.{number}", "exports/e1/summary.pdf.1.pdf"),
        ("{date:%Y/%m}/{date}", "exports/e1/2026/11/2026-11-23.pdf"),
        ("{date:week %V of %G}", "exports/e1/week 48 of 2026.pdf"),
        ("{tag:folder}/{tag:team}", "exports/e1/a/b/north.pdf"),
        (None, "exports/e1/sales.pdf"),
    ],
)
def test_every_field_can_be_used(template: str | None, key: str) -> None:
    assert file_keys(template, FIELDS, (PDF,)) == (key,)


def test_recipients_of_a_burst_share_a_folder() -> None:
    keys = file_keys("{burst}/{recipient}", OF_BURST, (PDF,))
    assert keys == ("exports/b1/b1/r7.pdf",)
    assert apart_from(keys[0], "e1") == "exports/b1/b1/r7-e1.pdf"


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{custumer}", "no field custumer"),
        ("{export.__class__}", "no field that one"),
        ("{0}", "no field 0"),
        ("{}", "no field"),
        ("{export", "close each brace"),
        ("export}", "close each brace"),
        ("{{export}}", "close each brace"),
        ("{export!r}", "no field"),
        ("{export:>100000000}", "must not give the field export an argument"),
        ("{date:%c}", "must write dates with"),
        ("{date:%-d}", "must write dates with"),
        ("{date:}", "must write dates with"),
        ("{tag}", "must name the tag"),
    ],
)
def test_what_is_no_template_is_refused_with_its_rule(template: str, told: str) -> None:
    with pytest.raises(TemplateError, match=told):
        parse_template(template)


@pytest.mark.parametrize(
    ("tags", "template"),
    [
        ({"t": ".."}, "{tag:t}/x"),
        ({"t": "../../other"}, "{tag:t}"),
        ({"t": "/root"}, "{tag:t}"),
        ({"t": ""}, "{tag:t}"),
        ({"t": "a//b"}, "{tag:t}"),
        ({"t": "a\nb"}, "{tag:t}"),
        ({"t": "a\\b"}, "{tag:t}"),
        ({"t": "x" * 250}, "{tag:t}{tag:t}{tag:t}{tag:t}"),
        ({}, "{tag:t}"),
        ({}, "{recipient}"),
    ],
)
def test_a_name_that_leaves_its_prefix_when_written_out_is_refused(
    tags: dict[str, str], template: str
) -> None:
    with pytest.raises(TemplateError) as refused:
        file_keys(template, replace(FIELDS, tags=tags), (PDF,))
    assert not [value for value in tags.values() if len(value) > 4 and value in str(refused.value)]


@given(st.text(max_size=60), st.dictionaries(st.sampled_from("ab"), st.text(max_size=20)))
def test_whatever_a_name_is_its_key_stays_under_the_prefix(name: str, tags: dict[str, str]) -> None:
    try:
        (key,) = file_keys(name or None, replace(FIELDS, tags=tags), (PDF,))
    except TemplateError:
        return
    assert key.startswith("exports/e1/") and key.endswith(".pdf")
    assert not {"", ".", ".."} & set(key.split("/"))


def test_dates_are_written_in_the_schedules_zone_and_other_braces_stay() -> None:
    moment = moment_of(MORNING - 5 * 3600, "America/Sao_Paulo")
    text = 'day {date:%d.%m.%Y}, {"a": {}} {other} {date}'
    assert fill_dates(text, moment) == 'day 22.11.2026, {"a": {}} {other} 2026-11-22'
    for code in DATE_CODES:
        assert fill_dates(f"{{date:%{code}}}", moment)
    with pytest.raises(TemplateError):
        fill_dates("{date:%s}", moment)
