"""Cases of which `make test` runs some and `make nightly` the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def nightly_but(kept: Collection[Any], values: Iterable[Any]) -> list[Any]:
    """Parameters of a test: each of `values`, nightly unless it is one of `kept`."""
    listed = [*values]
    assert not (unknown := [each for each in kept if each not in listed]), unknown
    return [
        each if each in kept else pytest.param(each, marks=pytest.mark.nightly) for each in listed
    ]
