"""What the documents show works, and what can be set is documented."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from snapshot_export.domain.request import Target, parse_request

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TARGET = Target(
    account_id="000000000000",
    region="us-east-1",
    export_bucket="ours",
    allowed_buckets=frozenset(),
)


@pytest.mark.parametrize("block", re.findall(r"```json\n(.*?)```", README, re.S))
def test_messages_shown_in_the_readme_are_accepted(block: str) -> None:
    assert parse_request(block, TARGET).export_id


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.json")), ids=lambda p: p.stem)
def test_examples_are_accepted(path: Path) -> None:
    assert parse_request(path.read_text(), TARGET).export_id


def test_every_deployment_parameter_is_documented() -> None:
    parameters = json.loads((ROOT / "cdk.json").read_text())["context"]["deployment"]
    missing = [name for name in parameters if f"`{name}`" not in README]
    assert not missing


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"make ([a-z-]+)", README))
    assert named and named <= targets
