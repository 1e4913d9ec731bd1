"""The API under requests made from its own document, right and wrong ones.

None is answered with 5xx, with a status that the document does not name for the call, or with a
body that its schema refuses.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from snapshot_export.handlers.api.document import make_document
from tests.support.api import call_api
from tests.support.messages import message
from tests.support.world import World

EXAMPLES = 12
DOCUMENT = make_document()
OPERATIONS: dict[str, APIOperation[Any, Any, Any, Any]] = {
    result.ok().label: result.ok()
    for result in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    if isinstance(result, Ok)
}


def responses_of(operation: APIOperation[Any, Any, Any, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = DOCUMENT["paths"][operation.path][operation.method]["responses"]
    return responses


def cases() -> list[tuple[str, GenerationMode]]:
    """Right requests for every call; wrong ones where there is something to be wrong."""
    right = [(label, GenerationMode.POSITIVE) for label in OPERATIONS]
    return right + [
        (label, GenerationMode.NEGATIVE)
        for label, operation in OPERATIONS.items()
        if operation.body or operation.query
    ]


@pytest.mark.parametrize(("label", "mode"), cases())
def test_every_answer_is_documented(world: World, label: str, mode: GenerationMode) -> None:
    operation = OPERATIONS[label]
    documented = responses_of(operation)
    world.send(message("known"))

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def call(case: schemathesis.Case[Any]) -> None:
        sent = requests.Request(**case.as_transport_kwargs(base_url="http://api")).prepare()
        assert sent.method and sent.url
        assert sent.body is None or isinstance(sent.body, str | bytes)
        answer = call_api(world.services, sent.method, sent.url, sent.body)
        if sent.method != operation.method.upper():
            assert answer.status in (404, 405)
            return
        if answer.status == 404 and answer.body["Message"] == "There is no such path.":
            return
        assert str(answer.status) in documented, answer.body
        schema = documented[str(answer.status)]["content"]["application/json"]["schema"]
        validator = Draft202012Validator(schema | {"components": DOCUMENT["components"]})
        assert [error.message for error in validator.iter_errors(answer.body)] == []

    call()
