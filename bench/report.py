"""What the benchmarks leave: tables on the screen, results.json, docs/benchmark.md, its chart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.chart import draw_chart
from bench.rows import Row

RESULTS = Path("bench/results.json")
GROWTH = Path("bench/growth.json")
DOCUMENT = Path("docs/benchmark.md")
CHART = Path("docs/benchmark.svg")
OURS = "ours"

COLUMNS = {
    "makespan / bound": ("ratio", "{:.3f}"),
    "makespan": ("makespan_s", "{:.0f} s"),
    "peak": ("peak_running", "{}"),
    "throttled": ("throttled", "{}"),
    "limit exceeded": ("limit_exceeded", "{}"),
    "calls": ("quicksight_calls_per_export", "{:.1f}"),
    "calls a second": ("calls_per_second", "{:.1f}"),
    "most": ("most_calls_in_a_second", "{}"),
    "functions at once": ("functions_at_once", "{:.1f}"),
}
"""Of each table: heading, member of Row, format."""
BILLED_COLUMNS = {
    "transitions": ("state_transitions_per_export", "{:.1f}"),
    "writes": ("dynamodb_writes_per_export", "{:.1f}"),
    "invocations": ("lambda_invocations_per_export", "{:.1f}"),
    "$ per 1,000": ("dollars_per_1000_exports", "{:.2f}"),
}
"""Of those on the embedded account, by the export."""

PARTS = {
    "fill": "from the first send to the first start in each slot",
    "late_end": "QuickSight's own: from the drawn time to the end (files, the emulator's tick)",
    "poll": "from a job's end to the call that saw it",
    "hand_off": "from that call to the next start in the slot",
    "tail": "slots without work while the last jobs ran",
    "closing": "from the last job seen to the last file in its place",
}


def print_rows(console: Console, rows: Sequence[Row], *, slots: int, is_virtual: bool) -> None:
    """The table of all rows; `calls`, and from `transitions` to `invocations`: per export."""
    columns = _columns(is_virtual)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("row", no_wrap=True)
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row.name, *_cells(vars(row), columns))
    Console(width=max(console.width, 190), highlight=False, soft_wrap=True).print(table)
    bound = rows[0].bound_s
    console.print(
        f"bound {bound:.1f} s: max(sum of the job times / {slots}, longest), in every row"
    )


def print_lost_seconds(console: Console, rows: Sequence[Row]) -> None:
    """Where the slots' time without a job went, for our own rows.

    It is the loss against sum / slots, which is the bound unless one job is longer than that.
    """
    for row in (row for row in rows if row.name.startswith(OURS)):
        parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in row.lost_seconds.items())
        total = sum(row.lost_seconds.values())
        console.print(f"{row.name}: a slot was without a job for {total:.1f} s: {parts}")


def write_results(run: Mapping[str, Any], root: Path) -> None:
    """Write results.json, in which a run takes the place of one of as many exports and slots; the
    chart, of the run on the fewest of both; and the document."""
    file = root / RESULTS
    before = json.loads(file.read_text(encoding="utf-8"))["runs"] if file.exists() else []
    runs = sorted(
        [*(each for each in before if _size(each) != _size(run)), run],
        key=_size,
    )
    file.write_text(json.dumps({"runs": runs}, indent=2) + "\n")
    (root / CHART).write_text(draw_chart(runs[0]["rows"]))
    write_document(root)


def _size(run: Mapping[str, Any]) -> tuple[int, int]:
    return run["slots"], run["exports"]


def write_growth(growth: Mapping[str, Any], root: Path) -> None:
    """Write growth.json and the document."""
    (root / GROWTH).write_text(json.dumps(growth, indent=2) + "\n")
    write_document(root)


def write_document(root: Path) -> None:
    """Write docs/benchmark.md from what was measured last."""
    parts = ["# Benchmark\n", "Written by `make bench` and `make bench-growth`; do not edit.\n"]
    if (root / RESULTS).exists():
        runs = json.loads((root / RESULTS).read_text(encoding="utf-8"))["runs"]
        for number, run in enumerate(runs):
            parts += _describe_run(run, is_first=number == 0)
    if (root / GROWTH).exists():
        parts += _describe_growth(json.loads((root / GROWTH).read_text(encoding="utf-8")))
    (root / DOCUMENT).write_text("\n".join(parts))


def _columns(is_virtual: bool) -> dict[str, tuple[str, str]]:
    return COLUMNS if is_virtual else COLUMNS | BILLED_COLUMNS


def _cells(row: Mapping[str, Any], columns: Mapping[str, tuple[str, str]]) -> list[str]:
    return [form.format(row[member]) for member, form in columns.values()]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _describe_run(run: Mapping[str, Any], *, is_first: bool) -> list[str]:
    rows: list[dict[str, Any]] = run["rows"]
    columns = _columns(run["is_virtual"])
    ours = [row for row in rows if row["name"].startswith(OURS)]
    machine = run["machine"]
    scaled = "not scaled" if run["scale"] == 1.0 else f"times {run['scale']}: only a try"
    place = (
        "The flows and adapters on virtual time, over clients in memory "
        "([bench/virtual.py](../bench/virtual.py)): two processors do not work off in real time "
        f"what {run['slots']} slots end. {run['calls_per_second']:g} calls a second."
        if run["is_virtual"]
        else "Each row has a QuickSight emulator of its own, which gives every export the same job "
        "time in every row."
    )
    return [
        f"## {run['exports']:,} exports, {run['slots']} slots\n",
        f"10 dashboards; job times of 40 s on average, with a coefficient of variation of 0.8 over "
        f"all and 0.15 within a dashboard (seed {run['seed']}, {scaled}). {place} `calls`"
        + ("" if run["is_virtual"] else ", and from `transitions` to `invocations`")
        + ": per export.\n",
        _line(["row", *columns]),
        _line(["---", *["---:"] * len(columns)]),
        *(_line([row["name"], *_cells(row, columns)]) for row in rows),
        "",
        f"The bound is {rows[0]['bound_s']:.1f} s: max(sum of the job times / "
        f"{run['slots']}, longest job). No scheduler can beat it.\n",
        *(["![Makespan over bound and cost of each row](benchmark.svg)\n"] if is_first else []),
        *(_RULES if is_first else []),
        *(_describe_lost_seconds(ours, is_first=is_first) if ours else []),
        f"Measured {run['measured_at']} at {run['commit']}, Python {machine['python']}, "
        f"{machine['cpus']} processors, load {machine['load_15_min']}.\n",
    ]


_RULES = [
    "How it is measured:\n",
    "- **ours, cold**: the stack as `cdk deploy` makes it with its defaults, on the embedded "
    "account; each export is one SQS message. From the first message sent to the last export "
    "finished, its files in place. **ours, learned**: the same once more, on the deployment that "
    "has now seen each dashboard. The functions are warm before the first: a cold start on the "
    "processors of this machine says nothing of AWS, where all of them start at once, in about a "
    "second. **ours, every hint lost**: once more, with the rule disabled that brings S3's "
    "notifications, so that the ends of jobs are found by polls.",
    "- **waves of 12**, **retry loop**, **DynamoDB semaphore**: our own re-creations "
    "([bench/alternatives](../bench/alternatives)). Each asks QuickSight every 5 s for a job. "
    "Until the last job is seen ended; they do not collect files. The retry loop backs off up to "
    "30 s with full jitter. The semaphore is a Step Functions machine for each export, which "
    "calls QuickSight without a Lambda function.",
    "- Calls, the most of them in any second, throttled, limit exceeded, peak: QuickSight's "
    "ledger. Transitions, retries of tasks included, writes (items, refused ones too), "
    "invocations and their GB-seconds: counted in the embedded account "
    "([local/account/usage.py](../local/account/usage.py)). Functions at "
    "once: the time of all invocations together by the makespan. GB-seconds are "
    "those of this machine, and waiting inside a function is paid for.",
    "- Dollars: [bench/prices.json](../bench/prices.json), list prices of us-east-1. Waves and "
    "the retry loop pay for the machine that waits (Fargate, 0.25 vCPU). Without storage, logs, "
    "metrics, traces, and QuickSight's own price.\n",
]


def _describe_lost_seconds(ours: Sequence[Mapping[str, Any]], *, is_first: bool) -> list[str]:
    sums = [f"{sum(row['lost_seconds'].values()):.2f}" for row in ours]
    why = "Where our seconds go: the time that a slot was without a job, on average over the slots."
    rest = (
        " The parts have no rest; together they are the makespan less sum / slots, which is the "
        "bound unless one job is longer than that."
    )
    return [
        f"{why}{rest if is_first else ''}\n",
        _line(["part", *(row["name"] for row in ours), "is"]),
        _line(["---", *["---:"] * len(ours), "---"]),
        *(
            _line([part, *(f"{row['lost_seconds'][part]:.2f} s" for row in ours), meaning])
            for part, meaning in PARTS.items()
        ),
        _line(["together", *(f"{total} s" for total in sums), "makespan less sum / slots"]),
        "",
    ]


def _describe_growth(growth: Mapping[str, Any]) -> list[str]:
    levels: list[dict[str, Any]] = growth["levels"]
    head = list(levels[0])
    return [
        "## Growth of the backlog\n",
        growth["method"] + "\n",
        _line([name.replace("_", " ") for name in head]),
        _line(["---:"] * len(head)),
        *(_line([_show(level[name]) for name in head]) for level in levels),
        "",
        growth["verdict"] + "\n",
        *(f"{note}\n" for note in growth.get("notes", [])),
    ]


def _show(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}".rstrip("0").rstrip(".")
