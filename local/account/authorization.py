"""Patches of ministack's IAM (`ministack/core/iam_actions.py`)."""

from contextvars import ContextVar
from itertools import count
from pathlib import Path
from typing import Any

from local.account.patching import require_source, rewritten

DENIED = "denied to"


def name_groups_of_schedules(iam_actions: Any) -> None:
    """Judge calls about a schedule by its own ARN, which has its group's name in it.

    Upstream takes every schedule for one of the group `default`: a grant on any other group then
    allows nothing. Source: Service Authorization Reference, EventBridge Scheduler, resource types.
    """
    upstream = iam_actions.extract_resource_arn
    require_source("extract_resource_arn", upstream, "82f51700695c62fd")
    iam_actions._embedded_group_of = _group_reader(iam_actions)
    iam_actions.extract_resource_arn = rewritten(
        upstream,
        {"schedule/default/": "schedule/{_embedded_group_of(body, query_params)}/"},
    )


def _group_reader(iam_actions: Any) -> Any:
    """Reading and deleting name the group in the query, making and changing in the body."""

    def group_of(body: bytes, query_params: dict[str, Any]) -> str:
        asked = iam_actions._query_param(query_params, "groupName")
        return asked or iam_actions._safe_json_field(body, "GroupName") or "default"

    return group_of


def judge_batches_of_messages_singly(iam_actions: Any) -> None:
    """Judge the batch actions of SQS by the rights to the single ones.

    Upstream asks for a right that cannot be given. Source: SQS Developer Guide, "Amazon SQS batch
    actions": permissions cannot be set for SendMessageBatch, DeleteMessageBatch and
    ChangeMessageVisibilityBatch.
    """
    upstream = iam_actions.extract_iam_action
    require_source("extract_iam_action", upstream, "ec476b92d969822b")

    def extract(service: str, *rest: Any, **more: Any) -> str | None:
        action: str | None = upstream(service, *rest, **more)
        return action.removesuffix("Batch") if action and service == "sqs" else action

    iam_actions.extract_iam_action = extract


def simulate_with_context(iam: Any) -> None:
    """Simulate a principal's policies with the condition keys that are asked for.

    Upstream reads none, so a statement with a condition on one never allows. Source: IAM API
    Reference, SimulatePrincipalPolicy, ContextEntries.
    """
    upstream = iam._extract_simulate_params
    require_source("_extract_simulate_params", upstream, "60c76235f2dd562b")
    require_source(
        "_build_simulate_results_real", iam._build_simulate_results_real, "a9090ec34b89ddfa"
    )
    asked: ContextVar[dict[str, str]] = ContextVar("asked")

    def extract(parameters: dict[str, Any]) -> Any:
        asked.set(_context_entries(iam, parameters))
        return upstream(parameters)

    iam._extract_simulate_params = extract
    iam._embedded_context = asked.get
    iam._build_simulate_results_real = rewritten(
        iam._build_simulate_results_real,
        {"secure_transport=False,": "secure_transport=False, service_context=_embedded_context(),"},
    )


def _context_entries(iam: Any, parameters: dict[str, Any]) -> dict[str, str]:
    """By name in small letters; of a key with several values the first."""
    found: dict[str, str] = {}
    for number in count(1):
        entry = f"ContextEntries.member.{number}"
        name = iam._p(parameters, f"{entry}.ContextKeyName")
        if not name:
            break
        found[name.lower()] = iam._p(parameters, f"{entry}.ContextKeyValues.member.1")
    return found


def tell_denials(iam_actions: Any) -> None:
    """Log every call that is denied: who, and what.

    Code that takes a denial for a failure that can pass hides it from its caller; upstream's log
    says nothing of it.
    """
    upstream = iam_actions.access_denied_response
    require_source("access_denied_response", upstream, "3cc2e315f91f45da")

    def deny(service: str, action: str, principal_arn: str, *rest: Any, **more: Any) -> Any:
        iam_actions.logger.warning("%s %s: %s", DENIED, principal_arn, action)
        return upstream(service, action, principal_arn, *rest, **more)

    iam_actions.access_denied_response = deny


def denials_in(log: Path) -> list[str]:
    """Who was denied what, of an account's log."""
    marked = (line.partition(f"{DENIED} ") for line in log.read_text(encoding="utf-8").splitlines())
    return [denial for _, mark, denial in marked if mark]
