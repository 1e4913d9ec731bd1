"""`python -m local.quicksight`: one emulator until SIGTERM or Ctrl-C."""

import argparse
import json
import signal
import threading
from pathlib import Path
from typing import get_args

from local.quicksight.durations import Durations
from local.quicksight.selection import UnfulfilledTags
from local.quicksight.server import QuickSightServer
from local.quicksight.settings import OtherPlace, Settings


def read_settings(arguments: list[str] | None = None) -> Settings:
    """The settings that a command line gives."""
    parser = argparse.ArgumentParser(prog="local.quicksight", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state-dir", type=Path, required=True, help="for quicksight.json")
    parser.add_argument("--aws-endpoint", help="where the destination buckets are")
    parser.add_argument("--account", default=Settings.account)
    parser.add_argument("--region", default=Settings.region)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--time-scale", type=float, default=Settings.time_scale)
    parser.add_argument("--durations", choices=get_args(Durations), default=Settings.durations)
    parser.add_argument("--dashboards", type=int, help="only the first so many of the catalogue")
    parser.add_argument("--limit", type=int, default=Settings.limit)
    parser.add_argument(
        "--unfulfilled-tags",
        choices=get_args(UnfulfilledTags),
        default=Settings.unfulfilled_tags,
        help="what tags show that fulfil no rule of a data set",
    )
    parser.add_argument(
        "--other",
        dest="others",
        action="append",
        default=[],
        type=_read_other,
        metavar="JSON",
        help="another account and region (settings.OtherPlace); may be repeated",
    )
    parser.add_argument("--athena-role", help="a role of the account that STS knows too")
    parser.add_argument("--calls-per-second", type=int, default=Settings.calls_per_second)
    parser.add_argument(
        "--no-bucket-policy",
        dest="require_bucket_policy",
        action="store_false",
        help="write to buckets whose policy does not allow QuickSight",
    )
    chosen = vars(parser.parse_args(arguments))
    return Settings(**chosen | {"others": tuple(chosen["others"])})


def _read_other(text: str) -> OtherPlace:
    return OtherPlace(**json.loads(text))


def main() -> None:
    """Serve, with the addresses in `quicksight.json` while it lasts."""
    settings = read_settings()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with QuickSightServer(settings) as server:
        state = server.write_state(settings.state_dir or Path())
        print(f"QuickSight emulator at {server.url}", flush=True)
        stop.wait()
        state.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
