"""The Lambda function that plays each step in the tests: it answers as a script says.

It runs on this machine, in the embedded account's worker, and finds its script as a file:
`$SCRIPTS/<ExportId>/script.json` maps a step to its turns, `{"Answer": …}` or `{"Raise": name}`;
the last turn is repeated. What it was called with is written beside the script.
"""

import json
import os
from pathlib import Path
from typing import Any

SECRET = "region=north"


def handler(event: dict[str, Any], _context: object) -> Any:
    """Take the next turn of this step, and keep what was asked."""
    step = os.environ["STEP"]
    folder = Path(os.environ["SCRIPTS"]) / event["ExportId"]
    turns = json.loads((folder / "script.json").read_text(encoding="utf-8"))[step]
    turn = len(list(folder.glob(f"{step}-*.json")))
    (folder / f"{step}-{turn:03}.json").write_text(json.dumps(event))
    chosen = turns[min(turn, len(turns) - 1)]
    if "Raise" in chosen:
        raise type(chosen["Raise"], (Exception,), {})(f"no rows for {SECRET}")
    return chosen["Answer"]
