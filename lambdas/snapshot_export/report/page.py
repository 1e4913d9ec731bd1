"""The report as one HTML page that asks nothing of any server.

What came from outside goes in as escaped text and nowhere else; should an escape be missing, the
page's policy lets no script run but the page's own, by its hash.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files

from snapshot_export.domain.export import ErrorInfo
from snapshot_export.report.before import before_section
from snapshot_export.report.collector import Report
from snapshot_export.report.forecast import forecast_html
from snapshot_export.report.tables import (
    Link,
    column_heads,
    export_rows,
    refused_section,
    rows_note,
)
from snapshot_export.report.timeline import timeline_html
from snapshot_export.report.words import NONE, count, length, moment, place, reason, size, text

_POLICY = (
    "default-src 'none'; img-src data:; style-src {style}; script-src {script}; "
    "base-uri 'none'; form-action 'none'"
)


def render_page(report: Report, *, link: Link, written_at: float) -> Iterator[str]:
    """The page in pieces, to be written one after another."""
    values: dict[str, Iterable[str]] = {
        "policy": [_policy()],
        "title": [text(f"{report.name}: {report.status.lower()}")],
        "kind": [text(report.kind)],
        "name": [text(report.name)],
        "state": [f'<span class="state {report.status.lower()}">{text(report.status)}</span>'],
        "lede": [_lede(report)],
        "numbers": _numbers(report),
        "facts": _facts(report),
        "before": before_section(report),
        "forecast": forecast_html(report),
        "timeline": timeline_html(report.timeline),
        "columns": column_heads(report),
        "rows": export_rows(report, link),
        "rows_note": rows_note(report),
        "refused": refused_section(report),
        "footer": [
            f"Written {moment(written_at)}. Everything that came out: ",
            place(report.manifest),
        ],
    }
    for literal, name in _pieces():
        yield literal
        yield from values[name] if name else ()


@cache
def _template() -> str:
    return files(__package__).joinpath("page.html").read_text(encoding="utf-8")


def _pieces() -> Iterator[tuple[str, str]]:
    """The template's text up to each placeholder, with its name; the rest with none."""
    at, page = 0, _template()
    for found in re.finditer(r"\$([a-z_]+)", page):
        yield page[at : found.start()], found[1]
        at = found.end()
    yield page[at:], ""


@cache
def _policy() -> str:
    return _POLICY.format(style=_hash_of("style"), script=_hash_of("script"))


def _hash_of(element: str) -> str:
    found = re.search(rf"<{element}>(.*?)</{element}>", _template(), re.S)
    assert found is not None
    return f"'sha256-{b64encode(sha256(found[1].encode()).digest()).decode()}'"


def _lede(report: Report) -> str:
    counts = report.counts
    whose = f"{counts['Completed']:,} of {count(counts['Total'], report.each)} completed"
    ended = [
        f"{counts[name]:,} {name.lower()}"
        for name in ("Failed", "Cancelled", "Refused", "Unfinished")
        if counts.get(name)
    ]
    if report.ended_at is not None and report.retried_at is None:
        whose += f" in {length(report.ended_at - report.accepted_at)}"
    if report.empty:
        ended.append(f"{report.empty:,} without rows")
    rest = f"; {', '.join(ended)}" if ended else ""
    return f"{whose}{rest}.{reason(report.error)}{_main_reason(report)}"


def _main_reason(report: Report) -> str:
    """HTML of the most frequent reason of failures, and how many share it."""
    if not report.reasons:
        return ""
    main, failed = report.reasons[0], report.counts["Failed"]
    share = f"all {failed:,}" if main.count >= failed else f"{main.count:,} of {failed:,}"
    return f" Why {share} failed:{reason(ErrorInfo(main.code, main.message))}"


def _numbers(report: Report) -> Iterator[str]:
    for name in ("Completed", "Failed", "Cancelled", "Refused", "Unfinished"):
        if name in report.counts:
            yield f"<div><dt>{name.lower()}</dt><dd>{report.counts[name]:,}</dd></div>"
    timeline = report.timeline
    used = timeline.used if timeline else None
    yield _number("slots held while exports waited", NONE if used is None else f"{used:.1%}")
    yield _number("waited for a slot, median", length(report.median_wait))
    yield _number("job, median", length(report.median_job))
    yield _number(f"in {count(report.files, 'file')}", size(report.bytes))


def _number(name: str, value: str) -> str:
    return f"<div><dt>{name}</dt><dd>{value}</dd></div>"


def _rows_fact(same_rows: bool | None) -> dict[str, str]:
    if same_rows is None:
        return {}
    return {"Rows": "the same for all recipients" if same_rows else "each recipient's own"}


def _revision_fact(report: Report) -> dict[str, str]:
    if report.retried_at is None:
        return {}
    return {"Revision": f"{report.revision}, run again from {moment(report.retried_at)}"}


def _facts(report: Report) -> Iterator[str]:
    dashboards = [f'<span class="mono">{text(name)}</span>' for name, _ in report.dashboards]
    if report.dashboards_left_out:
        dashboards.append(f"{report.dashboards_left_out:,} more")
    listed = f", listed in {place(report.recipients)}" if report.recipients else ""
    formats = [f"{number:,} {text(name)}" for name, number in report.formats]
    facts = {
        "Dashboards" if len(dashboards) > 1 else "Dashboard": ", ".join(dashboards),
        "Files asked for": ", ".join(formats),
        f"{report.each.capitalize()}s": f"{report.counts['Total']:,}{listed}",
        **_rows_fact(report.same_rows),
        **({"Weight": f"{report.weight:,}"} if report.weight > 1 else {}),
        "Accepted": moment(report.accepted_at),
        **_revision_fact(report),
        "First slot": moment(report.begun_at),
        "Last export ended": moment(report.ended_at),
        "Deadline": moment(report.deadline) if report.deadline else "none",
    }
    if report.warnings:
        facts["Warnings"] = "<br>".join(text(each.message) for each in report.warnings)
    yield from (f"<dt>{name}</dt><dd>{value or NONE}</dd>" for name, value in facts.items())
