"""`snapshots`, the command line: submits, follows and steers exports through the stack's API.

It talks to the deployed API and queues only, and shares pure rules of snapshot_export.domain.
"""
