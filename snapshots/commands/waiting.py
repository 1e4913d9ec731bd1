"""What submit, burst and status share: --wait, --timeout and --download, and how they end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from snapshots.downloads import download_files
from snapshots.errors import ExitCode, UsageError
from snapshots.following import follow_exports, has_ended
from snapshots.invocation import Invocation
from snapshots.tables import print_export, print_exports
from snapshots.times import parse_duration

_MAX_ROWS = 20
F = TypeVar("F", bound=Callable[..., Any])


def wait_options(function: F) -> F:
    """Add --wait, --timeout and --download."""
    for option in (
        click.option(
            "--download",
            metavar="DIR",
            type=click.Path(file_okay=False, path_type=Path),
            help="Wait, then bring the files to DIR/<ExportId>/.",
        ),
        click.option("--timeout", metavar="TIME", help="Wait no longer, such as 90s or 2h."),
        click.option("--wait", is_flag=True, help="Wait for the end, with a progress bar."),
    ):
        function = option(function)
    return function


def timeout_seconds(text: str | None) -> float | None:
    """Seconds of a --timeout. Raises UsageError."""
    if text is None:
        return None
    duration = parse_duration(text)
    if duration is None:
        raise UsageError(f"--timeout must be a duration such as 90s, 30m or 2h, not {text!r}")
    return duration.total_seconds()


def finish_exports(
    invocation: Invocation,
    export_ids: Sequence[str],
    *,
    timeout: float | None,
    download: Path | None,
    extra: Mapping[str, Any] | None = None,
) -> ExitCode:
    """Wait for exports, bring and show their files; `extra` members go into the JSON."""
    brought: dict[str, list[Path]] = {}

    def bring(export: dict[str, Any]) -> None:
        if download:
            brought[export["ExportId"]] = download_files(export, download)

    ended = follow_exports(invocation, export_ids, timeout=timeout, on_end=bring)
    exports = {export_id: ended[export_id] for export_id in dict.fromkeys(export_ids)}
    paths = [path for export_id in exports for path in brought.get(export_id, ())]
    if invocation.as_json:
        files = {"Downloaded": [str(path) for path in paths]} if download else {}
        invocation.print_json({"Exports": [*exports.values()], **files, **(extra or {})})
    elif len(exports) == 1:
        print_export(invocation.out, next(iter(exports.values())), invocation.now)
    elif exports:
        shown = [*exports.values()]
        if len(shown) > _MAX_ROWS:
            shown = [export for export in shown if export["Status"] != "COMPLETED"]
            summary = f"{len(exports) - len(shown)} of {len(exports)} completed"
            invocation.out.print(f"{summary}, the others:" if shown else summary, markup=False)
        if shown:
            print_exports(invocation, shown, invocation.now)
    if download and not invocation.as_json:
        invocation.out.print(count_files(len(paths), download), markup=False, soft_wrap=True)
    return judge(exports.values())


def count_files(count: int, folder: Path) -> str:
    """`3 files in DIR`."""
    return f"{count} file{'' if count == 1 else 's'} in {folder}"


def judge(exports: Any) -> ExitCode:
    """OK unless one of the exports ended otherwise than COMPLETED."""
    bad = any(has_ended(each) and each["Status"] != "COMPLETED" for each in exports)
    return ExitCode.EXPORT_FAILED if bad else ExitCode.OK


def judge_burst(burst: Mapping[str, Any]) -> ExitCode:
    """OK while no recipient failed, was cancelled or was refused, and the burst did not fail, nor
    is held."""
    if burst["Status"] == "HELD":
        return ExitCode.EXPORT_FAILED
    bad = any(burst["Counts"].get(name) for name in ("Failed", "Cancelled", "Refused"))
    return ExitCode.EXPORT_FAILED if bad else judge([burst])
