"""Real files: PDF, Excel workbook and CSV of grids."""

import csv
import io
from collections.abc import Sequence
from xml.sax.saxutils import escape

from openpyxl import Workbook
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import (
    Flowable,
    KeepTogether,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from local.quicksight.charts import draw_chart
from local.quicksight.visuals import Grid

PDF_ROWS = 200
SUFFIXES = {"PDF": ".pdf", "EXCEL": ".xlsx", "CSV": ".csv"}
MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".csv": "text/csv",
}

_NOT_IN_WORKSHEET_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\", "_"))

_STYLES = getSampleStyleSheet()
_TABLE_STYLE = TableStyle(
    [
        ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#232f3e")),
        ("TEXTCOLOR", (0, 0), (-1, 0), colors.white),
        ("FONTSIZE", (0, 0), (-1, -1), 8),
        ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.lightgrey),
    ]
)


def suffix_of(name: str) -> str:
    """The suffix of a file's name, with its dot."""
    return name[name.rindex(".") :]


def render_pdf(title: str, viewer: str, sheets: Sequence[Sequence[Grid]]) -> bytes:
    """A PDF of sheets, each on pages of its own, for a viewer. Charts are drawn; of a table it
    shows at most 200 rows."""
    flow: list[Flowable] = [
        Paragraph(escape(title), _STYLES["Title"]),
        Paragraph(escape(viewer), _STYLES["Heading2"]),
    ]
    for number, grids in enumerate(sheets):
        if number:
            flow.append(PageBreak())
        for grid in grids:
            flow += _drawn(grid)
    buffer = io.BytesIO()
    SimpleDocTemplate(
        buffer, pagesize=landscape(A4), title=title, topMargin=40, bottomMargin=40
    ).build(flow)
    return buffer.getvalue()


def _drawn(grid: Grid) -> list[Flowable]:
    heading = Paragraph(escape(grid.title), _STYLES["Heading3"])
    if (chart := draw_chart(grid)) is not None:
        return [KeepTogether([heading, chart])]
    cells = [[str(cell) for cell in row] for row in grid.rows[:PDF_ROWS]]
    flow = [heading, Table([list(grid.header), *cells], style=_TABLE_STYLE, repeatRows=1)]
    if len(grid.rows) > PDF_ROWS:
        flow.append(Paragraph(f"{PDF_ROWS} of {len(grid.rows)} rows", _STYLES["Italic"]))
    return [*flow, Spacer(1, 12)]


def render_excel(grids: Sequence[Grid]) -> bytes:
    """A workbook with one worksheet a grid, in their order, under unique names."""
    workbook = Workbook(write_only=True)
    for number, grid in enumerate(grids, start=1):
        title = f"{number} {grid.title}"[:31].translate(_NOT_IN_WORKSHEET_NAMES)
        sheet = workbook.create_sheet(title)
        for row in (grid.header, *grid.rows):
            sheet.append(row)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def render_csv(grid: Grid) -> bytes:
    """The rows of one visual under a header line."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(grid.header)
    writer.writerows(grid.rows)
    return buffer.getvalue().encode()
