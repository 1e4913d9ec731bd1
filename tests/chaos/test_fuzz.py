"""A fixed part of the fuzzing of queue messages, what it found before, and that it finds things."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import Status
from snapshot_export.domain.first_delivery import FirstDelivery
from snapshot_export.flows.take_message import Outcome, accept_message
from snapshot_export.handlers import intake
from snapshot_export.handlers.boundary import logger
from tests.chaos import fuzz as part
from tests.chaos.fuzz_harness import Harness, harness
from tests.chaos.fuzz_oracle import fate_of, violations_of
from tests.chaos.fuzz_requests import SECRET
from tests.support.messages import message

CUSTOMER = SECRET + "customer"


@pytest.fixture(scope="module")
def world() -> Iterator[Harness]:
    with harness() as made:
        yield made


def test_messages_right_and_wrong_are_accepted_or_refused_with_their_place(
    world: Harness, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(part, "DATABASE", tmp_path)
    monkeypatch.setattr(part, "keep", lambda _tally: None)
    tally = part.fuzz(world, part.SAMPLE, part.SAMPLE_SEED)
    assert tally.found is None, tally.found
    assert part.shares(tally, sum(tally.delivered.values()), part.SAMPLE) == []


@pytest.mark.parametrize("bodies", [pytest.param(b, id=name[:60]) for name, b in part.corpus()])
def test_what_was_wrong_once_is_right_now(world: Harness, bodies: list[str]) -> None:
    batch = [*bodies, json.dumps(message("neighbour"))]
    ids, outcome = world.deliver(batch)
    assert violations_of(ids, batch, outcome) == []
    assert outcome.exports["neighbour"].status is Status.RUNNING


def lose(_services: Services, **_more: Any) -> Outcome:
    return Outcome(Status.QUEUED)


def stumble(_services: Services, *, body: str, **_more: Any) -> Outcome:
    raise KeyError(body)


def refuse_without_reason(
    services: Services, *, message_id: str, body: str, sent_at: float
) -> Outcome:
    first, reason = FirstDelivery(message_id, sent_at), {"Code": "X", "Problems": list[Any]()}
    services.rejected.send(first=first, reason=reason, body=body)
    return Outcome(Status.REJECTED)


def accept_and_tell(services: Services, **more: Any) -> Outcome:
    logger.info("accepted", body=more["body"])
    return accept_message(services, **more)


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        (lose, "the message disappeared"),
        (stumble, "nothing can pass here"),
        (refuse_without_reason, "refused without a problem"),
        (accept_and_tell, "a value of a tag or parameter in the log"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_planted_bug_is_seen(
    world: Harness, monkeypatch: pytest.MonkeyPatch, planted: Any, told: str
) -> None:
    bodies = [json.dumps(message("one", customer=CUSTOMER)), json.dumps(message("two", Priority=0))]
    ids, outcome = world.deliver(bodies)
    assert violations_of(ids, bodies, outcome) == []
    monkeypatch.setattr(intake, "accept_message", planted)
    ids, outcome = world.deliver(bodies)
    assert any(told in text for text in violations_of(ids, bodies, outcome))


def test_a_request_that_quicksight_would_refuse_is_seen(
    world: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a bound of the service model were missing from ours."""
    body = message("wrong")
    with monkeypatch.context() as patched:
        patched.setattr(
            "snapshot_export.domain.request.as_sent",
            lambda shape: (
                {"AnonymousUsers": [{"RowLevelPermissionTags": []}]}
                if "AnonymousUsers" in shape.model_fields_set
                else shape.model_dump(mode="json", exclude_none=True)
            ),
        )
        ids, outcome = world.deliver([json.dumps(body)])
    assert fate_of(ids[0], json.dumps(body), outcome) == "ACCEPTED"
    (found,) = violations_of(ids, [json.dumps(body)], outcome)
    assert "RowLevelPermissionTags" in found


def test_what_a_run_finds_is_kept_with_the_messages_it_needs(
    world: Harness, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    corpus = tmp_path / "corpus.json"
    corpus.write_text("[]")
    monkeypatch.setattr(part, "DATABASE", tmp_path / "examples")
    monkeypatch.setattr(part, "CORPUS", corpus)
    monkeypatch.setattr(intake, "accept_message", lose)
    tally = part.fuzz(world, 9, part.SAMPLE_SEED)
    assert tally.found is not None
    ((found, bodies),) = part.corpus()
    assert found.startswith("the message disappeared")
    assert len(bodies) == 1
