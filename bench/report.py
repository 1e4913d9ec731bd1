"""What the benchmarks leave: tables on the screen, results.json, docs/benchmark.md, its chart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.chart import draw_chart
from bench.rows import COLD, LEARNED, Row

RESULTS = Path("bench/results.json")
GROWTH = Path("bench/growth.json")
DOCUMENT = Path("docs/benchmark.md")
CHART = Path("docs/benchmark.svg")

COLUMNS = {
    "makespan / bound": ("ratio", "{:.3f}"),
    "makespan": ("makespan_s", "{:.0f} s"),
    "peak": ("peak_running", "{}"),
    "throttled": ("throttled", "{}"),
    "limit exceeded": ("limit_exceeded", "{}"),
    "calls": ("quicksight_calls_per_export", "{:.1f}"),
    "transitions": ("state_transitions_per_export", "{:.1f}"),
    "writes": ("dynamodb_writes_per_export", "{:.1f}"),
    "invocations": ("lambda_invocations_per_export", "{:.1f}"),
    "$ per 1,000": ("dollars_per_1000_exports", "{:.2f}"),
}
"""Of the table: heading, member of Row, format. From `calls` to `invocations`: per export."""

PARTS = {
    "fill": "from the first send to the first start in each slot",
    "late_end": "QuickSight's own: from the drawn time to the end (files, the emulator's tick)",
    "poll": "from a job's end to the call that saw it",
    "hand_off": "from that call to the next start in the slot",
    "tail": "slots without work while the last jobs ran",
    "closing": "from the last job seen to the last file in its place",
}


def print_rows(console: Console, rows: Sequence[Row]) -> None:
    """The table of all rows; from `calls` to `invocations`: per export."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("row", no_wrap=True)
    for heading in COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row.name, *_cells(vars(row)))
    Console(width=max(console.width, 144), highlight=False, soft_wrap=True).print(table)
    bound = rows[0].bound_s
    console.print(f"bound {bound:.1f} s: max(sum of the job times / 12, longest), in every row")


def print_lost_seconds(console: Console, rows: Sequence[Row]) -> None:
    """Where the slots' time without a job went, for our own rows.

    It is the loss against sum / slots, which is the bound unless one job is longer than that.
    """
    ours = [row for row in rows if row.name in (COLD, LEARNED)]
    for row in ours:
        parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in row.lost_seconds.items())
        total = sum(row.lost_seconds.values())
        console.print(f"{row.name}: a slot was without a job for {total:.1f} s: {parts}")


def write_results(result: Mapping[str, Any], root: Path) -> None:
    """Write results.json, the chart and the document."""
    (root / RESULTS).write_text(json.dumps(result, indent=2) + "\n")
    (root / CHART).write_text(draw_chart(result["rows"]))
    write_document(root)


def write_growth(growth: Mapping[str, Any], root: Path) -> None:
    """Write growth.json and the document."""
    (root / GROWTH).write_text(json.dumps(growth, indent=2) + "\n")
    write_document(root)


def write_document(root: Path) -> None:
    """Write docs/benchmark.md from what was measured last."""
    parts = ["# Benchmark\n", "Written by `make bench` and `make bench-growth`; do not edit.\n"]
    if (root / RESULTS).exists():
        parts += _tell_comparison(json.loads((root / RESULTS).read_text(encoding="utf-8")))
    if (root / GROWTH).exists():
        parts += _tell_growth(json.loads((root / GROWTH).read_text(encoding="utf-8")))
    (root / DOCUMENT).write_text("\n".join(parts))


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [form.format(row[member]) for member, form in COLUMNS.values()]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _tell_comparison(result: Mapping[str, Any]) -> list[str]:
    rows: list[dict[str, Any]] = result["rows"]
    head = ["row", *COLUMNS]
    ours = [row for row in rows if row["name"] in (COLD, LEARNED)]
    machine = result["machine"]
    scaled = "not scaled" if result["scale"] == 1.0 else f"times {result['scale']}: only a try"
    return [
        "## Beside the others\n",
        f"{result['exports']} exports of 10 dashboards through {result['slots']} slots; job times "
        "of 40 s on average, with a coefficient of variation of 0.8 over all and 0.15 within a "
        f"dashboard (seed {result['seed']}, {scaled}). Each row has a QuickSight emulator of its "
        "own, which gives every export the same job time in every row. From `calls` to "
        "`invocations`: per export.\n",
        _line(head),
        _line(["---", *["---:"] * len(COLUMNS)]),
        *(_line([row["name"], *_cells(row)]) for row in rows),
        "",
        f"The bound is {rows[0]['bound_s']:.1f} s: max(sum of the job times / "
        f"{result['slots']}, longest job). No scheduler can beat it.\n",
        "![Makespan over bound and cost of each row](benchmark.svg)\n",
        *_RULES,
        *(_tell_lost_seconds(ours) if ours else []),
        f"Measured {result['measured_at']} at {result['commit']}, Python {machine['python']}, "
        f"{machine['cpus']} processors, load {machine['load_15_min']}.\n",
    ]


_RULES = [
    "How it is measured:\n",
    "- **ours, cold**: the stack as `cdk deploy` makes it with its defaults, on the embedded "
    "account; each export is one SQS message. From the first message sent to the last export "
    "finished, its files in place. **ours, learned**: the same once more, on the deployment that "
    "has now seen each dashboard. The functions are warm before the first: a cold start on the "
    "processors of this machine says nothing of AWS, where all of them start at once, in about a "
    "second.",
    "- **waves of 12**, **retry loop**, **DynamoDB semaphore**: our own re-creations "
    "([bench/alternatives](../bench/alternatives)). Each asks QuickSight every 5 s for a job. "
    "Until the last job is seen ended; they do not collect files. The retry loop backs off up to "
    "30 s with full jitter. The semaphore is a Step Functions machine for each export, which "
    "calls QuickSight without a Lambda function.",
    "- Calls, throttled, limit exceeded, peak: QuickSight's ledger. Transitions, retries of "
    "tasks included, writes (items, refused ones too), invocations and their GB-seconds: counted "
    "in the embedded account ([local/account/usage.py](../local/account/usage.py)). GB-seconds are "
    "those of this machine, and waiting inside a function is paid for.",
    "- Dollars: [bench/prices.json](../bench/prices.json), list prices of us-east-1. Waves and "
    "the retry loop pay for the machine that waits (Fargate, 0.25 vCPU). Without storage, logs, "
    "metrics, traces, and QuickSight's own price.\n",
]


def _tell_lost_seconds(ours: Sequence[Mapping[str, Any]]) -> list[str]:
    sums = [f"{sum(row['lost_seconds'].values()):.2f}" for row in ours]
    return [
        "Where our seconds go: the time that a slot was without a job, on average over the slots. "
        "The parts have no rest; together they are the makespan less sum / slots, which is the "
        "bound unless one job is longer than that.\n",
        _line(["part", *(row["name"] for row in ours), "is"]),
        _line(["---", *["---:"] * len(ours), "---"]),
        *(
            _line([part, *(f"{row['lost_seconds'][part]:.2f} s" for row in ours), meaning])
            for part, meaning in PARTS.items()
        ),
        _line(["together", *(f"{total} s" for total in sums), "makespan less sum / slots"]),
        "",
    ]


def _tell_growth(growth: Mapping[str, Any]) -> list[str]:
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
