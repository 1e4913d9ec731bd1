"""What `--help` shows, where options may stand, and what shells complete."""

from __future__ import annotations

import json
import shlex
from importlib.metadata import version

import click
import pytest

from snapshots.help import Commands
from snapshots.main import main, snapshots
from tests.unit.snapshots.conftest import Run
from tests.unit.snapshots.stub import StubApi
from tests.unit.snapshots.test_cli_ends import commands

COMMANDS = commands()
PATHS = ["", "schedule", *(name for name, _ in COMMANDS)]


def examples_of(command: click.Command) -> list[str]:
    lines = (command.epilog or "").splitlines()
    assert lines[:2] == ["\b", "Examples:"]
    return [line.strip() for line in lines[2:]]


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_every_example_in_help_is_understood(
    name: str, command: click.Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[str] = []
    monkeypatch.setattr(command, "callback", lambda *_, **__: reached.append(name))
    examples = examples_of(command)
    for example in examples:
        program, *arguments = shlex.split(example)
        assert program == "snapshots" and len(f"    {example}") <= 80
        assert main(arguments) == 0, example
    assert examples and reached == [name] * len(examples)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("width", [50, 80, 200])
def test_no_line_of_help_is_longer_than_the_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, path: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    result = run(*path.split(), "--help")
    assert result.code == 0
    text, _, examples = result.out.partition("Examples:")
    assert examples, "every command has examples"
    assert max(map(len, text.splitlines())) <= width
    assert width < 80 or max(map(len, examples.splitlines())) <= width


@pytest.mark.parametrize("group", [snapshots, snapshots.commands["schedule"]])
def test_a_group_shows_the_whole_first_sentence_of_each_command(group: Commands) -> None:
    words = group.get_help(click.Context(group)).split()
    for command in group.commands.values():
        first = command.get_short_help_str(limit=1000).split()
        assert any(words[at : at + len(first)] == first for at in range(len(words))), first


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "schedule", "list"],
        ["schedule", "--json", "list"],
        ["schedule", "list", "--json"],
    ],
)
def test_options_are_understood_before_and_after_each_word_of_the_command(
    run: Run, api: StubApi, arguments: list[str]
) -> None:
    result = run(*arguments)
    assert result.code == 0 and result.json == {"Schedules": []}


def test_an_option_of_the_command_counts_more_than_one_before_it_and_both_more_than_a_variable(
    run: Run, api: StubApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = "http://127.0.0.1:9"
    monkeypatch.setenv("SNAPSHOTS_API_URL", nowhere)
    monkeypatch.setattr("snapshots.api._ATTEMPTS", 1)
    assert run("capacity").code == 4
    assert run("--api-url", api.url, "capacity").code == 0
    assert run("capacity", "--api-url", api.url).code == 0
    assert run("--api-url", nowhere, "capacity", "--api-url", api.url).code == 0
    assert run("--api-url", api.url, "capacity", "--api-url", nowhere).code == 4


def test_local_before_the_command_is_the_embedded_account(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("SNAPSHOTS_LOCAL_STATE", f"{tmp_path}/none.json")
    before, after = run("--local", "list"), run("list", "--local")
    assert before == after and before.code == 4 and "start it: make up" in before.err


def test_an_error_is_json_wherever_the_option_stands(run: Run, api: StubApi) -> None:
    for arguments in (["--json", "status", "nobody"], ["status", "nobody", "--json"]):
        result = run(*arguments)
        assert result.code == 3 and json.loads(result.err)["Code"] == "NOT_FOUND"


def test_the_version_is_that_of_the_distribution(run: Run) -> None:
    shown = f"snapshots, version {version('quicksight-snapshot-export')}\n"
    assert run("--version").out == shown


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["snapshots", "sub"], "plain,submit"),
        (["snapshots", "schedule", "p"], "plain,put"),
        (["snapshots", "list", "--status", "comp"], "plain,completed"),
        (["snapshots", "burst", "--man"], "plain,--manifest"),
        (["snapshots", "burst", "--manifest", "cust"], "file,cust"),
        (["snapshots", "submit", "req"], "file,req"),
    ],
)
def test_a_shell_completes_commands_options_values_and_files(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    found: str,
) -> None:
    monkeypatch.setenv("_SNAPSHOTS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 0 and capsys.readouterr().out.split() == [found]
