"""While Lambda initializes a function its services are made, elsewhere an import makes none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.test_settings import ENVIRONMENT

LAMBDAS = Path(__file__).parents[2] / "lambdas"
HANDLERS = (
    "intake", "start", "describe", "hint", "collect", "burst", "api", "reconcile",
    "warn_of_deadlines", "move_starts",
)  # fmt: skip
_PROGRAM = """
import sys
__import__(f"snapshot_export.handlers.{sys.argv[1]}")
from snapshot_export.adapters.services import services_from_env
print(services_from_env.cache_info().currsize)
"""
_IN_LAMBDA = {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}


def made_by_importing(handler: str, environment: dict[str, str]) -> int:
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": str(LAMBDAS), "AWS_REGION": "eu-west-1"}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, handler],
        env=plain | {"AWS_DEFAULT_REGION": "eu-west-1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("handler", HANDLERS)
def test_in_lambda_the_services_of_a_function_are_there_before_its_first_invocation(
    handler: str,
) -> None:
    assert made_by_importing(handler, ENVIRONMENT | _IN_LAMBDA) == 1


def test_elsewhere_an_import_makes_nothing() -> None:
    assert made_by_importing("start", ENVIRONMENT) == 0


def test_settings_that_cannot_be_read_are_left_to_the_invocation() -> None:
    assert made_by_importing("start", _IN_LAMBDA) == 0
