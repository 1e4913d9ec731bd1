"""Leave of a manifest only the recipients whose export failed.

python examples/failed_again.py manifest.json customers.csv > again.csv

`manifest.json` is what the burst wrote at its end, `customers.csv` the list that it was made of.
"""

import csv
import json
import sys
from pathlib import Path


def main(outcome: Path, recipients: Path) -> None:
    """Write the header and the rows of failed recipients to standard output."""
    files = json.loads(outcome.read_text(encoding="utf-8"))["Files"]
    failed = {file["RecipientId"] for file in files if file["Status"] == "FAILED"}
    with recipients.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines)
        header = next(rows)
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(header)
        column = header.index("RecipientId")
        writer.writerows(row for row in rows if row and row[column] in failed)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
