"""How a command line finds its stack, and how it ends when it cannot go on."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
from botocore.stub import Stubber

from snapshots.connection import Account, api_url_of, open_account, read_outputs
from snapshots.errors import CliError, ExitCode
from snapshots.main import snapshots
from tests.unit.snapshots.conftest import Run
from tests.unit.snapshots.stub import StubApi

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def commands(group: click.Group = snapshots, path: str = "") -> list[tuple[str, click.Command]]:
    found = []
    for name, command in group.commands.items():
        full = f"{path} {name}".strip()
        found += commands(command, full) if isinstance(command, click.Group) else [(full, command)]
    return found


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_command_option_and_variable_is_documented(name: str, command: click.Command) -> None:
    assert f"snapshots {name}" in DOCUMENT
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            for text in (*parameter.opts, *parameter.secondary_opts, parameter.envvar):
                assert text is None or f"`{text}" in DOCUMENT, f"{name}: {text} is not documented"


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_documented(code: ExitCode) -> None:
    assert f"| {code.value} |" in DOCUMENT


def test_only_what_is_pure_of_the_functions_is_used_and_nothing_of_the_embedded_account() -> None:
    files = [*(ROOT / "snapshots").rglob("*.py")]
    assert len(files) > 10
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name.partition(".")[0] != "local", path
                assert not name.startswith("snapshot_export") or ".domain" in name, path


def test_requests_are_signed_or_carry_the_token(
    run: Run, api: StubApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("capacity").code == 0
    assert "/us-east-1/execute-api/aws4_request" in api.headers[-1]["Authorization"]
    monkeypatch.setenv("SNAPSHOTS_TOKEN", "t0ken")
    for name in ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    assert run("capacity", "--api-url", api.url).code == 0
    assert api.headers[-1]["Authorization"] == "Bearer t0ken"


def test_what_the_api_does_not_permit_is_exit_code_4(run: Run, api: StubApi) -> None:
    api.faults = [403]
    result = run("capacity", "--json")
    assert result.code == 4
    assert json.loads(result.err) == {
        "Code": "FAULT", "Message": "FAULT (GET /capacity: 403)", "Problems": []
    }  # fmt: skip


def test_an_api_that_is_not_there_is_exit_code_4(run: Run) -> None:
    result = run("capacity", "--api-url", "http://127.0.0.1:9")
    assert result.code == 4 and result.err.startswith("error: cannot reach http://127.0.0.1:9")


def test_errors_do_not_reach_the_user_as_tracebacks(run: Run) -> None:
    for arguments in (["list", "--since", "soon"], ["submit", "/none"], ["list", "--limit", "0"]):
        result = run(*arguments)
        assert result.code == 2 and result.err.startswith("error: ")
        assert result.err.count("\n") == 1


def test_the_embedded_account_is_found_by_its_state_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / ".local" / "account" / "state.json"
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"endpoint_url": "http://127.0.0.1:4599"}))
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.delenv("SNAPSHOTS_LOCAL_STATE", raising=False)
    monkeypatch.chdir(below)
    account = open_account(region=None, profile="none", local=True)
    assert account.endpoint_url == "http://127.0.0.1:4599"
    outputs = {"ApiUrl": "https://abc123.execute-api.us-east-1.amazonaws.com/"}
    assert api_url_of(outputs, account) == (
        "http://127.0.0.1:4599/_aws/execute-api/abc123/$default"
    )
    monkeypatch.setenv("SNAPSHOTS_LOCAL_STATE", str(tmp_path / "none.json"))
    with pytest.raises(CliError) as error:
        open_account(region=None, profile=None, local=True)
    assert error.value.exit_code is ExitCode.UNREACHABLE


def test_a_stack_that_is_not_there_is_exit_code_3(monkeypatch: pytest.MonkeyPatch) -> None:
    session = boto3.Session("key", "secret", region_name="us-east-1")
    client: Any = session.client("cloudformation")
    with Stubber(client) as stubber:
        stubber.add_client_error("describe_stacks", "ValidationError", "does not exist", 400)
        stubber.add_client_error("describe_stacks", "AccessDenied", "no", 403)
        monkeypatch.setattr(session, "client", lambda *_, **__: client)
        account = Account(session=session, region="us-east-1")
        for exit_code in (ExitCode.NOT_FOUND, ExitCode.UNREACHABLE):
            with pytest.raises(CliError) as error:
                read_outputs(account, "Nowhere")
            assert error.value.exit_code is exit_code
