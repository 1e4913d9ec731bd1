"""Commands that pages show and that a test cannot run as they are: `make`, `npx cdk`, `aws`.

`make` stands for an account that is up already; `npx cdk` reads the parameters and deploys
nothing; `aws` calls the operation with boto3, as the AWS CLI would, on the account that the
environment names.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import jmespath
from botocore import xform_name

from infra.parameters import read_settings
from local.deployment import PROJECT_ROOT


def make(*targets: str) -> int:
    """Look whether the Makefile has the targets."""
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    return 0 if all(f"\n{target}:" in makefile for target in targets) else 2


def npx(tool: str, action: str, *arguments: str) -> int:
    """`cdk deploy`, with `-c NAME=VALUE`: what would be deployed comes to `cdk.out/<stack>.json`.

    The parameters are read and checked as the app does, which tests/infra synthesizes with.
    """
    if (tool, action) != ("cdk", "deploy"):
        raise SystemExit(f"not a command of a page: npx {tool} {action}")
    context = json.loads(Path("cdk.json").read_text(encoding="utf-8"))["context"]
    for flag, text in zip(arguments[::2], arguments[1::2], strict=True):
        if flag != "-c":
            raise SystemExit(f"not an option of a page: {flag}")
        name, _, value = text.partition("=")
        context[name] = value
    settings = read_settings(context.get, cdk_json=Path("cdk.json"))
    Path("cdk.out").mkdir(exist_ok=True)
    deployment = settings.deployment.model_dump_json()
    Path("cdk.out", f"{settings.stack_name}.json").write_text(deployment, encoding="utf-8")
    return 0


def aws(service: str, operation: str, *arguments: str) -> int:
    """One call; `--query` and `--output text` choose what is printed. `aws s3 cp` copies a file."""
    if (service, operation) == ("s3", "cp"):
        return _copy(*arguments)
    connect: Any = boto3.client
    client = connect("s3" if service == "s3api" else service)
    method = operation.replace("-", "_")
    names = {
        xform_name(member, "-"): member
        for member in client.meta.service_model.operation_model(
            client.meta.method_to_api_mapping[method]
        ).input_shape.members
    }
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    query, output = options.pop("--query", "@"), options.pop("--output", "json")
    answer = getattr(client, method)(
        **{names[flag.removeprefix("--")]: _value(text) for flag, text in options.items()}
    )
    answer.pop("ResponseMetadata", None)
    found = jmespath.search(query, answer)
    if output == "text":
        print("\t".join(map(str, found)) if isinstance(found, list) else found)
    elif found:
        print(json.dumps(found, indent=4, default=str))
    return 0


def _copy(source: str, target: str) -> int:
    away = target.startswith("s3://")
    bucket, _, key = (target if away else source).removeprefix("s3://").partition("/")
    s3 = boto3.client("s3")
    if away:
        s3.upload_file(source, bucket, key)
    else:
        s3.download_file(bucket, key, target)
    return 0


def _value(text: str) -> str:
    if text.startswith("file://"):
        return Path(text.removeprefix("file://")).read_text(encoding="utf-8")
    return text


if __name__ == "__main__":
    commands: dict[str, Callable[..., int]] = {"make": make, "npx": npx, "aws": aws}
    sys.exit(commands[sys.argv[1]](*sys.argv[2:]))
