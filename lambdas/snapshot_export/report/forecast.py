"""Forecast against outcome, as a scale and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from snapshot_export.report.collector import RecordedForecast, Report
from snapshot_export.report.words import length, moment

_NEAR_SECONDS = 0.5
_FAR = 3.0
"""A deadline that is so many times as far away as everything else is named, but not drawn."""


def forecast_html(report: Report) -> Iterator[str]:
    """The forecast of a burst beside its end, in pieces."""
    forecast, end = report.forecast, report.ended_at
    if end is None:
        yield '<p class="note">Nothing ended, so there is nothing to compare with.</p>'
        return
    if not report.counts["Completed"]:
        yield '<p class="note">No export completed, so there is nothing to compare with.</p>'
        return
    if forecast is None:
        yield f'<p class="note">No forecast was made.{_kept(report.deadline, end)}</p>'
        return
    yield f"<p>{_verdict(forecast, end)}{_kept(report.deadline, end)}{_failed(report.counts)}</p>"
    yield from _scale(forecast, end, report.deadline)


def _verdict(forecast: RecordedForecast, end: float) -> str:
    off = end - forecast.p50
    if abs(off) < _NEAR_SECONDS:
        said = "It ended when it was expected"
    else:
        said = f"It ended {length(abs(off))} {'later' if off > 0 else 'earlier'} than expected"
    if end <= forecast.p95:
        return f"{said}, within what 19 of 20 cases keep."
    return f"{said}, <strong>{length(end - forecast.p95)} past what 19 of 20 cases keep</strong>."


def _failed(counts: Mapping[str, int]) -> str:
    """What fails may take less time than what completes: then an early end is no good news."""
    if not counts["Failed"]:
        return ""
    return f" <strong>{counts['Failed']:,} failed</strong>; the forecast expects none to."


def _kept(deadline: float | None, end: float) -> str:
    if deadline is None:
        return ""
    spare = length(abs(deadline - end))
    if end <= deadline:
        return f" The deadline was kept with {spare} to spare."
    return f" <strong>The deadline was missed by {spare}.</strong>"


def _scale(forecast: RecordedForecast, end: float, deadline: float | None) -> Iterator[str]:
    marks = [
        ("made", "Forecast made", forecast.at),
        ("p50", "Expected (P50)", forecast.p50),
        ("p95", "19 of 20 cases (P95)", forecast.p95),
        ("end", "Ended", end),
        *([("deadline", "Deadline", deadline)] if deadline else []),
    ]
    last = max(forecast.p95, end)
    if deadline is not None and deadline - forecast.at <= _FAR * (last - forecast.at):
        last = max(last, deadline)
    seconds = max(last - forecast.at, 0.001)
    places = {
        name: 1 + 98 * min(1.0, max(0.0, (time - forecast.at) / seconds))
        for name, _, time in marks
        if time <= last
    }
    yield '<figure class="chart scale"><svg height="28" aria-hidden="true">'
    yield '<line class="line" x1="0" x2="100%" y1="14" y2="14"/>'
    width = max(0.0, places["p95"] - places["p50"])
    yield f'<rect class="likely" x="{places["p50"]:.2f}%" y="6" width="{width:.2f}%" height="16"/>'
    yield from (_mark(name, f"{place:.2f}%", 28) for name, place in places.items())
    yield '</svg><dl class="marks">'
    for name, meaning, time in marks:
        swatch = f'<svg height="13" aria-hidden="true">{_mark(name, "50%", 13)}</svg>'
        after = forecast.occasion if name == "made" else _after(time - forecast.at)
        yield f"<div><dt>{swatch}{meaning}</dt><dd>{after}{moment(time)}</dd></div>"
    yield "</dl></figure>"


def _after(seconds: float) -> str:
    return f"after {length(seconds)}" if seconds >= 0 else f"{length(-seconds)} before"


def _mark(name: str, x: str, tall: int) -> str:
    if name == "end":
        return f'<circle class="end" cx="{x}" cy="{tall / 2:g}" r="5"/>'
    return f'<line class="{name}" x1="{x}" x2="{x}" y1="2" y2="{tall - 2}"/>'
