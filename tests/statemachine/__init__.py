"""The state machine, run on the embedded account."""
