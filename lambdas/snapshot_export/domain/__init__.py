"""Decisions, pure: no AWS call, no clock, no environment."""
