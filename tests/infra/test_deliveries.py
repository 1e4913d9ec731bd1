"""Mails: there only where the parameter is set, and only the deliver function may send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.email_parameters import EmailParameters
from infra.parameters import DeploymentParameters, Settings
from snapshot_export.settings import MailSettings
from snapshot_export.settings import Settings as FunctionSettings
from tests.infra.template_reader import StackTemplate
from tests.infra.test_parameters import problems_of, read
from tests.infra.test_stack import FUNCTIONS, Synthesize, environment_of, name_of

EMAIL = {
    "sender": "reports@mail.example.com",
    "configurationSet": "snapshot-mails",
    "allowedDomains": ["example.com", "Partner.example"],
}
SES = "arn:<Partition>:ses:<Region>:<AccountId>:"


@pytest.fixture(scope="module")
def mailing(synthesize: Synthesize) -> StackTemplate:
    email = EmailParameters.model_validate(EMAIL, by_alias=True)
    return synthesize(Settings(deployment=DeploymentParameters(email=email)))


def test_without_the_parameter_nothing_of_it_is_there(template: StackTemplate) -> None:
    text = json.dumps(template.body["Resources"])
    assert "DeliverFunction" not in text and "ses:" not in text and '"EMAIL"' not in text


def test_every_function_knows_how_mails_are_sent(mailing: StackTemplate) -> None:
    for function in (*FUNCTIONS, "deliver"):
        environment = environment_of(mailing, function)
        assert environment["DELIVERY_QUEUE_URL"] == "<DeliveriesQueue>"
        known = {**environment, "SNAPSHOT_JOB_LIMIT": "12", "RETENTION_DAYS": "30"}
        assert FunctionSettings.from_env(known).mail == MailSettings(
            sender="reports@mail.example.com",
            configuration_set="snapshot-mails",
            allowed_domains=frozenset({"example.com", "partner.example"}),
            in_doubt="HOLD",
            in_doubt_minutes=60,
            max_per_second=10,
        )


def test_only_the_deliver_function_may_send_and_only_as_the_sender(mailing: StackTemplate) -> None:
    sending = {
        (name, *sorted(statement["Resource"]))
        for name, statement in statements(mailing)
        if "ses:SendEmail" in statement["Action"]
    }
    assert sending == {
        (
            "Deliver",
            f"{SES}configuration-set/snapshot-mails",
            f"{SES}identity/mail.example.com",
            f"{SES}identity/reports@mail.example.com",
        )
    }
    (condition,) = [
        statement["Condition"]
        for _, statement in statements(mailing)
        if "ses:SendEmail" in statement["Action"]
    ]
    assert condition == {"StringEquals": {"ses:FromAddress": "reports@mail.example.com"}}


def test_the_deliver_function_reads_finished_files_and_records_and_no_more(
    mailing: StackTemplate,
) -> None:
    rights: dict[str, set[str]] = {}
    for name, statement in statements(mailing):
        if name == "Deliver" and "ses:SendEmail" not in statement["Action"]:
            for resource in statement["Resource"]:
                rights.setdefault(resource, set()).update(statement["Action"])
    assert rights["<StorageExportBucket>/exports/*"] == {"s3:GetObject"}
    assert rights["<StorageTable>"] == {
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    }
    assert rights["<DeliveriesQueue>"] == {
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    }
    assert {resource for resource in rights if "bucket" in resource.lower()} == {
        "<StorageExportBucket>/exports/*"
    }


def test_those_that_end_exports_or_look_after_mails_may_ask_for_them(
    mailing: StackTemplate,
) -> None:
    asking = {
        name
        for name, statement in statements(mailing)
        if "sqs:SendMessage" in statement["Action"] and "<DeliveriesQueue>" in statement["Resource"]
    }
    assert asking == {"Start", "Collect", "Reconcile", "Api"}


def test_mail_events_of_ses_come_to_the_deliver_function(mailing: StackTemplate) -> None:
    rule = mailing.properties("DeliveriesMailEvents")
    assert rule["EventPattern"] == {
        "source": ["aws.ses"],
        "detail-type": [
            "Email Sent",
            "Email Delivered",
            "Email Bounced",
            "Email Complaint Received",
            "Email Rejected",
        ],
        "detail": {"mail": {"tags": {"DeliveryId": [{"exists": True}]}}},
    }
    (target,) = rule["Targets"]
    assert mailing.render(target["Arn"]) == "<DeliverFunction>"


def test_a_mail_stays_hidden_while_the_function_may_run(mailing: StackTemplate) -> None:
    queue = mailing.properties("DeliveriesQueue")
    assert queue["VisibilityTimeout"] > mailing.properties(name_of("deliver"))["Timeout"]
    dead_letters = queue["RedrivePolicy"]["deadLetterTargetArn"]
    assert mailing.render(dead_letters) == "<DeliveriesDeadLetterQueue>"


def test_alarms_say_what_became_of_mails(mailing: StackTemplate, template: StackTemplate) -> None:
    def alarms(of: StackTemplate) -> set[str]:
        return {name.split("Monitoring")[1] for name in of.of_type("AWS::CloudWatch::Alarm")}

    assert alarms(mailing) - alarms(template) == {
        "MailsFailed",
        "MailsInDoubt",
        "DeliveryDeadLetters",
    }


@pytest.mark.parametrize(
    ("email", "problem"),
    [
        ("on", 'deployment.email must be null or an object, got "on"'),
        ({"sender": "a@b.example"}, "deployment.email needs configurationSet, allowedDomains"),
        (EMAIL | {"sender": "a@b.example\n"}, "deployment.email.sender must be"),
        (EMAIL | {"allowedDomains": []}, "deployment.email.allowedDomains must be"),
        (EMAIL | {"allowedDomains": ["*.b.example"]}, "deployment.email.allowedDomains must be"),
        (EMAIL | {"inDoubt": "GUESS"}, "deployment.email.inDoubt must be HOLD or SEND"),
        (EMAIL | {"rate": 1}, "deployment.email.rate is not a parameter"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_by_its_name(email: Any, problem: str) -> None:
    (found,) = problems_of({"deployment": {"email": email}})
    assert found.startswith(problem)


def test_any_domain_may_be_allowed() -> None:
    email = read({"deployment": {"email": EMAIL | {"allowedDomains": ["*"]}}}).deployment.email
    assert email is not None and email.allowed_domains == ("*",)


def statements(template: StackTemplate) -> list[tuple[str, dict[str, Any]]]:
    """Every statement of a function's role, with the function's name and its resources by name."""
    found = []
    for name, policy in template.of_type("AWS::IAM::Policy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            resources = statement["Resource"]
            resources = resources if isinstance(resources, list) else [resources]
            actions = statement["Action"]
            own = {
                **statement,
                "Action": [actions] if isinstance(actions, str) else actions,
                "Resource": [template.render(each) for each in resources],
            }
            found.append((name.partition("FunctionRole")[0], own))
    return found
