"""Fixtures of the end-to-end tests: the stack, deployed by the real CDK."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from local.account.authorization import denials_in
from local.account.environment import ACCOUNT
from local.deployed import Deployed
from local.mails import EMAIL, prepare_mails
from local.testing import TEST_QUICKSIGHT, deployed_stack
from tests.support.targets import PARAMETERS, PLACES

TAKEN_AWAY = re.compile(r".*-ApiFunctionRole.*: (dynamodb:GetItem|kms:Decrypt)")
"""By tests/e2e/test_iam.py."""
OWN_BUCKET = "acme-statements"
"""Of docs/how-to/own-bucket.md."""
ATHENA_ROLE = f"arn:aws:iam::{ACCOUNT}:role/recipients"
WORK_GROUP = "recipients"
"""Of docs/how-to/recipients-from-a-query.md."""
PASSWORD_SECRETS = "snapshot-passwords/"
"""Of docs/how-to/passwords.md."""
ENFORCES_IAM = os.environ.get("E2E_IAM") == "1"
# These start accounts of their own; `snapshots --local` knows an account without TLS only.
_ALONE = [
    "test_burst_of_many.py",
    "test_cli.py",
    "test_cold_starts.py",
    "test_concurrency.py",
    "test_deployments.py",
    "test_live_page.py",
    "test_pages.py",
    "test_run.py",
]
collect_ignore = _ALONE if ENFORCES_IAM else []


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The one deployment of the session, with two targets besides the default; tests take
    `deployed`. E2E_IAM=1 enforces IAM.

    No role of the stack may have been denied anything, but what a test took from it.
    """
    folder = tmp_path_factory.mktemp("stack")
    with (
        deployed_stack(
            folder,
            quicksight=replace(TEST_QUICKSIGHT, others=PLACES, athena_role=ATHENA_ROLE),
            parameters={
                **PARAMETERS,
                "allowedBuckets": [OWN_BUCKET],
                "athenaRole": ATHENA_ROLE,
                "athenaWorkGroups": [WORK_GROUP],
                "email": EMAIL,
                "passwordSecrets": PASSWORD_SECRETS,
            },
            enforce_iam=ENFORCES_IAM,
        ) as stack,
        pytest.MonkeyPatch.context() as patch,
    ):
        if stack.aws_ca_file:
            for name in ("SSL_CERT_FILE", "AWS_CA_BUNDLE"):  # for urllib, for the command line
                patch.setenv(name, stack.aws_ca_file)
        prepare_mails(stack)
        yield stack
    denied = [each for each in denials_in(folder / "aws.log") if ":assumed-role/" in each]
    assert [each for each in denied if TAKEN_AWAY.fullmatch(each) is None] == []


@pytest.fixture
def deployed(shared_stack: Deployed) -> Iterator[Deployed]:
    """The stack with nothing switched in QuickSight, before and after the test."""
    _calm(shared_stack)
    yield shared_stack
    _calm(shared_stack)


def _calm(stack: Deployed) -> None:
    """Also forgets what the gate learned of others' slots: it would try one more each minute."""
    stack.clear_switches()
    stack.occupy(0)
    if gate := stack.gate():
        stack.client("dynamodb").update_item(
            TableName=stack.outputs["TableName"],
            Key={name: {"S": gate[name]} for name in ("pk", "sk")},
            UpdateExpression="REMOVE ceiling, ceiling_until",
        )


def make_bucket(stack: Deployed, name: str) -> None:
    """A bucket in the stack's region."""
    place = {"LocationConstraint": stack.region}
    stack.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)


@pytest.fixture(scope="session")
def work_group(shared_stack: Deployed) -> str:
    """The work group of Athena that the deployment allows, with its output."""
    make_bucket(shared_stack, "query-results")
    output = {"OutputLocation": "s3://query-results/recipients/"}
    shared_stack.client("athena").create_work_group(
        Name=WORK_GROUP, Configuration={"ResultConfiguration": output}
    )
    return WORK_GROUP
