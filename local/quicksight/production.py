"""The work of a job: render its files from the rows its viewer may see, and deliver them."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from typing import Any

from local.quicksight.catalogue import Dashboard, DataSet, Sheet, Visual
from local.quicksight.dataset import Invoice, load_invoices
from local.quicksight.destination import Destination, make_file_name
from local.quicksight.jobs import Delivery, Job, RenderedFile
from local.quicksight.rendering import SUFFIXES, render_csv, render_excel, render_pdf
from local.quicksight.selection import UnfulfilledTags, select_rows
from local.quicksight.visuals import Grid, show_visual


class InlineExecutor(Executor):
    """Does the work at once, so that a run on a virtual clock is deterministic."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The finished work."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def render_files(
    members: dict[str, Any],
    user: str | None,
    dashboard: Dashboard,
    data_sets: Sequence[DataSet | None],
    unfulfilled: UnfulfilledTags,
) -> list[RenderedFile]:
    """Each file of an accepted request, in the order of its file groups.

    `data_sets` are the dashboard's, in its order.
    """
    configuration = members["SnapshotConfiguration"]
    viewers = members.get("UserConfiguration", {}).get("AnonymousUsers", [{}])
    rows = {
        data_set.data_set_id: select_rows(
            load_invoices(),
            data_set=data_set,
            tags=viewers[0].get("RowLevelPermissionTags", []),
            user=user,
            parameters=configuration.get("Parameters", {}),
            only=dashboard.only,
            unfulfilled=unfulfilled,
        )
        for data_set in data_sets
        if data_set is not None
    }

    def show(visual: Visual) -> Grid:
        return show_visual(visual, rows[visual.data_set_id or dashboard.data_set_ids[0]])

    viewer = _name_of(row for each in rows.values() for row in each)
    return [
        _render(group["Files"][0], dashboard, viewer, show) for group in configuration["FileGroups"]
    ]


def deliver_file(
    job: Job, position: int, destination: Destination, done_at: Callable[[], float]
) -> tuple[Delivery, float]:
    """Bring one file of a job to its place, and say when that was done.

    Waits for the rendering, which must have been submitted before to the same executor.
    """
    if job.rendering is None:
        raise RuntimeError("a job without rendering has nothing to deliver")
    if position in job.file_errors:
        return Delivery(error=job.file_errors[position]), done_at()
    file = job.rendering.result()[position]
    name = make_file_name(file.title, file.suffix)
    configuration = job.members["SnapshotConfiguration"]
    destinations = configuration.get("DestinationConfiguration", {}).get("S3Destinations", [])
    if not destinations:
        return Delivery(name=name, content=file.content), done_at()
    bucket = destinations[0]["BucketConfiguration"]
    delivery = destination.upload(
        bucket["BucketName"], bucket["BucketPrefix"], job.dashboard_id, name, file.content
    )
    return delivery, done_at()


def _name_of(rows: Iterable[Invoice]) -> str:
    """Whose rows they are: the customer's name, or how many customers."""
    names = {row.customer_id: row.customer for row in rows}
    return next(iter(names.values())) if len(names) == 1 else f"{len(names)} customers"


def _render(
    file: dict[str, Any], dashboard: Dashboard, viewer: str, show: Callable[[Visual], Grid]
) -> RenderedFile:
    selected = _selected(file["SheetSelections"], dashboard)
    grids: list[Grid] = [show(visual) for _, visual in selected]
    title = f"{dashboard.name}: {selected[0][0].name}"
    match file["FormatType"]:
        case "PDF":
            content = render_pdf(title, viewer, _by_sheet(selected, grids))
        case "EXCEL":
            content = render_excel(grids)
        case _:
            title, content = f"{title}: {grids[0].title}", render_csv(grids[0])
    return RenderedFile(title, SUFFIXES[file["FormatType"]], content)


def _by_sheet(selected: Sequence[tuple[Sheet, Visual]], grids: Sequence[Grid]) -> list[list[Grid]]:
    shown: dict[str, list[Grid]] = {}
    for (sheet, _), grid in zip(selected, grids, strict=True):
        shown.setdefault(sheet.sheet_id, []).append(grid)
    return [*shown.values()]


def _selected(
    selections: Sequence[dict[str, Any]], dashboard: Dashboard
) -> list[tuple[Sheet, Visual]]:
    """The selected visuals in the order that the request gives, which is that of worksheets."""
    return [
        (sheet, visual)
        for selection in selections
        for sheet in [dashboard.sheet(selection["SheetId"])]
        if sheet is not None
        for visual_id in _ids(selection, sheet)
        for visual in [sheet.visual(visual_id)]
        if visual is not None
    ]


def _ids(selection: dict[str, Any], sheet: Sheet) -> list[str]:
    if selection["SelectionScope"] == "ALL_VISUALS":
        return [visual.visual_id for visual in sheet.visuals]
    return list(selection["VisualIds"])
