"""The code asset: what it holds on each platform, and when it is built anew."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_

from infra import bundling
from infra.bundling import PROFILES, BundlingError, Profile, bundle, create_code_asset, hash_sources

LAMBDAS = Path(__file__).resolve().parents[2] / "lambdas"
AARCH64 = 183
ELF_MACHINE = slice(18, 20)
MAGIC_NUMBER_OF_3_14 = 3627
"""Include/internal/pycore_magic_number.h of CPython."""
UNCHECKED_HASH = (1).to_bytes(4, "little")
"""PEP 552: compiled code that is used without a look at its source."""
PYODIDE_IMPORTS = """
import { loadPyodide } from 'pyodide';
const python = await loadPyodide();
python.FS.mkdir('/bundle');
python.mountNodeFS('/bundle', process.argv[1]);
python.runPython("import sys; sys.path.insert(0, '/bundle')");
console.log(python.runPython('from snapshot_export.settings import LIMIT; LIMIT'));
"""
IMPORTS = "import boto3, botocore, pydantic, aws_lambda_powertools, snapshot_export.settings as s"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Lay out a package of two files whose requirements ask for nothing."""
    package = tmp_path / "source" / "snapshot_export"
    for folder in (package, package / "__pycache__", package / "tests"):
        folder.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "settings.py").write_text("LIMIT = 12\n")
    (package / "__pycache__" / "settings.cpython-313.pyc").write_bytes(b"\0")
    (package / "tests" / "test_settings.py").write_text("")
    (package.parent / "requirements.txt").write_text("")
    return package.parent


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Record the outputs of every run of the bundling."""
    outputs: list[Path] = []
    real = bundling.bundle

    def record(*, source: Path, profile: Profile, output: Path) -> None:
        outputs.append(output)
        real(source=source, profile=profile, output=output)

    monkeypatch.setattr(bundling, "bundle", record)
    return outputs


def synthesize(source: Path, output: Path, profile: Profile) -> None:
    app = cdk.App(outdir=str(output))
    stack = cdk.Stack(app, "Bundled")
    code = create_code_asset(source=source, profile=profile)
    for name in ("One", "Two"):
        lambda_.Function(
            stack,
            name,
            code=code,
            handler="snapshot_export.handler",
            runtime=bundling.RUNTIME,
        )
    app.synth()


def test_the_bundle_holds_the_package_without_caches_and_tests(
    source: Path, tmp_path: Path
) -> None:
    bundle(source=source, profile=PROFILES["host"], output=tmp_path / "out")

    files = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    tag = sys.implementation.cache_tag
    assert files == {
        "snapshot_export/__init__.py",
        "snapshot_export/settings.py",
        f"snapshot_export/__pycache__/__init__.{tag}.pyc",
        f"snapshot_export/__pycache__/settings.{tag}.pyc",
    }


@pytest.mark.nightly
def test_compiled_code_is_taken_without_a_look_at_its_source(source: Path, tmp_path: Path) -> None:
    """The times in a bundle are not those of its files' compilation."""
    bundle(source=source, profile=PROFILES["host"], output=tmp_path / "out")

    (tmp_path / "out" / "snapshot_export" / "settings.py").write_text("raise SystemError\n")
    os.utime(tmp_path / "out" / "snapshot_export" / "settings.py", (0, 0))
    program = "from snapshot_export import settings as s; print(s.LIMIT, s.__cached__ is not None)"
    path = os.environ | {"PYTHONPATH": str(tmp_path / "out")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=path, text=True, check=False
    )
    assert done.stdout == "12 True\n", done.stderr


@pytest.mark.nightly
def test_without_the_python_that_runs_it_nothing_is_compiled_and_that_is_another_bundle(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host = PROFILES["host"]
    other = replace(host, python="python3.999", cache_tag="cpython-3999")
    bundle(source=source, profile=other, output=tmp_path / "out")

    assert not list((tmp_path / "out").rglob("*.pyc"))
    assert "Neither python3.999 nor node_modules/pyodide" in capsys.readouterr().err
    hashes = {hash_sources(source=source, profile=each) for each in (host, other)}
    assert len(hashes) == 2


@pytest.mark.nightly
def test_without_lambdas_python_the_bundle_is_compiled_for_it_all_the_same(
    source: Path, tmp_path: Path
) -> None:
    """By Pyodide of package.json, which must be of the runtime's version of Python."""
    absent = replace(PROFILES["lambda"], python="python3.999")
    bundle(source=source, profile=absent, output=tmp_path / "out")

    (compiled,) = (tmp_path / "out").rglob("settings.cpython-314.pyc")
    content = compiled.read_bytes()
    assert int.from_bytes(content[:2], "little") == MAGIC_NUMBER_OF_3_14
    assert content[4:8] == UNCHECKED_HASH
    assert b"/var/task/snapshot_export/settings.py" in content
    (tmp_path / "out" / "snapshot_export" / "settings.py").write_text("raise SystemError\n")
    done = subprocess.run(
        ["node", "--input-type=module", "-e", PYODIDE_IMPORTS, str(tmp_path / "out")],
        cwd=LAMBDAS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "12\n", done.stderr


def test_a_compiler_that_compiles_nothing_fails_the_bundling(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = (sys.executable, "-c", "print('no space left')")
    monkeypatch.setattr(bundling, "find_compiler", lambda _profile: silent)

    with pytest.raises(BundlingError, match="no space left"):
        bundle(source=source, profile=PROFILES["host"], output=tmp_path / "out")


def test_functions_share_one_asset_and_a_second_synthesis_builds_nothing(
    source: Path, tmp_path: Path, built: list[Path]
) -> None:
    for _ in range(2):
        synthesize(source, tmp_path / "out", PROFILES["host"])

    assert len(built) == 1


def test_a_changed_source_is_built_anew(source: Path, tmp_path: Path, built: list[Path]) -> None:
    synthesize(source, tmp_path / "out", PROFILES["host"])
    (source / "snapshot_export" / "settings.py").write_text("LIMIT = 13\n")
    synthesize(source, tmp_path / "out", PROFILES["host"])

    assert len(built) == 2


def test_the_hash_depends_on_sources_requirements_and_platform_only(source: Path) -> None:
    host, aws = (hash_sources(source=source, profile=PROFILES[p]) for p in ("host", "lambda"))
    assert host != aws

    (source / "snapshot_export" / "__pycache__" / "new.pyc").write_bytes(b"\1")
    (source / "snapshot_export" / "tests" / "test_new.py").write_text("")
    os.utime(source / "snapshot_export" / "settings.py", (0, 0))
    assert hash_sources(source=source, profile=PROFILES["host"]) == host

    (source / "snapshot_export" / "settings.py").rename(source / "snapshot_export" / "config.py")
    renamed = hash_sources(source=source, profile=PROFILES["host"])
    assert renamed != host

    (source / "requirements.txt").write_text("boto3\n")
    assert hash_sources(source=source, profile=PROFILES["host"]) != renamed


def test_a_failed_installation_raises_with_what_pip_said(source: Path, tmp_path: Path) -> None:
    (source / "requirements.txt").write_text("./no-such-folder\n")

    with pytest.raises(BundlingError, match="no-such-folder"):
        bundle(source=source, profile=PROFILES["host"], output=tmp_path / "out")


def test_a_failed_installation_fails_the_synthesis(source: Path, tmp_path: Path) -> None:
    (source / "requirements.txt").write_text("./no-such-folder\n")

    with pytest.raises(RuntimeError, match="no-such-folder"):
        synthesize(source, tmp_path / "out", PROFILES["host"])


@pytest.mark.nightly
def test_the_host_bundle_runs_on_this_python(tmp_path: Path) -> None:
    bundle(source=LAMBDAS, profile=PROFILES["host"], output=tmp_path)

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append('.'); {IMPORTS}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_the_lambda_bundle_holds_arm64_libraries_of_lambdas_python_only(tmp_path: Path) -> None:
    bundle(source=LAMBDAS, profile=PROFILES["lambda"], output=tmp_path)

    libraries = list(tmp_path.rglob("*.so"))
    assert any("pydantic_core" in library.name for library in libraries)
    for library in libraries:
        assert int.from_bytes(library.read_bytes()[ELF_MACHINE], "little") == AARCH64, library
        assert "cpython-314" in library.name or "abi3" in library.name, library
    for package in ("boto3", "botocore", "pydantic", "aws_lambda_powertools", "snapshot_export"):
        assert (tmp_path / package / "__init__.py").is_file()
