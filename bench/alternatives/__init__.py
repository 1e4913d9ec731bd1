"""What people do without this project, re-created small and fair, each on its own.

Each asks QuickSight every `POLL_SECONDS` after a job's start: often enough that little time is
lost, seldom enough that 12 jobs cost 2.4 of the 10 calls a second. boto3 is as it comes.
"""

POLL_SECONDS = 5.0
SLOTS = 12
ENDED = ("COMPLETED", "FAILED")
