"""The chart of docs/benchmark.md: two panels of bars, as SVG that reads on light and on dark."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

INK = "#808790"
"""A grey with enough contrast on white and on near-black; the background is transparent."""
OURS_COLOUR, OTHERS_COLOUR = "#2f81f7", "#9a6dd7"


@dataclass(frozen=True)
class Bar:
    """One bar: its row, its length, the text at its end."""

    name: str
    value: float
    label: str

    @property
    def colour(self) -> str:
        """Ours are told apart from the others."""
        return OURS_COLOUR if self.name.startswith("ours") else OTHERS_COLOUR


def make_bars(rows: Sequence[Mapping[str, Any]], member: str, label: str) -> list[Bar]:
    """A bar for each row, the first row on top; `label` is a format."""
    return [Bar(row["name"], row[member], label.format(row[member])) for row in rows][::-1]


def draw_chart(rows: Sequence[Mapping[str, Any]]) -> str:
    """The SVG; equal rows give equal text."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    settings: Any = {"svg.hashsalt": "benchmark", "svg.fonttype": "path", "font.size": 10}
    with mpl.rc_context(settings):
        figure, axes = pyplot.subplots(1, 2, figsize=(10, 0.5 * len(rows) + 1.2), sharey=True)
        panels = (
            ("makespan / bound (1 is the best possible)", make_bars(rows, "ratio", "{:.2f}"), 1.0),
            (
                "dollars per 1,000 exports",
                make_bars(rows, "dollars_per_1000_exports", "{:.2f}"),
                None,
            ),
        )
        for axis, (title, bars, mark) in zip(axes, panels, strict=True):
            _draw_panel(axis, title, bars, mark)
        figure.tight_layout()
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        pyplot.close(figure)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _draw_panel(axis: Any, title: str, bars: Sequence[Bar], mark: float | None) -> None:
    names = [bar.name for bar in bars]
    drawn = axis.barh(
        names, [bar.value for bar in bars], color=[bar.colour for bar in bars], height=0.62
    )
    axis.bar_label(drawn, [bar.label for bar in bars], padding=4, color=INK)
    axis.set_title(title, color=INK, fontsize=10, loc="left", pad=10)
    axis.margins(x=0.14)
    axis.tick_params(colors=INK, length=0)
    axis.set_xticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
    if mark is not None:
        axis.axvline(mark, color=INK, linewidth=1, linestyle=(0, (3, 3)))
