"""The operations that are emulated, as botocore's service model describes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

import botocore.session

START = "StartDashboardSnapshotJob"
DESCRIBE = "DescribeDashboardSnapshotJob"
RESULT = "DescribeDashboardSnapshotJobResult"
IDENTITY = "GetIdentityContext"
SUBSCRIPTION = "DescribeAccountSubscription"
NAMESPACE = "DescribeNamespace"
DASHBOARD = "DescribeDashboard"
DEFINITION = "DescribeDashboardDefinition"
DASHBOARDS = "ListDashboards"
DATA_SET = "DescribeDataSet"
REFRESH = "CreateIngestion"
REFRESHED = "DescribeIngestion"
REFRESHES = "ListIngestions"
OPERATIONS = (START, DESCRIBE, RESULT)
"""Those of snapshot jobs."""
READS = (SUBSCRIPTION, NAMESPACE, DASHBOARD, DEFINITION, DASHBOARDS, DATA_SET)
"""Those that look at the account without a job."""

_LABEL = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Operation:
    """One operation: its route, its shapes and the exceptions it documents."""

    name: str
    method: str
    route: re.Pattern[str]
    input_shape: Any
    output_shape: Any
    errors: dict[str, Any]

    def documents(self, code: str) -> bool:
        """Whether the service model lists the exception for this operation."""
        return code in self.errors


@cache
def load_operations() -> dict[str, Operation]:
    """The emulated operations by name."""
    model = botocore.session.get_session().get_service_model("quicksight")
    names = (*OPERATIONS, IDENTITY, *READS, REFRESH, REFRESHED, REFRESHES)
    return {name: read_operation(model.operation_model(name)) for name in names}


def match_route(method: str, raw_path: str) -> tuple[Operation, dict[str, str]] | None:
    """The operation that a request line means, with its decoded URI labels."""
    for operation in load_operations().values():
        found = operation.route.fullmatch(raw_path)
        if found and operation.method == method:
            return operation, {name: unquote(text) for name, text in found.groupdict().items()}
    return None


def read_query(operation: Operation, query: Mapping[str, str]) -> dict[str, Any]:
    """The members that stand in the URI's query, whole numbers as such."""
    members: dict[str, Any] = {}
    for name, shape in operation.input_shape.members.items():
        text = query.get(shape.serialization.get("name", name))
        if shape.serialization.get("location") == "querystring" and text is not None:
            whole = shape.type_name in ("integer", "long") and text.isdecimal()
            members[name] = int(text) if whole else text
    return members


def http_status_of(shape: Any) -> int:
    """The HTTP code of an exception's shape."""
    return int(shape.metadata["error"]["httpStatusCode"])


def read_operation(model: Any) -> Operation:
    """An operation of a service model of botocore's."""
    return Operation(
        name=model.name,
        method=model.http["method"],
        route=_route_pattern(model.http["requestUri"]),
        input_shape=model.input_shape,
        output_shape=model.output_shape,
        errors={shape.name: shape for shape in model.error_shapes},
    )


def _route_pattern(template: str) -> re.Pattern[str]:
    return re.compile(_LABEL.sub(r"(?P<\1>[^/]*)", template))
