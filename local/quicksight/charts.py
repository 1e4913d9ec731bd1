"""Charts of grids, drawn as vectors on a page: a number, bars, a line."""

from collections.abc import Callable
from decimal import Decimal

from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.charts.linecharts import HorizontalLineChart
from reportlab.graphics.shapes import Drawing, Rect, String
from reportlab.lib.colors import HexColor

from local.quicksight.catalogue import VisualType
from local.quicksight.visuals import Grid

WIDTH, HEIGHT = 680, 190
_INK, _SERIES, _GRID, _CARD = map(HexColor, ("#232f3e", "#1f77b4", "#d5dbdb", "#f2f3f3"))
_MAX_LABELS = 18
Chart = VerticalBarChart | HorizontalLineChart


def draw_chart(grid: Grid) -> Drawing | None:
    """The drawing of a grid with rows; None for a table, or where there is nothing to draw."""
    draw = _DRAWN.get(grid.visual_type)
    return draw(grid) if draw and grid.rows else None


def _draw_number(grid: Grid) -> Drawing:
    drawing = Drawing(WIDTH, 52)
    card = Rect(0, 4, 220, 46, rx=5, ry=5)
    card.fillColor, card.strokeColor = _CARD, None
    drawing.add(card)
    text = f"{grid.rows[0][-1]:,}"
    drawing.add(String(14, 18, text, fontSize=24, fontName="Helvetica-Bold", fillColor=_INK))
    return drawing


def _draw_bars(grid: Grid) -> Drawing:
    chart = VerticalBarChart()
    chart.bars[0].fillColor, chart.bars[0].strokeColor = _SERIES, None
    chart.groupSpacing = 12
    return _with_axes(chart, grid)


def _draw_line(grid: Grid) -> Drawing:
    chart = HorizontalLineChart()
    chart.lines[0].strokeColor, chart.lines[0].strokeWidth = _SERIES, 2
    return _with_axes(chart, grid)


def _with_axes(chart: Chart, grid: Grid) -> Drawing:
    """The rows' last cells over the others, from 0; of many labels some are left out."""
    chart.x, chart.y, chart.width, chart.height = 52, 26, WIDTH - 62, HEIGHT - 36
    chart.data = [[float(row[-1]) for row in grid.rows]]
    every = -(-len(grid.rows) // _MAX_LABELS)
    chart.categoryAxis.categoryNames = [
        " ".join(map(str, row[:-1])) if number % every == 0 else ""
        for number, row in enumerate(grid.rows)
    ]
    for axis in (chart.categoryAxis, chart.valueAxis):
        axis.labels.fontSize, axis.labels.fillColor = 7, _INK
        axis.strokeColor = _GRID
        axis.visibleTicks = False
    chart.valueAxis.valueMin = min(0.0, *chart.data[0])
    chart.valueAxis.visibleGrid, chart.valueAxis.gridStrokeColor = True, _GRID
    chart.valueAxis.labelTextFormat = lambda value: f"{Decimal(value):,.0f}"
    drawing = Drawing(WIDTH, HEIGHT)
    drawing.add(chart)
    return drawing


_DRAWN: dict[VisualType, Callable[[Grid], Drawing]] = {
    "KPI": _draw_number,
    "BAR_CHART": _draw_bars,
    "LINE_CHART": _draw_line,
}
