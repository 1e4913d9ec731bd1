"""A scenario of exports whose files are one besides."""

from __future__ import annotations

from tests.chaos.scenarios import DONE, Scenario
from tests.chaos.stage import Stage
from tests.support.messages import csv_groups, message


def zipped_files(stage: Stage) -> None:
    """Files of two jobs are also one zip."""
    stage.deliver(message("zipped", dashboard="board-pack", groups=csv_groups(6), Zip=True))


ONE_FILE = (Scenario("zipped_files", zipped_files, {"zipped": DONE}, 2),)
