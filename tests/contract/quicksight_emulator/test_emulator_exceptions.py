"""Every documented exception of each operation is reachable, with its HTTP code."""

import pytest

from local.quicksight import QuickSightServer, Settings
from local.quicksight.service_model import (
    DASHBOARD,
    DASHBOARDS,
    DATA_SET,
    DEFINITION,
    DESCRIBE,
    IDENTITY,
    NAMESPACE,
    OPERATIONS,
    REFRESH,
    REFRESHED,
    REFRESHES,
    RESULT,
    START,
    SUBSCRIPTION,
    load_operations,
)
from tests.contract.quicksight_emulator.support import (
    Clock,
    Service,
    code_of,
    ids,
    make_client,
    request,
)

IDENTITY_MEMBERS = {
    "AwsAccountId": "000000000000",
    "Namespace": "default",
    "UserIdentifier": {"UserName": "manager-1"},
}
ALONE = {"AwsAccountId": "000000000000"}
OF_DASHBOARD = {**ALONE, "DashboardId": "sales-overview"}
COMMON = {
    "AccessDeniedException": 401,
    "ResourceNotFoundException": 404,
    "ThrottlingException": 429,
    "UnsupportedUserEditionException": 403,
    "InternalFailureException": 500,
}
OF_ACCOUNT = {
    code: COMMON[code] for code in COMMON if code != "UnsupportedUserEditionException"
} | {
    "InvalidParameterValueException": 400,
    "ResourceUnavailableException": 503,
}
OF_DATA_SET = {
    code: COMMON[code] for code in COMMON if code != "UnsupportedUserEditionException"
} | {"InvalidParameterValueException": 400, "ResourceExistsException": 409}
DOCUMENTED = {
    START: COMMON
    | {
        "InvalidParameterValueException": 400,
        "LimitExceededException": 409,
        "ResourceExistsException": 409,
        "UnsupportedPricingPlanException": 403,
    },
    DESCRIBE: COMMON,
    RESULT: COMMON | {"InvalidParameterValueException": 400, "PreconditionNotMetException": 400},
    IDENTITY: {code: COMMON[code] for code in COMMON if code != "UnsupportedUserEditionException"}
    | {"InvalidParameterValueException": 400, "PreconditionNotMetException": 400},
    SUBSCRIPTION: OF_ACCOUNT,
    NAMESPACE: OF_ACCOUNT,
    DASHBOARD: COMMON | {"InvalidParameterValueException": 400},
    DEFINITION: COMMON
    | {
        "InvalidParameterValueException": 400,
        "ResourceExistsException": 409,
        "ConflictException": 409,
    },
    DATA_SET: {code: COMMON[code] for code in COMMON if code != "UnsupportedUserEditionException"}
    | {"InvalidParameterValueException": 400},
    REFRESH: OF_DATA_SET | {"LimitExceededException": 409},
    REFRESHED: OF_DATA_SET,
    REFRESHES: OF_DATA_SET | {"InvalidNextTokenException": 400},
    DASHBOARDS: {
        "ThrottlingException": 429,
        "InvalidNextTokenException": 400,
        "UnsupportedUserEditionException": 403,
        "InternalFailureException": 500,
    },
}
MEMBERS = {
    START: request(),
    IDENTITY: IDENTITY_MEMBERS,
    SUBSCRIPTION: ALONE,
    NAMESPACE: {**ALONE, "Namespace": "default"},
    DASHBOARD: OF_DASHBOARD,
    DEFINITION: OF_DASHBOARD,
    DASHBOARDS: ALONE,
    DATA_SET: {**ALONE, "DataSetId": "sales"},
    REFRESH: {**ALONE, "DataSetId": "sales", "IngestionId": "morning"},
    REFRESHED: {**ALONE, "DataSetId": "sales", "IngestionId": "morning"},
    REFRESHES: {**ALONE, "DataSetId": "sales"},
}


def test_the_model_documents_the_exceptions_that_are_known_here() -> None:
    for name, operation in load_operations().items():
        statuses = {
            code: shape.metadata["error"]["httpStatusCode"]
            for code, shape in operation.errors.items()
        }
        assert statuses == DOCUMENTED[name]


@pytest.mark.parametrize(
    ("operation", "code"),
    [(name, code) for name, each in load_operations().items() for code in each.errors],
)
def test_every_documented_exception_is_reachable(
    service: Service, operation: str, code: str
) -> None:
    switch = {"kind": "raise_exception", "Operation": operation, "Exception": code}
    service.server.emulator.add_switch(switch)
    members = MEMBERS.get(operation, ids())
    error = service.refusal(operation, members)
    assert error is not None
    assert isinstance(error, getattr(service.client.exceptions, code))
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == DOCUMENTED[operation][code]
    modelled = set(load_operations()[operation].errors[code].members)
    assert modelled <= {*error.response, "Message"}
    assert error.response["Error"]["Message"]


def test_refusals_come_without_a_switch_too(service: Service) -> None:
    service.call(START, request())
    stranger = {"AwsAccountId": "111111111111"}
    for operation in OPERATIONS:
        members = request() if operation == START else ids()
        assert code_of(service.refusal(operation, members | stranger)) == "AccessDeniedException"
        absent = service.refusal(operation, members | {"DashboardId": "none"})
        assert code_of(absent) == "ResourceNotFoundException"
    assert code_of(service.refusal(START, request())) == "ResourceExistsException"
    assert code_of(service.refusal(RESULT, ids())) == "PreconditionNotMetException"
    assert code_of(service.refusal(DESCRIBE, ids("none"))) == "ResourceNotFoundException"
    assert code_of(service.refusal(RESULT, ids("no!"))) == "InvalidParameterValueException"
    service.server.emulator.occupy(11)
    assert code_of(service.refusal(START, request("job-2"))) == "LimitExceededException"


def test_the_throttle_counts_all_operations() -> None:
    with QuickSightServer(Settings(calls_per_second=3), clock=Clock()) as server:
        service = Service(server, Clock(), make_client(server.url))
        service.call(START, request())
        service.call(DESCRIBE, ids())
        assert code_of(service.refusal(RESULT, ids())) == "PreconditionNotMetException"
        for operation in OPERATIONS:
            members = request("job-2") if operation == START else ids()
            assert code_of(service.refusal(operation, members)) == "ThrottlingException"
