"""What the pinned CDK recommends and supports, and what our files say of it."""

from __future__ import annotations

import importlib.util
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from infra.parameters import Settings
from infra.stack import SnapshotExportStack
from tests.infra.template_reader import read_feature_flags, synthesize_stack

ROOT = Path(__file__).parents[2]
OUR_PARTITIONS = {"@aws-cdk/core:target-partitions": ["aws", "aws-cn", "aws-us-gov"]}
"""The one flag that is not as recommended: the stack deploys in GovCloud too."""


def _file_of_cdk(name: str) -> dict[str, Any]:
    """A JSON file of the pinned aws-cdk-lib."""
    (package,) = (Path(cdk.__file__).parent / "_jsii").glob("aws-cdk-lib@*.jsii.tgz")
    with tarfile.open(package) as archive:
        found = archive.extractfile(f"package/{name}")
        assert found is not None
        content: dict[str, Any] = json.load(found)
        return content


def _releases_of_jsii() -> dict[int, str]:
    """The releases of Node.js that the pinned jsii was tested with, each with its end of life."""
    spec = importlib.util.find_spec("jsii")
    assert spec is not None and spec.origin is not None
    runtime = Path(spec.origin).parent / "_embedded" / "jsii" / "bin__jsii-runtime.js"
    release = re.compile(r'NodeRelease\((\d+),\{endOfLife:new Date\("([\d-]+)"\)([^}]*)\}')
    found = release.findall(runtime.read_text(encoding="utf-8"))
    return {int(major): end for major, end, rest in found if "untested" not in rest}


def test_cdk_json_sets_every_feature_flag_that_the_pinned_cdk_recommends() -> None:
    assert read_feature_flags() == _file_of_cdk("recommended-feature-flags.json") | OUR_PARTITIONS


def test_the_flags_change_nothing_of_a_template_but_how_policies_are_written() -> None:
    """So a stack that stands is not changed by them; a flag that changes it is to be looked at."""
    context = {"aws:cdk:bundling-stacks": [], "@aws-cdk/aws-iam:minimizePolicies": True}
    stack = SnapshotExportStack(cdk.App(context=context), "SnapshotExport", settings=Settings())

    assert synthesize_stack(Settings()).body == Template.from_stack(stack).to_json()


@pytest.mark.parametrize("path", ["README.md", "docs/real-account.md"])
def test_the_pages_name_the_releases_of_node_that_the_pinned_cdk_supports(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    said = re.search(r"Node\.js (\d+) or (\d+) \((\d+) works", text)
    assert said is not None
    supported, working = {int(said[1]), int(said[2])}, int(said[3])

    releases = _releases_of_jsii()
    assert {major for major, end in releases.items() if end > releases[working]} == supported
    assert working == _lowest_of_cdk()


def test_an_installation_stops_at_a_node_that_the_pinned_cdk_does_not_run_on() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    lowest = _lowest_of_cdk()
    assert f'split(".")[0] < {lowest})' in makefile
    assert set(re.findall(r"needs Node\.js (\d+) or newer", makefile)) == {str(lowest)}


def _lowest_of_cdk() -> int:
    return int(_file_of_cdk("package.json")["engines"]["node"].removeprefix(">= ").split(".")[0])
