"""The package that `pip install .` and pipx install: what is in it, and that it works alone."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "snapshots", "lambdas")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
OFFLINE = ("--no-deps", "--no-index", "--no-build-isolation")


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def copy_checkout(target: Path) -> Path:
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name)
    return target


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(*PIP, "wheel", *OFFLINE, "--wheel-dir", folder, ROOT, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and its dependencies, and nothing of the checkout.

    The dependencies are those of this environment, whose own .pth files are not read there.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    run(*PIP, f"--python={python}", "install", *OFFLINE, wheel, folder=folder)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    dependencies = sysconfig.get_path("purelib") + "\n"
    (site_packages / "dependencies.pth").write_text(dependencies, encoding="utf-8")
    return folder


def test_an_installation_leaves_nothing_behind_in_the_checkout(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    before = files_in(checkout)

    run(*PIP, "install", *OFFLINE, "--target", tmp_path / "installed", ".", folder=checkout)

    assert files_in(checkout) == before
    assert (tmp_path / "installed" / "snapshots" / "main.py").is_file()


def test_the_wheel_holds_the_command_line_and_the_rules_it_shares_and_says_that_it_is_typed(
    wheel: Path,
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    metadata = {name for name in names if ".dist-info/" in name}
    ours = {"snapshot_export/__init__.py"} | {
        str(path.relative_to(base))
        for base, package in ((ROOT, "snapshots"), (ROOT / "lambdas", "snapshot_export/domain"))
        for path in (base / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert names - metadata == ours | {"snapshot_export/py.typed"}
    assert "snapshots/py.typed" in ours
    assert any(name.endswith("/licenses/LICENSE") for name in metadata)


def test_the_installed_command_runs_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    command = installed / "bin" / "snapshots"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    shown = run(command, "--help", folder=tmp_path)
    version = run(command, "--version", folder=tmp_path)

    assert "submit" in shown and "doctor" in shown
    assert version.split()[-1] == project["version"]


def test_every_module_of_the_wheel_is_imported_from_it_alone(
    installed: Path, tmp_path: Path
) -> None:
    program = """
import importlib, pkgutil, snapshots, snapshot_export.domain
for package in (snapshots, snapshot_export.domain):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        print(importlib.import_module(module.name).__file__)
"""
    files = run(installed / "bin" / "python", "-c", program, folder=tmp_path).split()

    assert len(files) > 50
    assert {file for file in files if not file.startswith(str(installed))} == set()


def test_what_the_wheel_imports_is_among_its_dependencies(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {name.partition(">")[0] for name in project["dependencies"]}
    brought = {"botocore": "boto3", "pydantic_core": "pydantic"}
    with zipfile.ZipFile(wheel) as archive:
        modules = [archive.read(name) for name in archive.namelist() if name.endswith(".py")]
    imported = {name for module in modules for name in imports_of(module)}

    foreign = imported - sys.stdlib_module_names - {"snapshots", "snapshot_export"}
    needed = {brought.get(name, name) for name in foreign}

    assert needed <= set(packages_distributions())
    assert needed == declared - {"tzdata"}, "zoneinfo reads tzdata, which nothing imports"


def imports_of(module: bytes) -> Iterator[str]:
    for node in ast.walk(ast.parse(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
