"""Scenarios of exports whose files are one besides, or have a password."""

from __future__ import annotations

from tests.chaos.scenarios import CSV, DONE, Scenario
from tests.chaos.stage import Stage
from tests.support.messages import csv_groups, message, pdf_group
from tests.support.world import PASSWORD_SECRETS


def zipped_files(stage: Stage) -> None:
    """Files of two jobs are also one zip."""
    stage.deliver(message("zipped", dashboard="board-pack", groups=csv_groups(6), Zip=True))


def protected_files(stage: Stage) -> None:
    """Files of two jobs have a password: a step that is repeated leaves those that are there."""
    name = f"{PASSWORD_SECRETS}protected"
    secrets = stage.session.client("secretsmanager")
    secrets.create_secret(Name=name, SecretString="correct horse battery staple")
    groups = [CSV, pdf_group(), pdf_group("details")]
    stage.deliver(message("protected", groups=groups, Protect={"PasswordSecret": name}))


ONE_FILE = (
    Scenario("zipped_files", zipped_files, {"zipped": DONE}, 2),
    Scenario("protected_files", protected_files, {"protected": DONE}, 2),
)
