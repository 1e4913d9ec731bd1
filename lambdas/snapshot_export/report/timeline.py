"""The timeline of the slots as SVG. Places are percentages, so that it fits any width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from snapshot_export.report.lanes import Bar, LeaseEnd, Timeline
from snapshot_export.report.words import count, length, moment, text

_LOW_FROM = 25
"""So many lanes are drawn low."""
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400,
          21_600, 43_200, 86_400, 172_800, 604_800)  # fmt: skip
_MAX_TICKS = 7
_LOWEST_STRIP = 2
"""Pixels that failed exports have in a bar of many, however few they are."""
_MEANINGS = {
    LeaseEnd.COMPLETED: "completed",
    LeaseEnd.AGAIN: "another attempt or part followed",
    LeaseEnd.UNUSED: "no job began",
    LeaseEnd.CANCELLED: "cancelled",
    LeaseEnd.FAILED: "failed",
}


def timeline_html(timeline: Timeline | None) -> Iterator[str]:
    """The figure, its legend and what its gaps are, in pieces."""
    if timeline is None:
        yield '<p class="note">No export held a slot, or its record does not say when.</p>'
        return
    is_low = len(timeline.lanes) >= _LOW_FROM
    pitch = 8 if is_low else 18
    seconds = max(timeline.end - timeline.begin, 0.001)
    yield f'<figure class="chart{" many" if is_low else ""}"><div class="lanes">'
    yield '<ol class="names" aria-hidden="true">'
    yield "".join(f"<li>{number}</li>" for number in range(1, len(timeline.lanes) + 1))
    label = f"{count(timeline.spans, 'lease')} in {count(len(timeline.lanes), 'lane')}"
    height = pitch * len(timeline.lanes)
    yield f'</ol><svg id="lanes" role="img" aria-label="{label}" height="{height}">'
    ticks = _ticks(seconds)
    tops = [number * pitch + 1 for number in range(len(timeline.lanes))]
    tall = pitch - 3
    yield from (f'<rect class="lane" y="{top}" width="100%" height="{tall}"/>' for top in tops)
    for tick in ticks[1:]:
        x = _percent(tick, seconds)
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="{height}"/>'
    for top, lane in zip(tops, timeline.lanes, strict=True):
        yield from (_bar(bar, timeline.begin, seconds, top, tall) for bar in lane)
    yield "</svg></div>"
    yield from _axis(ticks, seconds)
    yield '<output class="read" id="read">Point at a bar to see whose it is.</output></figure>'
    bars = [bar for lane in timeline.lanes for bar in lane]
    failed = [LeaseEnd.FAILED] if any(bar.failed for bar in bars) else []
    yield _legend({*(bar.outcome for bar in bars), *failed})
    yield f'<p class="note">{" ".join(_sentences(timeline))}</p>'


def _bar(bar: Bar, begin: float, seconds: float, top: int, tall: int) -> str:
    place = _across(bar.start - begin, bar.end - bar.start, seconds)
    parts = [
        f'<g class="bar {bar.outcome.value}"><title>{_title(bar)}</title>'
        f'<rect class="held" {place} y="{top}" height="{tall}"/>'
    ]
    if bar.count > 1:
        share = min(1.0, bar.worked / max(bar.end - bar.start, 0.001))
        parts.append(f'<rect class="job" {place} y="{top}" height="{tall}" opacity="{share:.2f}"/>')
        if bar.failed:
            low = max(_LOWEST_STRIP, round(tall * bar.failed / bar.count))
            parts.append(
                f'<g class="failed"><rect class="part" {place} y="{top + tall - low}" '
                f'height="{low}"/></g>'
            )
    elif bar.worked > 0 and bar.first.job_start is not None:
        start = max(bar.first.job_start, bar.start)
        job = _across(start - begin, bar.worked, seconds)
        parts.append(f'<rect class="job" {job} y="{top}" height="{tall}"/>')
    return "".join([*parts, "</g>"])


def _across(start: float, width: float, seconds: float) -> str:
    return f'x="{_percent(start, seconds)}" width="{_percent(width, seconds)}"'


def _title(bar: Bar) -> str:
    name = text(bar.first.export_id)
    if bar.count > 1:
        failed = f"; {bar.failed} of exports that failed" if bar.failed else ""
        return (
            f"{bar.count} leases from {name} on, {length(bar.end - bar.start)}: "
            f"slot held {length(bar.held)}, jobs ran {length(bar.worked)}{failed}"
        )
    again = f", attempt {bar.first.attempt}" if bar.first.attempt > 1 else ""
    return (
        f"{name}{again}: {_MEANINGS[bar.outcome]}; slot held {length(bar.held)}, "
        f"job ran {length(bar.worked)}"
    )


def _ticks(seconds: float) -> list[float]:
    step = next((each for each in _STEPS if seconds / each <= _MAX_TICKS), seconds / _MAX_TICKS)
    return [step * number for number in range(int(seconds / step) + 1)]


def _axis(ticks: Iterable[float], seconds: float) -> Iterator[str]:
    """Labels as SVG texts too: a percentage in a style would need leave of the page's policy."""
    yield '<svg class="ticks" height="18" aria-hidden="true">'
    for tick in ticks:
        name = "0" if tick == 0 else length(tick).replace(".0 s", " s")
        yield f'<text x="{_percent(tick, seconds)}" y="13">{name}</text>'
    yield "</svg>"


def _legend(outcomes: Iterable[LeaseEnd]) -> str:
    swatch = '<svg aria-hidden="true"><rect class="{}" width="100%" height="100%"/></svg>'
    items = [
        f'<li class="{each.value}"><span class="bar">{swatch.format("job")}</span>'
        f"{_MEANINGS[each]}</li>"
        for each in sorted(outcomes, key=list(LeaseEnd).index)
    ]
    items.append(f'<li class="completed"><span class="bar">{swatch.format("held")}</span>'
                 "slot held, no job (start, poll)</li>")  # fmt: skip
    items.append(f"<li>{swatch.format('lane')}slot empty</li>")
    return f'<ul class="legend">{"".join(items)}</ul>'


def _sentences(timeline: Timeline) -> Iterator[str]:
    yield f"From {moment(timeline.begin)}, {length(timeline.end - timeline.begin)}."
    if timeline.used is not None:
        yield (
            f"While exports still waited, these held {timeline.used:.1%} of the time of "
            f"{count(timeline.limit, 'slot')}, with a job running {timeline.worked:.1%}; "
            "what is empty may have been held by others."
        )
    if timeline.median_gap is not None:
        yield (
            f"Between a release and the next lease in its lane: {length(timeline.median_gap)} in "
            f"the median, {length(timeline.longest_gap)} at most."
        )
    if timeline.left_out:
        yield f"{count(timeline.left_out, 'later lease')} not shown."


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.3f}".rstrip("0").rstrip(".") + "%"
