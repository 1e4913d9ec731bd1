"""The surroundings of the embedded account: environments, processes, deployment errors."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from local import deployment
from local.account import EmbeddedAws, ProcessError
from local.account.clients import make_client
from local.account.environment import client_environment, server_environment
from local.account.processes import ProcessIdentity, start_process

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_client_sees_nothing_of_the_users_own_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_CA_BUNDLE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "the user's")
    environment = client_environment("http://127.0.0.1:4")
    assert "the user's" not in environment.values()
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4"
    assert environment["AWS_ACCESS_KEY_ID"] == "test"


def test_the_server_inherits_no_endpoint_and_no_docker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere")
    monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
    environment = server_environment(
        port=4, tmp=tmp_path, home=tmp_path, wait_scale=1.0, extra={"MORE": "1"}
    )
    assert "AWS_ENDPOINT_URL" not in environment
    assert environment["DOCKER_HOST"] == f"unix://{tmp_path}/no-docker.sock"
    assert environment["BIND_HOST"] == "127.0.0.1" and environment["MORE"] == "1"


def test_clients_ignore_a_profile_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere")
    client = make_client("sqs", "http://127.0.0.1:4")
    assert client.meta.endpoint_url == "http://127.0.0.1:4"


def test_only_the_process_that_was_started_is_stopped(tmp_path: Path) -> None:
    identity = start_process(SLEEP, env=os.environ, log=tmp_path / "log", cwd=tmp_path)
    another = replace(identity, started="at another time")
    another.stop()
    assert identity.is_alive() and not another.is_alive()
    identity.stop()
    assert not identity.is_alive()


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ProcessError, match=f"port {port} is in use"):
            EmbeddedAws(tmp_path, port=port).start()


def test_a_missing_node_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(deployment.DeploymentError, match="make install"):
        deployment.deploy(
            "http://127.0.0.1:4", quicksight_url="", ca_file=tmp_path, log=tmp_path / "cdk.log"
        )


@pytest.mark.parametrize(
    "leash",
    [
        "leashed('http.server', '--bind=127.0.0.1', '0', outlive=False)",
        "leashed_program('sleep', '60')",
    ],
)
def test_a_process_on_a_leash_ends_with_its_parent(leash: str) -> None:
    program = (
        "import os, subprocess; from local.parent_watch import leashed, leashed_program; "
        f"child = subprocess.Popen({leash}, start_new_session=True,"
        " stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
        "print(child.pid, flush=True); os._exit(0)"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    identity = ProcessIdentity.of(int(done.stdout))
    if identity is not None:
        _wait_until_gone(identity)


def _wait_until_gone(identity: ProcessIdentity) -> None:
    deadline = time.monotonic() + 10
    while identity.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_account_has_the_clock_of_who_starts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"LD_PRELOAD": "shifted_clock.so", "CLOCK_SHIFT_DAYS": "400"}
    for name, value in {**clock, "AWS_PROFILE": "mine"}.items():
        monkeypatch.setenv(name, value)
    found = server_environment(port=1, tmp=tmp_path, home=tmp_path, wait_scale=1, extra={})
    assert clock.items() <= found.items() and "AWS_PROFILE" not in found
