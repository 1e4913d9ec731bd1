"""`make up`: start the embedded account with the stack, and leave it running."""

import sys

from local.account.processes import ProcessError
from local.cloud import LocalCloud
from local.command import run_command
from local.deployed import Deployed
from local.deployment import DeploymentError
from local.running_account import ACCOUNT_DIR, KeptCloud, find_kept, forget, keep
from local.settings import DEPLOYMENT, QUICKSIGHT


def main() -> int:
    """Idempotent: an account that is up stays, and receives the stack as it is now."""
    kept = find_kept()
    deployed = _update(kept) if kept else _start()
    print(f"embedded account: {deployed.endpoint_url}\nquicksight:       {deployed.quicksight_url}")
    for name, value in sorted(deployed.outputs.items()):
        print(f"{name}: {value}")
    print("stop it with: make down")
    return 0


def _update(kept: KeptCloud) -> Deployed:
    print("the embedded account is already up; deploying the stack")
    return kept.deploy(DEPLOYMENT)


def _start() -> Deployed:
    print("starting the embedded account, deploying the stack")
    cloud = LocalCloud(ACCOUNT_DIR, quicksight=QUICKSIGHT, outlive=True)
    try:
        cloud.start()
        keep(cloud)
        return cloud.deploy(DEPLOYMENT)
    except (ProcessError, DeploymentError, KeyboardInterrupt):
        cloud.stop()
        forget()
        raise


if __name__ == "__main__":
    sys.exit(run_command(main, logs=str(ACCOUNT_DIR)))
