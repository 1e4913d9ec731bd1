"""`python -m tools.reference [--check]`: write the reference pages, or compare them with the code.

With `--check` nothing is written: the exit status is 1 if a page is not what the code says.
"""

import sys

from local.command import run_command
from local.deployment import PROJECT_ROOT
from tools.reference import make_pages


def main() -> int:
    """Write or compare every page."""
    sys.path.insert(0, str(PROJECT_ROOT / "lambdas"))
    stale = []
    for name, text in make_pages().items():
        file = PROJECT_ROOT / "docs" / name
        if "--check" not in sys.argv[1:]:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(f"docs/{name}")
    if stale:
        print(f"{', '.join(stale)}: not what the code says; run `make docs`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(run_command(main, logs=""))
