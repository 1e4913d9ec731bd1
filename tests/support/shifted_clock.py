"""The clock of `make test-shifted`, for commands that a test starts with their own environment."""

import os

CLOCK = {
    name: os.environ[name] for name in ("LD_PRELOAD", "CLOCK_SHIFT_DAYS") if name in os.environ
}
