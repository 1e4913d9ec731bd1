"""The CDK entry: reads the context, builds the stack. It calls no AWS service."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import aws_cdk as cdk

from infra.parameters import ParameterError, read_settings
from infra.stack import SnapshotExportStack

_CDK_JSON = Path(__file__).resolve().parent / "cdk.json"


def main() -> int:
    """Synthesize the app. Returns the exit status: 1 for parameters that cannot be used."""
    app = cdk.App()
    try:
        settings = read_settings(app.node.try_get_context, cdk_json=_CDK_JSON)
    except ParameterError as error:
        print(f"The deployment's parameters cannot be used:\n{error}", file=sys.stderr)
        return 1
    # Set by the CDK CLI once it knows the account; without them the template fits any.
    env = cdk.Environment(
        account=os.environ.get("CDK_DEFAULT_ACCOUNT"), region=os.environ.get("CDK_DEFAULT_REGION")
    )
    SnapshotExportStack(app, "SnapshotExport", settings=settings, env=env)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
