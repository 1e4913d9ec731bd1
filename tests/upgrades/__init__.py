"""Accounts as older versions left them, in the middle of their work; see README.md."""
