"""What each function was seen to need: scenarios played through the real handlers, every call kept.

A call is kept where botocore takes its parameters, so addresses that are only signed are kept too.
Each becomes the rights that AWS asks for, at the role of the function that made it, or at the role
for registered users, if it was made with a session's credentials.
"""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from snapshot_export.settings import Settings
from tests.chaos.calls import place_of_caller
from tests.chaos.stage import Stage
from tests.chaos.theatre import theatre
from tests.infra.permissions.calls import READS_OF_KEY, key_actions, rights_for
from tests.infra.permissions.grants import Need
from tests.infra.permissions.scenarios import ELSEWHERE, KEY_ELSEWHERE, Watched
from tests.infra.template_reader import StackTemplate
from tests.support.world import REGION

USER_ROLE = "SnapshotUserRole"
_WITH_A_ROLE_OF_OTHERS = ("athena", "s3")
"""What is called with a session's credentials that are not a registered user's, but of the role
that a deployment brings for queries: what that may do is its owner's."""
KEY = "EncryptionKey"
ACCOUNT_ROOT = "arn:<Partition>:iam::<AccountId>:root"


class Recording:
    """What was needed. `violations` are of the scenarios: one did not go as it should.

    `needs` has, for each need, the flows that had it, each with the first scenario in which it did;
    of the key's rights, the service that was called.
    """

    def __init__(self) -> None:
        self.needs: dict[Need, dict[str, str]] = defaultdict(dict)
        self.violations: list[str] = []

    def add(self, need: Need, flow: str, scenario: str) -> None:
        """Keep one need."""
        self.needs[need].setdefault(flow, scenario)


class Names:
    """Names of a played world as the template has them, by the variables that hold them.

    A queue is known by its ARN, its address and its own name.
    """

    def __init__(self, template: StackTemplate, stage: Stage) -> None:
        self._template, self._stage = template, stage
        self._settings: Settings | None = None
        self._known: dict[str, str] = {}

    def of(self, text: str) -> str:
        """The template's name for one of the world's; any other text as it is."""
        if self._settings is not self._stage.settings:  # a scenario has changed them
            self._settings = self._stage.settings
            self._learn()
        return self._known.get(text, text)

    def _learn(self) -> None:
        template, stage = self._template, self._stage
        self._known = {REGION: "<Region>"}
        for function in template.of_type("AWS::Lambda::Function").values():
            for variable, value in function["Environment"]["Variables"].items():
                in_world = getattr(stage.settings, variable.lower(), None)
                if isinstance(in_world, str):
                    self._known[in_world] = template.render(value)
        for arn in [each for each in self._known if ":sqs:" in each]:
            *_, account, queue = arn.split(":")
            url = f"https://sqs.{REGION}.amazonaws.com/{account}/{queue}"
            self._known |= {queue: self._known[arn], url: self._known[arn]}


@dataclass
class _Watch:
    """Keeps the calls of one played scenario."""

    scenario: str
    stage: Stage
    names: Names
    recording: Recording
    flows: set[str] = field(default_factory=set)

    def see(self, client: Any, operation: str, params: dict[str, Any]) -> None:
        calls = self.stage.calls
        if not calls.is_watching:
            return
        role = f"{calls.function.title().replace('_', '')}FunctionRole"
        service = client.meta.service_model.service_name
        if client._request_signer._credentials.token:
            if service in _WITH_A_ROLE_OF_OTHERS:
                return
            role = USER_ROLE
        flow = _flow_of(place_of_caller()) or calls.function
        for need in needs_of(role, service, operation, params, self.names):
            is_of_key = need.action.startswith("kms:")
            who = f"what calls {service}" if is_of_key else flow
            self.recording.add(need, who, self.scenario)


def record(template: StackTemplate, scenarios: Iterable[Watched]) -> Recording:
    """Play scenarios, each from nothing."""
    recording = Recording()
    real: Any = BaseClient._emit_api_params  # type: ignore[attr-defined]  # not in its stubs

    def watching(scenario: str) -> Any:
        @contextmanager
        def watch(stage: Stage) -> Iterator[None]:
            seen = _Watch(scenario, stage, Names(template, stage), recording)

            def emit(self: Any, api_params: Any, operation_model: Any, context: Any) -> Any:
                seen.see(self, operation_model.name, api_params)
                return real(self, api_params, operation_model, context)

            with patch.object(BaseClient, "_emit_api_params", emit):
                yield

        return watch

    with _quietly(), theatre() as stage:
        for each in scenarios:
            played = stage.play(each.scenario, each.choose, watching(each.scenario.name))
            recording.violations += [f"{each.scenario.name}: {text}" for text in played.violations]
    return recording


def needs_of(
    role: str, service: str, operation: str, params: dict[str, Any], names: Names
) -> Iterator[Need]:
    """What a call needs: at the caller's role, at a role it takes or passes on, at the key."""
    for action, resource, context in rights_for(service, operation, params, names.of):
        yield Need(role, role, action, resource, tuple(context.items()))
        if service == "sts" and resource.startswith("<"):
            yield Need(f"{resource.strip('<>')}:trust", role, action, resource)
        if resource.startswith("<"):
            yield from key_needs(role, service, operation)
        if resource.startswith(f"arn:<Partition>:s3:::{ELSEWHERE}/"):
            via = (("kms:ViaService", f"s3.{KEY_ELSEWHERE.split(':')[3]}.<URLSuffix>"),)
            for used in key_actions(service, operation) if action == "s3:GetObject" else ():
                if used in READS_OF_KEY:
                    yield Need(role, role, used, KEY_ELSEWHERE, via)
    if service == "scheduler" and "Target" in params:
        yield from _needs_of_schedule(params["Target"], names)


def key_needs(role: str, service: str, operation: str) -> Iterator[Need]:
    """What an operation on encrypted data needs of the key, at the role and at the key's policy."""
    via = (("kms:ViaService", f"{service}.<Region>.<URLSuffix>"),)
    for action in key_actions(service, operation):
        yield Need(role, role, action, f"<{KEY}>", via)
        yield Need(KEY, ACCOUNT_ROOT, action, f"<{KEY}>", via)


def _needs_of_schedule(target: dict[str, Any], names: Names) -> Iterator[Need]:
    """The Scheduler sends to the target, or where it gives up, with the role it was given."""
    role = names.of(target["RoleArn"]).strip("<>")
    for queue in (target["Arn"], target["DeadLetterConfig"]["Arn"]):
        yield Need(role, role, "sqs:SendMessage", names.of(queue))
    yield from key_needs(role, "sqs", "SendMessage")


def _flow_of(place: str) -> str:
    """`export/admit` of `flows/export/admit.py:admit > ...`; the API is one flow."""
    path = place.partition(":")[0]
    if path.startswith("flows/"):
        return path.removeprefix("flows/").removesuffix(".py")
    return "api" if path.startswith("handlers/api/") else ""


@contextmanager
def _quietly() -> Iterator[None]:
    """What handlers print is not for people."""
    with (
        patch.dict(os.environ, {"POWERTOOLS_LOG_LEVEL": "CRITICAL"}),
        warnings.catch_warnings(action="ignore"),
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
    ):
        yield
