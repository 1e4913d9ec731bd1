"""The CLI in this process, against a stub of the API and moto's queues and stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from snapshots.main import main
from tests.support.command_result import CommandResult
from tests.unit.snapshots.stub import StubApi, serving

REGION = "us-east-1"
# By which rich takes standard output for a terminal, and a terminal of another width.
FROM_OUTSIDE = ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


Run = Callable[..., CommandResult]


@pytest.fixture
def api() -> Iterator[StubApi]:
    with serving() as stub:
        yield stub


@pytest.fixture
def outputs(api: StubApi, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The outputs of a stack whose API is the stub."""
    for name in (*FROM_OUTSIDE, "AWS_PROFILE", "AWS_ENDPOINT_URL", "SNAPSHOTS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setattr("snapshots.following._FIRST_PAUSE", 0.01)
    monkeypatch.setattr("snapshots.api._MAX_WAIT", 0.11)
    monkeypatch.setattr("snapshots.queues._WAIT_SECONDS", 0)
    outputs = {"ApiUrl": f"{api.url}/"}
    monkeypatch.setattr("snapshots.invocation.read_outputs", lambda *_: outputs)
    return outputs


@pytest.fixture
def aws(outputs: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The outputs with queues and a bucket, in moto."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        sqs: Any = boto3.client("sqs")
        for name in ("Intake", "DeadLetter", "Rejected"):
            outputs[f"{name}QueueUrl"] = sqs.create_queue(QueueName=name)["QueueUrl"]
        boto3.client("s3").create_bucket(Bucket="ours")
        outputs["ExportBucketName"] = "ours"
        yield outputs


@pytest.fixture
def run(outputs: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line and return its exit code and what it printed."""
    assert outputs["ApiUrl"]

    def call(*arguments: str) -> CommandResult:
        code = main([*arguments])
        captured = capsys.readouterr()
        return CommandResult(code, captured.out, captured.err)

    return call
