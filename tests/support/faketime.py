"""The clock of `faketime`, for commands that a test starts with an environment of their own."""

import os

CLOCK = {
    name: value
    for name, value in os.environ.items()
    if name == "LD_PRELOAD" or name.startswith("FAKETIME")
}
