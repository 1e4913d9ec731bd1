"""`make down`: stop what `make up` keeps running."""

import sys

from local.command import run_command
from local.running_account import ACCOUNT_DIR, forget


def main() -> int:
    """Idempotent."""
    print("the embedded account is stopped" if forget() else "the embedded account was not up")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, logs=str(ACCOUNT_DIR)))
