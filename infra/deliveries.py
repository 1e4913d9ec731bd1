"""Mails: their queue, the function that sends them, and SES's events of what was sent."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.email_parameters import EmailParameters
from infra.functions import DELIVER_TIMEOUT_SECONDS
from infra.nag_exceptions import acknowledge, acknowledge_wildcards
from infra.queues import create_last_queue, create_work_queue, deliver
from snapshot_export.domain.mail_address import domain_of
from snapshot_export.domain.mail_event import DETAIL_TYPES, ID_TAG, SOURCE

_MAX_CONCURRENCY = 5  # a mail takes about half a second; SES's rate is kept by the pacer


class Deliveries(Construct):
    """The delivery queue, which only functions of the stack send to, and its dead-letter queue."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey | None,
        parameters: EmailParameters,
    ) -> None:
        super().__init__(scope, construct_id)
        self._parameters = parameters
        self.dead_letter_queue = create_last_queue(self, "DeadLetterQueue", key=key)
        self.queue = create_work_queue(
            self,
            "Queue",
            key=key,
            visibility_seconds=DELIVER_TIMEOUT_SECONDS + 60,
            dead_letters=self.dead_letter_queue,
        )

    def deliver_to(self, function: lambda_.Function) -> None:
        """Hand mails to `function` one at a time, and SES's events of them; let it, and nobody
        else, send from the sender with the configuration set."""
        deliver(self.queue, function, batch_size=1, max_concurrency=_MAX_CONCURRENCY)
        self._hear(function)
        self._let_send(function)

    def _hear(self, function: lambda_.Function) -> None:
        rule = events.Rule(
            self,
            "MailEvents",
            description="SES says what became of a mail",
            event_pattern=events.EventPattern(
                source=[SOURCE],
                detail_type=[*DETAIL_TYPES],
                detail={"mail": {"tags": {ID_TAG: events.Match.exists()}}},
            ),
            targets=[targets.LambdaFunction(function)],
        )
        reason = "an event that got lost leaves a mail in doubt, which is reported and settled"
        acknowledge(rule, reason, "Serverless-EventBusDLQ")

    def _let_send(self, function: lambda_.Function) -> None:
        """SES v2 checks SendRawEmail for a raw message (seen in reports of its errors), and the
        identity of the address or of its domain, whichever is verified [? ses-rights]."""
        stack = cdk.Stack.of(self)
        sender = self._parameters.sender
        resources = [
            stack.format_arn(service="ses", resource=kind, resource_name=name)
            for kind, name in (
                ("identity", sender),
                ("identity", domain_of(sender)),
                ("configuration-set", self._parameters.configuration_set),
            )
        ]
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["ses:SendEmail", "ses:SendRawEmail"],
                resources=resources,
                conditions={"StringEquals": {"ses:FromAddress": sender}},
            )
        )
        function.add_to_role_policy(
            iam.PolicyStatement(actions=["ses:GetAccount"], resources=["*"])
        )
        assert function.role is not None
        acknowledge_wildcards(function.role, "SES's GetAccount takes no resource", "*")
