"""Dependencies point inward; decisions see neither AWS, nor the clock, nor the environment."""

from __future__ import annotations

import ast
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
