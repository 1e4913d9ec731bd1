"""What a dashboard consists of, as far as snapshots see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

VisualType = Literal["TABLE", "PIVOT_TABLE", "BAR_CHART", "LINE_CHART", "KPI"]
ParameterType = Literal["String", "Integer", "Decimal", "DateTime"]
TABULAR: frozenset[VisualType] = frozenset({"TABLE", "PIVOT_TABLE"})


@dataclass(frozen=True)
class TagRule:
    """A row-level-security tag's column. Empty texts: no delimiter, no value that matches all."""

    tag_key: str
    column: str
    delimiter: str = ""
    match_all: str = ""


@dataclass(frozen=True)
class DataSet:
    """One data set; all have the rows of dataset.py. Without `rules` it shows them to everyone.

    `configurations` are sets of tag keys of which one must be assigned; empty means all keys.
    """

    data_set_id: str
    name: str
    rules: tuple[TagRule, ...] = ()
    configurations: tuple[tuple[str, ...], ...] = ()
    status: Literal["ENABLED", "DISABLED"] = "ENABLED"
    import_mode: Literal["SPICE", "DIRECT_QUERY"] = "SPICE"

    @property
    def is_restricted(self) -> bool:
        """Whether its tag rules apply."""
        return bool(self.rules) and self.status == "ENABLED"


@dataclass(frozen=True)
class Visual:
    """One visual; `columns` are a table's columns, or what the others group by.

    Its rows are those of `data_set_id`, the dashboard's first data set without one.
    """

    visual_id: str
    title: str
    visual_type: VisualType
    columns: tuple[str, ...] = ()
    data_set_id: str = ""

    @property
    def tabular(self) -> bool:
        """Whether CSV and Excel can hold it: tables and pivot tables only."""
        return self.visual_type in TABULAR


@dataclass(frozen=True)
class Sheet:
    """One sheet with its visuals."""

    sheet_id: str
    name: str
    visuals: tuple[Visual, ...]

    def visual(self, visual_id: str) -> Visual | None:
        """The visual of this id, if the sheet has it."""
        return next((each for each in self.visuals if each.visual_id == visual_id), None)


@dataclass(frozen=True)
class Parameter:
    """A parameter that a dashboard declares; the times among its defaults are epoch seconds."""

    name: str
    parameter_type: ParameterType
    defaults: tuple[str | float, ...] = ()
    multi_valued: bool = False


@dataclass(frozen=True)
class Dashboard:
    """One dashboard; `only` are values that its rows must have, by column.

    `version` is the number of the published version.
    """

    dashboard_id: str
    name: str
    sheets: tuple[Sheet, ...]
    data_set_ids: tuple[str, ...]
    only: Mapping[str, str] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    version: int = 1

    def sheet(self, sheet_id: str) -> Sheet | None:
        """The sheet of this id, if the dashboard has it."""
        return next((each for each in self.sheets if each.sheet_id == sheet_id), None)


def table(visual_id: str, title: str, columns: str) -> Visual:
    """A table of the rows; columns separated by blanks."""
    return Visual(visual_id, title, "TABLE", tuple(columns.split()))


def pivot(visual_id: str, title: str, columns: str) -> Visual:
    """A pivot table: amounts summed by the columns, a column for each year."""
    return Visual(visual_id, title, "PIVOT_TABLE", tuple(columns.split()))


def bars(visual_id: str, title: str, column: str) -> Visual:
    """A bar chart of amounts by one column."""
    return Visual(visual_id, title, "BAR_CHART", (column,))


def line(visual_id: str, title: str, column: str) -> Visual:
    """A line chart of amounts by one column."""
    return Visual(visual_id, title, "LINE_CHART", (column,))


def kpi(visual_id: str, title: str) -> Visual:
    """The sum of all amounts."""
    return Visual(visual_id, title, "KPI")
