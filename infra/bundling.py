"""The functions' code asset, built by pip on the machine that synthesizes, without Docker."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_

RUNTIME = lambda_.Runtime.PYTHON_3_14
"""Of every function; the wheels of the profile `lambda` are for it."""
_PACKAGE = "snapshot_export"
_REQUIREMENTS = "requirements.txt"
_TASK_FOLDER = "/var/task"
"""Where Lambda unpacks a bundle, hence what tracebacks name."""
_LEFT_OUT = ("__pycache__", "*.pyc", "tests")
_COMPILER = Path(__file__).with_name("compile.mjs")
_PYODIDE = _COMPILER.parents[1] / "node_modules" / "pyodide" / "package.json"


@dataclass(frozen=True)
class Profile:
    """Which wheels an asset holds: pip's arguments, and a name that tells platforms apart.

    `cache_tag` is that of the Python that runs the code (PEP 3147), `python` what it is called.
    """

    platform: str
    pip_arguments: tuple[str, ...]
    python: str = sys.executable
    cache_tag: str = str(sys.implementation.cache_tag)


PROFILES = {
    "lambda": Profile(
        "manylinux2014_aarch64-cp314",
        (
            "--platform=manylinux2014_aarch64",
            "--python-version=3.14",
            "--implementation=cp",
            "--only-binary=:all:",
        ),
        python="python3.14",
        cache_tag="cpython-314",
    ),
    "host": Profile(
        f"{sys.platform}-{platform.machine()}-{sys.implementation.cache_tag}",
        (),
    ),
}


class BundlingError(Exception):
    """pip could not build the asset; the message holds its output."""


def create_code_asset(*, source: Path, profile: Profile) -> lambda_.AssetCode:
    """Declare the code of all functions: `source`'s requirements and its package, for one platform.

    The asset's hash covers the sources, the requirements and the platform, so a second synthesis
    finds the bundle in cdk.out and pip does not run again.
    """
    return lambda_.Code.from_asset(
        str(source),
        asset_hash=hash_sources(source=source, profile=profile),
        asset_hash_type=cdk.AssetHashType.CUSTOM,
        bundling=cdk.BundlingOptions(
            image=RUNTIME.bundling_image,
            local=_PipBundling(source, profile),
        ),
    )


def hash_sources(*, source: Path, profile: Profile) -> str:
    """Digest all that decides what is in the bundle."""
    described = (profile.platform, profile.pip_arguments, find_compiler(profile) is not None)
    digest = hashlib.sha256(repr(described).encode())
    for path in _list_inputs(source):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(source).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def bundle(*, source: Path, profile: Profile, output: Path) -> None:
    """Install the pinned requirements into `output` and copy the package beside them.

    Compiled code is shipped with it: Lambda's folder cannot be written to, so without it every cold
    start compiles everything anew (docs/deployment.md, "Cold starts"). It is used as it is,
    whatever the time of a file.
    Raises BundlingError when pip or the compiler fails: there is no other way to fall back to.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-input"]
    command += ["--disable-pip-version-check", "--requirement", str(source / _REQUIREMENTS)]
    command += ["--target", str(output), *profile.pip_arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BundlingError(
            f"pip could not install {_REQUIREMENTS} for {profile.platform}:\n"
            f"{done.stdout}{done.stderr}"
        )
    shutil.rmtree(output / "bin", ignore_errors=True)
    shutil.copytree(source / _PACKAGE, output / _PACKAGE, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    compiler = find_compiler(profile)
    if compiler is None:
        print(
            f"Neither {profile.python} nor node_modules/pyodide was found: the bundle has no "
            "compiled code, cold starts take longer (docs/deployment.md)",
            file=sys.stderr,
        )
        return
    # A template among a library's modules need not compile, so the exit status says nothing.
    done = subprocess.run(compiler, cwd=output, capture_output=True, text=True, check=False)
    compiled = output / _PACKAGE / "__pycache__" / f"__init__.{profile.cache_tag}.pyc"
    if not compiled.is_file():
        raise BundlingError(f"{compiler[0]} compiled nothing:\n{done.stdout}{done.stderr}")


@cache
def find_compiler(profile: Profile) -> tuple[str, ...] | None:
    """The command that compiles its working directory for the profile's Python, None without one.

    It is that Python, or Pyodide, which is CPython for Node.js: what it compiles any CPython of the
    same minor version takes, since compiled code depends on no platform (Python's documentation of
    `marshal` and `importlib.util.MAGIC_NUMBER`). Pyodide 314 is Python 3.14.
    """
    for name in (sys.executable, profile.python):
        found = shutil.which(name)
        if found is not None and _cache_tag_of(found) == profile.cache_tag:
            options = ("-q", "-q", "--invalidation-mode", "unchecked-hash")
            return (found, "-I", "-m", "compileall", *options, "-s", ".", "-p", _TASK_FOLDER, ".")
    node = shutil.which("node")
    if node is None or not _PYODIDE.is_file():
        return None
    version: str = json.loads(_PYODIDE.read_text(encoding="utf-8"))["version"]
    if f"cpython-{version.partition('.')[0]}" != profile.cache_tag:
        return None
    return (node, str(_COMPILER), _TASK_FOLDER)


def _cache_tag_of(python: str) -> str:
    program = "import sys; print(sys.implementation.cache_tag)"
    answer = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def _list_inputs(source: Path) -> Iterator[Path]:
    yield source / _REQUIREMENTS
    for path in sorted((source / _PACKAGE).rglob("*")):
        parts = path.relative_to(source).parts
        left_out = any(fnmatch(part, pattern) for part in parts for pattern in _LEFT_OUT)
        if path.is_file() and not left_out:
            yield path


@jsii.implements(cdk.ILocalBundling)
class _PipBundling:
    def __init__(self, source: Path, profile: Profile) -> None:
        self._source = source
        self._profile = profile

    def try_bundle(self, output_dir: str, *_given: object, **_options: object) -> bool:
        bundle(source=self._source, profile=self._profile, output=Path(output_dir))
        return True
