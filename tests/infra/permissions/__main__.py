"""`python -m tests.infra.permissions [--check]`: docs/permissions.md, from template and flows.

With `--check` nothing is written: the exit status is 1 if the file is not what they say.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.infra.permissions.evidence import gather
from tests.infra.permissions.table import make_table

FILE = Path(__file__).parents[3] / "docs" / "permissions.md"


def main() -> int:
    """Write or compare the document, and say what is not as it should be."""
    evidence = gather()
    wrong = [f"not allowed: {need}" for need in evidence.denied()]
    wrong += [f"not needed: {grant}" for grant, needs in evidence.needed() if not needs]
    wrong += evidence.violations
    text = make_table(evidence)
    if "--check" not in sys.argv[1:]:
        FILE.write_text(text)
    elif not FILE.exists() or FILE.read_text() != text:
        wrong.append("docs/permissions.md is not what the code says; run `make permissions`")
    for text in wrong:
        print(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
