"""Deploys the stack onto the embedded account, by the real `cdk bootstrap` and `cdk deploy`.

What a local run needs (addresses, wheels of this machine) goes in through CDK context only.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.account.environment import ACCOUNT, REGION, client_environment
from local.account.processes import last_lines
from local.parent_watch import leashed_program

PROJECT_ROOT = Path(__file__).resolve().parents[1]
WORK_DIR = PROJECT_ROOT / ".local"
STACK = "SnapshotExport"
_CDK = PROJECT_ROOT / "node_modules" / ".bin" / "cdk"
_DEPLOY_SECONDS = 300
QUIET_JSII = {
    "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",  # the releases, with commas
    "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
    "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
}
"""Silences jsii about a Node.js that our own tests run on; at `cdk deploy` it is heard."""
_QUIETLY = ("--no-notices", "--no-version-reporting", "--no-color")


class DeploymentError(RuntimeError):
    """`cdk` is missing or failed; the message holds the end of its output and its log's place."""


def deploy(
    endpoint_url: str,
    *,
    quicksight_url: str,
    ca_file: Path,
    log: Path,
    parameters: Mapping[str, Any] | None = None,
    function_environment: Mapping[str, str] | None = None,
    aws_ca_file: Path | None = None,
    project: Path = PROJECT_ROOT,
    environment: str | None = None,
    region: str = REGION,
) -> dict[str, str]:
    """Bootstrap the account at `endpoint_url`, deploy the stack, and return its outputs by name.

    `parameters` overrides deployment parameters of cdk.json by name, `function_environment`
    variables of the functions, such as where they find AWS. `project` is the folder of the version
    to deploy, `environment` one of cdk.json's environments. Only one deployment runs at a time,
    since they share the assembly and its bundled code; a second one, of another process, waits.
    """
    if shutil.which("node") is None or not _CDK.exists():
        raise DeploymentError("Node.js or the AWS CDK is missing; run `make install`")
    variables = {
        "AWS_ENDPOINT_URL_QUICKSIGHT": quicksight_url,
        "AWS_ENDPOINT_URL_STS": quicksight_url,
        "SSL_CERT_FILE": str(ca_file),
    } | dict(function_environment or {})
    context = {
        "bundling": "host",
        "function-environment": json.dumps(variables),
        "deployment": json.dumps(dict(parameters or {})),
    }
    assembly = WORK_DIR / "cdk.out"
    outputs = log.with_name("outputs.json")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    if environment is not None:
        context["environment"] = environment
    process_environment = _cdk_environment(endpoint_url, aws_ca_file) | {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }
    synth = ["synth", STACK, "--quiet", "--output", str(assembly)]
    for name, value in context.items():
        synth += ["--context", f"{name}={value}"]
    bootstrap = ["bootstrap", f"aws://{ACCOUNT}/{region}"]
    put = ["deploy", STACK, "--app", str(assembly), "--require-approval", "never"]
    put += ["--outputs-file", str(outputs), "--progress", "events"]
    with _deploying_alone():
        _run_cdk(bootstrap, synth, log=log, environment=process_environment, project=project)
        _run_cdk(put, log=log, environment=process_environment, project=project)
    (found,) = json.loads(outputs.read_text(encoding="utf-8")).values()
    return dict(found)


def _run_cdk(
    *commands: list[str], log: Path, environment: Mapping[str, str], project: Path
) -> None:
    """Run commands at the same time; if one fails, or we are stopped, none goes on."""
    running: list[tuple[str, subprocess.Popen[bytes]]] = []
    try:
        for arguments in commands:
            process = _start_cdk(arguments, log, environment, project)
            running.append((arguments[0], process))
        for name, process in running:
            if process.wait(timeout=_DEPLOY_SECONDS) != 0:
                tail = last_lines(log, 25)
                raise DeploymentError(f"`cdk {name}` failed; see {log}\n{tail}")
    except subprocess.TimeoutExpired as error:
        raise DeploymentError(f"cdk did not end in {_DEPLOY_SECONDS} s; see {log}") from error
    finally:
        for _, process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _start_cdk(
    arguments: list[str], log: Path, environment: Mapping[str, str], project: Path
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        output.write(f"\n$ cdk {' '.join(arguments)}\n".encode())
        output.flush()
        return subprocess.Popen(
            leashed_program(str(_CDK), *arguments, *_QUIETLY),
            cwd=project,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _cdk_environment(endpoint_url: str, aws_ca_file: Path | None) -> dict[str, str]:
    wheels = WORK_DIR / "wheels"
    offline = (
        {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
        if (wheels / ".installed").exists()
        else {}
    )
    environment = client_environment(endpoint_url, aws_ca_file)
    return (
        environment
        | offline
        | {
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DISABLE_VERSION_CHECK": "true",
            # The CDK remembers there which account a key is of.
            "CDK_HOME": str(WORK_DIR / f"cdk-{ACCOUNT}"),
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(WORK_DIR / "jsii"),
            **QUIET_JSII,
            "PATH": os.pathsep.join(
                [str(Path(sys.executable).parent), environment.get("PATH", "")]
            ),
        }
    )


@contextmanager
def _deploying_alone() -> Iterator[None]:
    WORK_DIR.mkdir(exist_ok=True)
    with (WORK_DIR / "deploy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
