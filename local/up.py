"""`make up`: start the embedded account with the stack, and leave it running."""

import sys
from pathlib import Path

from local.account.environment import ACCESS_KEY, SECRET_KEY
from local.account.processes import ProcessError
from local.cloud import LocalCloud
from local.command import run_command
from local.deployed import Deployed
from local.deployment import DeploymentError
from local.examples import load_examples
from local.mails import prepare_mails
from local.running_account import ACCOUNT_DIR, KeptCloud, find_kept, forget, keep
from local.settings import DEPLOYMENT, QUICKSIGHT

FIRST_EXAMPLES = ("pdf-of-one-sheet", "pdf-excel-and-csv")


def main() -> int:
    """Idempotent: an account that is up stays, and receives the stack as it is now."""
    kept = find_kept()
    deployed = _update(kept) if kept else _start()
    prepare_mails(deployed)
    print(f"embedded account: {deployed.endpoint_url}\nquicksight:       {deployed.quicksight_url}")
    print(f"mailbox:          {deployed.mail_page}")
    for name, value in sorted(deployed.outputs.items()):
        print(f"{name}: {value}")
    print("stop it with: make down")
    print("\nsend a message (by the AWS CLI, 1 or 2), submit another, bring the first's files:")
    print("\n".join(first_steps(deployed)))
    return 0


def first_steps(deployed: Deployed) -> tuple[str, str, str]:
    """Three lines for a shell in this folder; the AWS CLI of both versions takes the first."""
    sent, submitted = (Path("examples") / f"{name}.json" for name in FIRST_EXAMPLES)
    export_id = load_examples()[sent.stem]["ExportId"]
    keys = f"AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY}"
    account = f"--region {deployed.region} --endpoint-url {deployed.endpoint_url}"
    queue = deployed.outputs["IntakeQueueUrl"]
    return (
        f"{keys} aws {account} sqs send-message --queue-url {queue} --message-body file://{sent}",
        f".venv/bin/snapshots --local submit {submitted} --wait --download files",
        f".venv/bin/snapshots --local status {export_id} --wait --download files",
    )


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
