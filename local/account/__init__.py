"""The embedded AWS account: ministack, pinned and patched, as a process that is always ended.

What is wrong upstream, and why each patch exists, stands in `workers`, `tables`, `state_machines`.
"""

from local.account.embedded_aws import EmbeddedAws as EmbeddedAws
from local.account.processes import ProcessError as ProcessError
from local.account.workers import WorkerBound as WorkerBound
