"""What went before a burst's first export: the data that it waited for, the query for its
recipients."""

from __future__ import annotations

from collections.abc import Iterator

from snapshot_export.domain.data_wait import DataDecision, DataSetState, Outcome
from snapshot_export.report.collector import RecipientsAsked, Report
from snapshot_export.report.words import NONE, count, moment, text

_OUTCOMES = {
    Outcome.READY: "The data was ready",
    Outcome.FAILED: "The data was not ready in time, so nothing was made",
    Outcome.SENT_ANYWAY: "The data was not ready in time; it was made of what was there",
    Outcome.HELD: "The data was not ready in time, and the burst was held",
    Outcome.RELEASED: "Somebody released it; it was made of the data that was there",
}


def before_section(report: Report) -> Iterator[str]:
    """A section for each of the two; nothing of a burst that began at once."""
    if report.data is not None:
        yield from _data_section(report.data)
    if report.recipients_asked is not None:
        yield from _query_section(report.recipients_asked)


def _data_section(data: DataDecision) -> Iterator[str]:
    yield '<section aria-labelledby="data"><h2 id="data">The data</h2>'
    yield f"<p>{_OUTCOMES[data.outcome]}: decided {moment(data.decided_at)}, of refreshes that "
    yield f"began since {moment(data.since)}, by {moment(data.until)}.</p>"
    if data.data_sets:
        yield '<div class="scroll" role="region" aria-labelledby="data" tabindex="0"><table>'
        yield '<thead><tr><th scope="col">Data set</th><th scope="col">Judged</th>'
        yield '<th scope="col">Its refresh began</th>'
        yield '<th scope="col" class="number">Rows dropped</th></tr></thead><tbody>'
        yield from map(_data_set_row, data.data_sets)
        yield "</tbody></table></div>"
    yield "</section>"


def _data_set_row(state: DataSetState) -> str:
    cells = (
        f'<td><span class="mono">{text(state.data_set_id)}</span></td>',
        f"<td>{text(state.reason)}</td>",
        f"<td>{moment(state.refreshed_at) if state.refreshed_at else NONE}</td>",
        f'<td class="number">{state.rows_dropped or 0:,}</td>',
    )
    return f"<tr>{''.join(cells)}</tr>\n"


def _query_section(asked: RecipientsAsked) -> Iterator[str]:
    yield '<section aria-labelledby="query"><h2 id="query">The query for recipients</h2>'
    found = "no recipients" if asked.found is None else count(asked.found, "recipient")
    expected = f", {asked.expected:,} expected" if asked.expected is not None else ""
    yield f'<p>Query <span class="mono">{text(asked.query_id)}</span> found {found}{expected}.'
    if asked.held is not None:
        released = f"released {moment(asked.released_at)}" if asked.released_at else "not released"
        yield f" The burst was held: {text(asked.held)} It was {released}."
    yield "</p></section>"
