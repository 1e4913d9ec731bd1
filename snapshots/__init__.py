"""`snapshots`, the command line: submits, follows and steers exports through the stack's API.

It talks to the deployed API and queues only, so it shares no code with lambdas/ or local/.
"""
