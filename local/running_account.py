"""The account that `make up` keeps running: who runs it and where, in .local/account/state.json."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from local.account.environment import REGION
from local.account.processes import ProcessIdentity
from local.cloud import LocalCloud
from local.deployed import Deployed
from local.deployment import WORK_DIR, deploy

ACCOUNT_DIR = WORK_DIR / "account"
_STATE = ACCOUNT_DIR / "state.json"


class KeptCloud:
    """A LocalCloud that another process started and that is still alive."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self.processes = [ProcessIdentity(**process) for process in state["processes"]]
        self.endpoint_url: str = state["endpoint_url"]
        self.quicksight_url: str = state["quicksight_url"]
        self.ca_file: str = state["ca_file"]
        self.state_dir = ACCOUNT_DIR

    def deploy(self, parameters: Mapping[str, Any] | None = None) -> Deployed:
        """Deploy the stack as it is now; a stack that is there is updated."""
        outputs = deploy(
            self.endpoint_url,
            quicksight_url=self.quicksight_url,
            ca_file=Path(self.ca_file),
            log=self.state_dir / "cdk.log",
            parameters=parameters,
        )
        return Deployed(
            endpoint_url=self.endpoint_url,
            quicksight_url=self.quicksight_url,
            ca_file=self.ca_file,
            outputs=outputs,
        )


def keep(cloud: LocalCloud) -> None:
    """Remember a cloud that was started to outlive this process."""
    processes = [cloud.aws.process, cloud.quicksight.process]
    state = {
        "processes": [asdict(process) for process in processes if process],
        "endpoint_url": cloud.aws.endpoint_url,
        "quicksight_url": cloud.quicksight.url,
        "region": REGION,
        "ca_file": str(cloud.quicksight.ca_file),
    }
    draft = _STATE.with_suffix(".tmp")
    draft.write_text(json.dumps(state, indent=2) + "\n")
    draft.replace(_STATE)


def find_kept() -> KeptCloud | None:
    """The kept cloud if all of it is alive; what is left of a dead one is cleared away."""
    kept = _read()
    if kept is None:
        return None
    if all(process.is_alive() for process in kept.processes):
        return kept
    forget()
    return None


def forget() -> bool:
    """Stop the kept cloud's processes, if they are still the ones that were started."""
    kept = _read()
    for process in kept.processes if kept else []:
        process.stop()
    _STATE.unlink(missing_ok=True)
    for folder in ("tmp", "home"):
        shutil.rmtree(ACCOUNT_DIR / folder, ignore_errors=True)
    return kept is not None


def _read() -> KeptCloud | None:
    try:
        return KeptCloud(json.loads(_STATE.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
