"""The proof's two sides: what the policies allow, and what was needed, each right with by whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.email_parameters import EmailParameters, LinkParameters
from infra.parameters import DeploymentParameters, Settings
from tests.infra.permissions.grants import Grant, Need, Policies, read_policies
from tests.infra.permissions.recording import record
from tests.infra.permissions.scenarios import ELSEWHERE, KEY_ELSEWHERE, WATCHED
from tests.infra.permissions.services import needs_of_services
from tests.infra.template_reader import StackTemplate, synthesize_stack
from tests.support.mails import MAIL, SENDER
from tests.support.world import ATHENA_ROLE, PASSWORD_SECRETS, WORK_GROUP

SETTINGS = Settings(
    deployment=DeploymentParameters(
        allowed_buckets=(ELSEWHERE,),
        bucket_keys=(KEY_ELSEWHERE,),
        notify_emails=("ada@example.org",),
        athena_role=ATHENA_ROLE,
        email=EmailParameters(
            sender=SENDER,
            configuration_set=MAIL.configuration_set,
            allowed_domains=("example.com",),
            links=LinkParameters(),
        ),
        athena_work_groups=(WORK_GROUP,),
        password_secrets=PASSWORD_SECRETS,
    )
)
"""A deployment that makes use of everything that a policy depends on."""


_START = "StartFunctionRole"
UNPLAYED = {
    Need(_START, _START, "sqs:SendMessage", "<DeliveriesQueue>"): (
        "a start that is refused when the job of another invocation has completed"
    ),
}
"""Needs of ways that take two invocations at once, which no scenario plays, and their reasons."""


@dataclass(frozen=True)
class Evidence:
    """`needs` has, for each need, who had it: flows with a scenario, or what a service does."""

    policies: Policies
    needs: Mapping[Need, Mapping[str, str]]
    violations: tuple[str, ...] = ()

    def denied(self) -> Iterator[Need]:
        """What is needed and not allowed."""
        return (need for need in self.needs if not self.policies.at(need.at).allow(need))

    def needed(self) -> Iterator[tuple[Grant, list[Need]]]:
        """Every grant with what is denied once it alone is taken away."""
        for position, grant in enumerate(self.policies.grants):
            left = self.policies.without(position).at(grant.holder)
            yield grant, [need for need in self._needs_at(grant) if not left.allow(need)]

    def _needs_at(self, grant: Grant) -> Iterator[Need]:
        who = (grant.holder, grant.principal)
        return (need for need in self.needs if (need.at, need.principal) == who)


def gather(template: StackTemplate | None = None) -> Evidence:
    """Play all scenarios: 10 s."""
    template = template or synthesize_stack(SETTINGS)
    recording = record(template, WATCHED)
    for need, why in needs_of_services(template):
        recording.add(need, why, "")
    for need, why in UNPLAYED.items():
        recording.add(need, why, "")
    return Evidence(read_policies(template), recording.needs, tuple(recording.violations))
