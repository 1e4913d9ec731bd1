"""Dependencies point inward; decisions see neither AWS, nor the clock, nor the environment."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "lambdas" / "snapshot_export"
FORBIDDEN = {
    "domain": ("boto3", "botocore", "time", "os", "aws_lambda_powertools",
               "snapshot_export.adapters", "snapshot_export.flows", "snapshot_export.handlers",
               "snapshot_export.settings"),
    "report": ("boto3", "botocore", "time", "os", "aws_lambda_powertools",
               "snapshot_export.adapters", "snapshot_export.flows", "snapshot_export.handlers",
               "snapshot_export.settings"),
    "adapters": ("snapshot_export.flows", "snapshot_export.handlers"),
    "flows": ("boto3", "botocore", "os", "time", "snapshot_export.handlers"),
    "": ("infra", "local", "moto"),
}  # fmt: skip


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_a_layer_imports_only_what_lies_further_in(layer: str) -> None:
    files = list((PACKAGE / layer).rglob("*.py"))
    assert files
    for path in files:
        for name in imported(path):
            wrong = [f for f in FORBIDDEN[layer] if name == f or name.startswith(f + ".")]
            assert not wrong, f"{path.name} imports {name}"


@pytest.mark.parametrize("function", ["start", "describe", "collect", "reconcile"])
def test_a_function_that_parses_nothing_does_not_import_pydantic(function: str) -> None:
    """It would be a fifth of a cold start (docs/deployment.md, "Cold starts")."""
    program = f"import sys, snapshot_export.handlers.{function}; print('pydantic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "False"


ROOT = PACKAGE.parents[1]
HOMES = {
    PACKAGE: ROOT / "lambdas",
    **{ROOT / name: ROOT for name in ("infra", "snapshots", "local", "bench", "tools")},
}


def modules() -> dict[str, Path]:
    found = {}
    for folder, home in HOMES.items():
        for path in folder.rglob("*.py"):
            parts = path.relative_to(home).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported_at_start(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports of a module's body: not those in functions, and not those for types alone."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def edges(known: dict[str, Path]) -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for name, path in known.items():
        names: set[str] = set()
        for node in imported_at_start(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif node.module:
                names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        graph[name] = {each for each in names if each in known and each != name}
    return graph


def circle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    known = modules()
    assert len(known) > 300
    graph = {
        # A package that only re-exports is no way back: its modules are read by their own names.
        name: {each for each in names if known[each].name != "__init__.py"}
        for name, names in edges(known).items()
        if known[name].name != "__init__.py"
    }
    assert circle(graph) == []


def test_a_circle_would_be_found() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
