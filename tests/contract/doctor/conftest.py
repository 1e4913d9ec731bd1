"""`snapshots doctor` in this process, on an account that a test may break."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest
from moto import mock_aws

from local.quicksight import QuickSightServer, Settings
from snapshots.main import main
from tests.contract.doctor.patient import (
    ACCOUNT,
    OWN_BUCKET,
    REGION,
    Patient,
    ScriptedAccount,
    make_account,
)
from tests.unit.snapshots.stub import StubApi, new_export, serving


@dataclass(frozen=True)
class Examined:
    """What a run came to: exit code, what was printed, and the checks by name."""

    code: int
    out: str
    err: str

    @property
    def checks(self) -> dict[str, dict[str, str]]:
        return {each["Check"]: each for each in json.loads(self.out)["Checks"]}

    def named(self, state: str) -> set[str]:
        return {name for name, each in self.checks.items() if each["State"] == state}


Examine = Callable[..., Examined]


@pytest.fixture(scope="session")
def server() -> Iterator[QuickSightServer]:
    with QuickSightServer(Settings(calls_per_second=1000)) as running:
        yield running


@pytest.fixture(scope="session")
def api_server() -> Iterator[StubApi]:
    with serving() as stub:
        yield stub


@pytest.fixture
def api(api_server: StubApi) -> StubApi:
    """The stack's API, with one export that completed."""
    api_server.exports = {"first": {**new_export("first", {"DashboardId": "sales-overview"})}}
    api_server.exports["first"]["Status"] = "COMPLETED"
    api_server.faults = []
    return api_server


@pytest.fixture(scope="session")
def account() -> ScriptedAccount:
    """Clients for all tests: making them is what takes time."""
    return make_account()


@pytest.fixture
def patient(
    account: ScriptedAccount,
    server: QuickSightServer,
    api: StubApi,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Patient]:
    parameters = {"allowedBuckets": [OWN_BUCKET]}
    (tmp_path / "cdk.json").write_text(json.dumps({"context": {"deployment": parameters}}))
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "SNAPSHOTS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL_QUICKSIGHT", server.url)
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    monkeypatch.setattr("snapshots.api._MAX_WAIT", 0.11)
    before = server.emulator.settings
    server.emulator.reset()
    with mock_aws():
        patient = Patient(account, server, api.url, version("quicksight-snapshot-export"))
        monkeypatch.setattr("snapshots.invocation.open_account", lambda **_options: patient.account)
        yield patient
    server.emulator.settings = before


@pytest.fixture
def examine(patient: Patient, capsys: pytest.CaptureFixture[str]) -> Examine:
    """Run the doctor, with JSON unless told otherwise."""

    def run(*arguments: str, as_json: bool = True) -> Examined:
        code = main(["doctor", *arguments, *(["--json"] if as_json else [])])
        captured = capsys.readouterr()
        return Examined(code, captured.out, captured.err)

    return run
