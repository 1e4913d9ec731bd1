"""Schedules: made, changed, removed."""
