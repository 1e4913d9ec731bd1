"""Names are templates of a fixed list of fields; nothing in them is evaluated."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain.naming import (
    MAX_KEY_BYTES,
    MAX_KEYS,
    NameFields,
    RequestedFile,
    apart_from,
    file_keys,
    fold,
    keys_for,
    written_keys,
)
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
PDF = RequestedFile(format="PDF", sheet="summary")
CSV = RequestedFile(format="CSV", sheet="details")


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
        ({"t": "zero\u200bwidth"}, "{tag:t}"),
        ({"t": "fdp.\u202eexe"}, "{tag:t}"),
        ({"t": "\ufeffbom"}, "{tag:t}"),
        ({"t": "line\u2028end"}, "{tag:t}"),
        ({"t": "c1\x9fend"}, "{tag:t}"),
        ({"t": "con"}, "{tag:t}"),
        ({"t": "Lpt1.2026.x"}, "north/{tag:t}"),
        ({"t": "COM\N{SUPERSCRIPT ONE}"}, "{tag:t}/x"),
        ({"t": "aux "}, "x/{tag:t}"),
        ({"t": "Acme Inc."}, "{tag:t}"),
        ({"t": "Acme "}, "{tag:t}/x"),
        ({"t": "Acme\u00a0"}, "{tag:t}"),
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


@pytest.mark.parametrize(
    "name",
    ["x.pdf?b", "Invoice #3", "a<b>c:d|e*f\"g", "console", "auxiliary.2", "com10", "lpt", ".hidden",
     " padded", "100% & more = +1", "報告", "Übersicht"],
)  # fmt: skip
def test_a_name_that_s3_takes_and_a_disk_can_hold_in_some_form_is_a_name(name: str) -> None:
    assert file_keys(name, FIELDS, (PDF,)) == (f"exports/e1/{name}.pdf",)


def test_a_refused_name_names_its_rule() -> None:
    for name, rule in (
        ("nul.txt", "Windows reserves"),
        ("a./b", "dot or a space at the end"),
        ("a\u200eb", "bidirectional"),
    ):
        with pytest.raises(TemplateError, match=rule):
            file_keys(name, FIELDS, (PDF,))


def test_an_accepted_export_keeps_its_names_whatever_the_rules_became() -> None:
    assert written_keys("Acme Inc.", FIELDS, (PDF,)) == ("exports/e1/Acme Inc..pdf",)


def test_files_of_one_export_differ_also_where_case_and_normalization_do_not_count() -> None:
    shapes = [replace(CSV, sheet=sheet) for sheet in ("Übersicht", "u\u0308BERSICHT", "x")]
    assert file_keys("{sheet}", FIELDS, shapes) == (
        "exports/e1/Übersicht-1.csv",
        "exports/e1/u\u0308BERSICHT-2.csv",
        "exports/e1/x.csv",
    )


@given(st.text(max_size=30))
def test_what_folds_to_the_same_folds_once(text: str) -> None:
    forms = (unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text), text.upper())
    assert fold(fold(text)) == fold(text)
    assert {fold(each) for each in forms[:2]} == {fold(text)}


def test_the_keys_of_a_file_are_few_and_different_and_fit() -> None:
    fields = replace(FIELDS, export_id="e" * 64)
    (key,) = file_keys("x" * (MAX_KEY_BYTES - len(fields.prefix)), fields, (PDF,))
    found = list(keys_for(key, fields.export_id, "f" * 12))
    assert found[0] == key and len({*found}) == len(found) == MAX_KEYS
    assert all(len(each.encode()) <= 1024 and each.endswith(".pdf") for each in found)


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
