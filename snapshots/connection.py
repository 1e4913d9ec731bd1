"""Where the stack is: its outputs, its API, and clients of the account it lives in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from snapshots.errors import CliError, ExitCode, UnreachableError, UsageError

STATE_VARIABLE = "SNAPSHOTS_LOCAL_STATE"
_STATE = Path(".local") / "account" / "state.json"
_LOCAL_REGION, _LOCAL_KEY = "us-east-1", "test"
_DENIED = ("AccessDenied", "AccessDeniedException", "ExpiredToken", "InvalidClientTokenId")


@dataclass(frozen=True, kw_only=True)
class Account:
    """An AWS account and region as boto3 reaches it.

    Only the embedded one has an `endpoint_url`, and a `quicksight_url` for its QuickSight.
    """

    session: boto3.Session
    region: str
    endpoint_url: str | None = None
    quicksight_url: str | None = None

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client, of this region unless another is named.

        The embedded account's never leaves this machine.
        """
        config = Config(retries={"mode": "standard", "max_attempts": 5})
        if self.endpoint_url:
            config = config.merge(Config(proxies={}, s3={"addressing_style": "path"}))
        url = (service == "quicksight" and self.quicksight_url) or self.endpoint_url
        connect: Any = self.session.client
        return connect(service, region_name=region or self.region, endpoint_url=url, config=config)


def open_account(
    *, region: str | None, profile: str | None, local: bool, signs: bool = True
) -> Account:
    """The account of a profile, or the embedded one of `make up`. Raises CliError.

    Without `signs` it may be of no region, as a user with a token and the API's address needs none.
    """
    if local:
        return _open_local(find_state_file())
    with telling_of_aws():
        chosen = region or os.environ.get("AWS_REGION")
        session = boto3.Session(profile_name=profile, region_name=chosen)
    if signs and not session.region_name:
        raise UsageError("no region: give --region, SNAPSHOTS_REGION or AWS_REGION, or use --local")
    return Account(session=session, region=session.region_name or "")


def find_state_file() -> Path:
    """The state file of `make up`: SNAPSHOTS_LOCAL_STATE, or of this folder or one above it."""
    chosen = os.environ.get(STATE_VARIABLE)
    if chosen:
        return Path(chosen)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / _STATE).is_file():
            return folder / _STATE
    raise UnreachableError(
        f"no embedded account is up: {_STATE} is not in this folder or above; start it: make up"
    )


def _open_local(state_file: Path) -> Account:
    try:
        state = json.loads(state_file.read_text(encoding="utf-8"))
        endpoint_url, quicksight_url = state["endpoint_url"], state.get("quicksight_url")
        region = state.get("region", _LOCAL_REGION)
    except (OSError, ValueError, KeyError, TypeError):
        raise UnreachableError(
            f"{state_file} names no embedded account; start it: make up"
        ) from None
    core = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
            "ca_bundle": (None, None, None, None),
        }
    )
    session = boto3.Session(
        botocore_session=core,
        aws_access_key_id=_LOCAL_KEY,
        aws_secret_access_key=_LOCAL_KEY,
        region_name=region,
    )
    return Account(
        session=session,
        region=region,
        endpoint_url=endpoint_url,
        quicksight_url=quicksight_url,
    )


def read_outputs(account: Account, stack_name: str) -> dict[str, str]:
    """The outputs of a stack by name. Raises CliError: NOT_FOUND without such a stack."""
    try:
        with telling_of_aws():
            answer = account.client("cloudformation").describe_stacks(StackName=stack_name)
    except CliError as error:
        if error.code != "ValidationError":
            raise
        message = f"no stack {stack_name} in {account.region}; see --stack-name and --region"
        raise CliError(message, ExitCode.NOT_FOUND, code="STACK_NOT_FOUND") from None
    outputs = answer["Stacks"][0].get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def api_url_of(outputs: Mapping[str, str], account: Account) -> str:
    """The API's address without a slash at the end; the embedded account has its own form."""
    url = urlsplit(outputs.get("ApiUrl", ""))
    if not url.hostname:
        raise CliError("the stack has no API: deploy its present version", ExitCode.NOT_FOUND)
    if not account.endpoint_url:
        return url.geturl().rstrip("/")
    api_id = outputs.get("ApiId") or url.hostname.partition(".")[0]
    stage = url.path.strip("/") or "$default"
    return f"{account.endpoint_url}/_aws/execute-api/{api_id}/{stage}"


@contextmanager
def telling_of_aws() -> Iterator[None]:
    """Turn what boto3 raises into one CliError; its code is AWS's."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "Unknown")
        what = "not permitted" if code in _DENIED else "AWS refused"
        raise UnreachableError(f"{what}: {error.operation_name}: {error}", code=code) from None
    except BotoCoreError as error:
        raise UnreachableError(f"cannot reach AWS: {error}") from None
