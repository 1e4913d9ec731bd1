"""Calls of the API function with the events that an HTTP API sends (payload 2.0)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, unquote, urlsplit

from snapshot_export.adapters.services import Services
from snapshot_export.handlers.api import exchange
from snapshot_export.handlers.api.app import handler


@dataclass(frozen=True)
class Answered:
    """An answer; `body` is parsed JSON."""

    status: int
    body: Any
    headers: dict[str, str]


def event_of(method: str, url: str, body: str | bytes | None = None) -> dict[str, Any]:
    """The event of a request; bytes are sent as base64, as API Gateway does with binary bodies."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": path,
        "rawQueryString": parts.query,
        "headers": {"content-type": "application/json", "host": "api"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "api",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "::1"},
            "requestId": "request-1",
            "stage": "$default",
            "timeEpoch": 1_800_000_000_000,
        },
        "isBase64Encoded": isinstance(body, bytes),
    }
    if parts.query:
        values: dict[str, list[str]] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            values.setdefault(name, []).append(value)
        event["queryStringParameters"] = {name: ",".join(v) for name, v in values.items()}
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return event


def call_api(
    services: Services,
    method: str,
    url: str,
    body: dict[str, Any] | str | bytes | None = None,
    *,
    authorizer: dict[str, Any] | None = None,
) -> Answered:
    """One call of the API function, in the process, working with `services`."""
    text = json.dumps(body) if isinstance(body, dict) else body
    with patch.object(exchange, "services_from_env", lambda: services):
        event = event_of(method, url, text)
        if authorizer is not None:
            event["requestContext"]["authorizer"] = authorizer
        answer = handler(event, None)
    parsed = json.loads(answer["body"]) if answer.get("body") else None
    return Answered(answer["statusCode"], parsed, answer.get("headers") or {})
