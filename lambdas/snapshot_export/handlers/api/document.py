"""The OpenAPI document, from the routes and from the pydantic models of the request bodies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from snapshot_export.domain.scopes import DEFAULT_SCOPES, scope_of
from snapshot_export.handlers.api.app import ROUTERS, app

_REFERENCE = "#/components/schemas/{model}"
_SECURITY_SCHEMES = {
    "iam": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "Signature version 4 for the service execute-api",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
    "jwt": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Where the deployment says apiAuthorization JWT; scopes by their default "
        "names, which jwtScopes changes",
    },
}
"""A deployment has one of the two."""
_SERVERS = [
    {
        "url": "https://{ApiId}.execute-api.{Region}.{DnsSuffix}",
        "description": "The stack's output ApiUrl",
        "variables": {
            "ApiId": {"default": "API-ID"},
            "Region": {"default": "us-east-1"},
            "DnsSuffix": {
                "default": "amazonaws.com",
                "enum": ["amazonaws.com", "amazonaws.com.cn"],
            },
        },
    }
]
_POWERTOOLS_OWN = ("HTTPValidationError", "ValidationError", "ResponseValidationError")


def make_document() -> dict[str, Any]:
    """The document of the whole API; the same code gives the same document."""
    document: dict[str, Any] = json.loads(
        app.get_openapi_json_schema(
            title="QuickSight snapshot exports",
            version="1",
            description="Exports of Amazon QuickSight dashboards to files in S3. "
            "Members are PascalCase; times are ISO 8601 in UTC; errors have one shape, ApiError.",
        )
    )
    schemas = document["components"]["schemas"]
    for name in _POWERTOOLS_OWN:
        schemas.pop(name, None)
    bodies = {name: body for module in ROUTERS for name, body in module.BODIES.items()}
    places, definitions = models_json_schema(
        [(body, "validation") for body in set(bodies.values())], ref_template=_REFERENCE
    )
    schemas.update(definitions.get("$defs", {}))
    document["servers"] = _SERVERS
    document["components"]["securitySchemes"] = _SECURITY_SCHEMES
    for method, path, operation in _operations(document):
        scope = DEFAULT_SCOPES[scope_of(method, path)]
        operation["security"] = [{"iam": []}, {"jwt": [scope]}]
        operation["responses"].pop("422", None)
        body: type[BaseModel] | None = bodies.pop(operation["operationId"], None)
        if body is not None:
            content = {"application/json": {"schema": places[body, "validation"]}}
            operation["requestBody"] = {"required": True, "content": content}
    if bodies:
        raise ValueError(f"BODIES names operations that no route has: {sorted(bodies)}")
    document["components"]["schemas"] = {name: schemas[name] for name in sorted(schemas)}
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation
