"""`python -m tools.validate`: the synthesized template and state machine against their validators.

Synthesizes offline and without bundling, with cdk-nag (AwsSolutions and Serverless packs), then
runs cfn-lint on the template and asl-validator on the definition, its placeholders filled.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from local.account.environment import ACCOUNT, REGION
from local.command import CommandError, run_command
from local.deployment import PROJECT_ROOT, QUIET_JSII, STACK, WORK_DIR

_OUT = WORK_DIR / "validate"
_NOISE = (
    "W3005",  # CDK writes DependsOn where a reference already says it
    "E3601",  # takes the partition `aws` only; asl-validator checks the definition
)


_UNLISTED_ACTIONS = ("describedashboarddefinition",)
"""Of IAM, which AWS's guides grant and its Service Authorization Reference does not list
[? definition-arn]; cfn-lint goes by that."""


def main() -> int:
    """The exit status is 1 if a validator objects."""
    template = _synthesize()
    definition = _fill_definition(PROJECT_ROOT / "statemachine" / "snapshot_export.asl.json")
    asl_validator = PROJECT_ROOT / "node_modules" / ".bin" / "asl-validator"
    found = _lint(template)
    print("".join(f"{line}\n" for line in found), end="")
    checked = subprocess.run([asl_validator, "--json-path", definition], check=False)
    is_valid = not found and checked.returncode == 0
    print("template and state machine: " + ("valid" if is_valid else "rejected"))
    return 0 if is_valid else 1


def _lint(template: Path) -> list[str]:
    """What cfn-lint finds, a line each."""
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    options = ["--regions", REGION, "--ignore-checks", *_NOISE, "--format", "json"]
    done = subprocess.run(
        [cfn_lint, *options, "--template", template], capture_output=True, text=True, check=False
    )
    try:
        findings = json.loads(done.stdout or "[]")
    except ValueError:
        raise CommandError(f"cfn-lint failed\n{done.stdout}{done.stderr}") from None
    known = tuple(f"'{action}' is not one of" for action in _UNLISTED_ACTIONS)
    return [
        f"{each['Rule']['Id']} {each['Message'][:300]} "
        f"({template.name}:{each['Location']['Start']['LineNumber']})"
        for each in findings
        if not each["Message"].startswith(known)
    ]


def _synthesize() -> Path:
    context = {"aws:cdk:bundling-stacks": [], "nag": True, **json.loads(_cdk_json())["context"]}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=PROJECT_ROOT,
        env=os.environ
        | QUIET_JSII
        | {"CDK_OUTDIR": str(_OUT), "CDK_CONTEXT_JSON": json.dumps(context)},
        capture_output=True,
        text=True,
        check=False,
    )
    findings = _read_findings()
    if findings:
        raise CommandError("cdk-nag objects:\n" + "\n".join(findings))
    if done.returncode != 0:
        raise CommandError(f"the stack does not synthesize\n{done.stdout}{done.stderr}")
    return _OUT / f"{STACK}.template.json"


def _read_findings() -> list[str]:
    """A line for each: the construct's path, the rule to acknowledge, and what it says."""
    report = _OUT / "validation-report.json"
    if not report.exists():
        return []
    return [
        f"{construct['constructPath']}: {violation['ruleName']}: {violation['description']}"
        for plugin in json.loads(report.read_text(encoding="utf-8"))["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    ]


def _cdk_json() -> str:
    return (PROJECT_ROOT / "cdk.json").read_text(encoding="utf-8")


def _fill_definition(path: Path) -> Path:
    text = path.read_text(encoding="utf-8").replace("${Partition}", "aws")
    filled = re.sub(r"\$\{(\w+)\}", rf"arn:aws:lambda:{REGION}:{ACCOUNT}:function:\1", text)
    target = _OUT / path.name
    target.write_text(filled, encoding="utf-8")
    return target


if __name__ == "__main__":
    sys.exit(run_command(main, logs=str(_OUT)))
