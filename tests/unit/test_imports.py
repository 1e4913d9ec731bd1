"""Dependencies point inward; decisions see neither AWS, nor the clock, nor the environment."""

from __future__ import annotations

import ast
import subprocess
import sys
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
