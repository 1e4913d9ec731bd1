"""Secrets Manager: the password of an export's files. The one place where secrets are read.

What it answers and refuses can hold secrets: errors carry the error's code only.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import ClientError

from snapshot_export.adapters.aws_errors import code_of, transient
from snapshot_export.domain.password import Password, PasswordError, password_in

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_secretsmanager import SecretsManagerClient

_REASONS = {
    "ResourceNotFoundException": "its secret does not exist, or has no value",
    "AccessDeniedException": "its secret may not be read",
    "DecryptionFailure": "its secret cannot be decrypted",
    "InvalidRequestException": "its secret cannot be read now, as one that is to be deleted",
    "InvalidParameterException": "its secret has a name that cannot be",
    "ValidationException": "its secret has a name that cannot be",
}
"""Errors of GetSecretValue that stay. Source: Secrets Manager API reference, GetSecretValue."""


class Passwords:
    """Reads secrets when they are needed, each time anew: a changed one counts from then on."""

    def __init__(self, session: boto3.Session, config: Config) -> None:
        self._session = session
        self._config = config

    @cached_property
    def _client(self) -> SecretsManagerClient:
        return self._session.client("secretsmanager", config=self._config)

    def read(self, secret: str) -> Password:
        """The password of `name` or `name:key`. Raises PasswordError, TransientError."""
        name, _, key = secret.partition(":")
        with transient("GetSecretValue"):
            try:
                answer = self._client.get_secret_value(SecretId=name)
            except ClientError as error:
                if (code := code_of(error)) not in _REASONS:
                    raise
                raise PasswordError(_REASONS[code]) from None
        if "SecretString" not in answer:
            raise PasswordError("its secret is no text")
        return password_in(answer["SecretString"], key or None)
