"""Environments of the processes around the embedded account; none can reach a real AWS account."""

import os
from collections.abc import Mapping
from pathlib import Path

ACCOUNT = "012345678901"
"""Begins with a zero, which a number would lose."""
REGION = "af-south-1"
"""Launched after 2019: the global hosts of S3 and STS do not serve it."""
ACCESS_KEY = "test"
SECRET_KEY = "test"

_FOREIGN_PREFIXES = ("AWS_", "CDK_")
_KEPT_BY_SERVER = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_OF_THE_CLOCK = ("LD_PRELOAD", "CLOCK_SHIFT_DAYS")
"""By which `make test-shifted` sets the clock: the account must have that of its callers."""


def _no_real_account() -> dict[str, str]:
    return {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def client_environment(endpoint_url: str, ca_file: Path | None = None) -> dict[str, str]:
    """The complete environment of a client process: this one's, with AWS replaced.

    The user's own profile, credentials, endpoints and AWS_CA_BUNDLE are left out, so nothing that
    runs with it can touch an account of the user's. `ca_file` is the certificate of an account
    that enforces IAM.
    """
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN_PREFIXES)
    }
    loopback = "127.0.0.1,localhost"
    return (
        own
        | _no_real_account()
        | {
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "NO_PROXY": loopback,
            "no_proxy": loopback,
        }
        | ({"AWS_CA_BUNDLE": str(ca_file), "NODE_EXTRA_CA_CERTS": str(ca_file)} if ca_file else {})
    )


def server_environment(
    *, port: int, tmp: Path, home: Path, wait_scale: float, extra: Mapping[str, str]
) -> dict[str, str]:
    """The complete environment of the server, which leaks into every function it runs.

    Hence it is built from nothing. `DOCKER_HOST` names a socket that does not exist, because
    ministack removes containers that it takes for its own from a Docker it finds.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT_BY_SERVER or name.startswith(_OF_THE_CLOCK)
    }
    return (
        kept
        | _no_real_account()
        | {
            "BIND_HOST": "127.0.0.1",
            "DOCKER_HOST": f"unix://{tmp}/no-docker.sock",
            "GATEWAY_PORT": str(port),
            "HOME": str(home),
            "IOT_MTLS_ENABLED": "0",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "PYTHONUNBUFFERED": "1",
            "SFN_WAIT_SCALE": str(wait_scale),
            "SFTP_ENABLED": "0",
            "TMPDIR": str(tmp),
        }
        | dict(extra)
    )
