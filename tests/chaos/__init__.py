"""Chaos: proofs by trying every place. `python -m tests.chaos` runs the parts (docs/chaos.md)."""
