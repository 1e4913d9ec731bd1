"""`python -m tools.openapi [--check]`: docs/openapi.json, from the API's code.

With `--check` nothing is written: the exit status is 1 if the file is not what the code says.
"""

import json
import sys

from local.command import run_command
from local.deployment import PROJECT_ROOT

_FILE = PROJECT_ROOT / "docs" / "openapi.json"


def main() -> int:
    """Write or compare the document."""
    sys.path.insert(0, str(PROJECT_ROOT / "lambdas"))
    from snapshot_export.handlers.api.document import make_document

    text = json.dumps(make_document(), indent=2) + "\n"
    if "--check" not in sys.argv[1:]:
        _FILE.write_text(text, encoding="utf-8")
        return 0
    if _FILE.exists() and _FILE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{_FILE.relative_to(PROJECT_ROOT)} is not what the code says; run `make openapi`")
    return 1


if __name__ == "__main__":
    sys.exit(run_command(main, logs=""))
