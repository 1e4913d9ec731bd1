"""Where a deployment sends mails, the doctor finds what stops them before the first is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snapshots.doctor.mails import identities_of
from tests.contract.doctor.conftest import Examine
from tests.contract.doctor.patient import ACCOUNT, REGION, STACK, Patient, Refusal
from tests.contract.doctor.test_doctor import ALL, CLI, assert_found

Break = Callable[[Patient], object]
ON_BUS = f"EventBusArn=arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
MAILS = {
    "mails: account", "mails: quota", "mails: sender", "mails: configuration set", "mails: events",
    "mails: right to send",
}  # fmt: skip


def account(**members: Any) -> Break:
    return lambda patient: patient.script["sesv2:GetAccount"].update(members)  # type: ignore[union-attr]


def quota(**members: float) -> Break:
    return lambda patient: patient.script["sesv2:GetAccount"]["SendQuota"].update(members)  # type: ignore[index]


def identity(name: str = "reports.example", **members: Any) -> Break:
    def change(patient: Patient) -> None:
        sound = {"VerifiedForSendingStatus": True, "DkimAttributes": {"Status": "SUCCESS"}}
        patient.identities = {name: sound | members}

    return change


def destination(**members: Any) -> Break:
    def change(patient: Patient) -> None:
        answer: Any = patient.script["sesv2:GetConfigurationSetEventDestinations"]
        answer["EventDestinations"][0].update(members)

    return change


def configuration_set(answer: Any) -> Break:
    return lambda patient: patient.script.update({"sesv2:GetConfigurationSet": answer})


def forget_deliver(patient: Patient) -> None:
    listed: Any = patient.script["cloudformation:ListStackResources"]
    listed["StackResourceSummaries"].pop()


FAILURES: dict[str, tuple[Break, str, str]] = {
    "sandbox": (
        account(ProductionAccessEnabled=False), "mails: account", "Request production access"
    ),
    "paused": (
        account(SendingEnabled=False), "mails: account", "put-account-sending-attributes"
    ),
    "stopped by AWS": (
        account(EnforcementStatus="SHUTDOWN", SendingEnabled=False),
        "mails: account", "answer the case",
    ),
    "quota used up": (
        quota(SentLast24Hours=50_000.0), "mails: quota", "Service Quotas console > Amazon SES"
    ),
    "sender unknown": (
        lambda patient: patient.identities.clear(),
        "mails: sender", "create-email-identity --email-identity reports.example",
    ),
    "domain not verified": (
        identity(VerifiedForSendingStatus=False), "mails: sender", "publish in its DNS"
    ),
    "address not verified": (
        identity("monthly@reports.example", VerifiedForSendingStatus=False),
        "mails: sender", "the mail that came to the address",
    ),
    "MAIL FROM not verified": (
        identity(
            MailFromAttributes={
                "MailFromDomain": "b.reports.example",
                "MailFromDomainStatus": "PENDING",
                "BehaviorOnMxFailure": "REJECT_MESSAGE",
            }
        ),
        "mails: sender", "publish in its DNS",
    ),
    "no configuration set": (
        configuration_set(Refusal("NotFoundException", status=404)),
        "mails: configuration set", "create-configuration-set --configuration-set-name mails",
    ),
    "configuration set paused": (
        configuration_set({"SendingOptions": {"SendingEnabled": False}}),
        "mails: configuration set", "--configuration-set-name mails",
    ),
    "no event destination": (
        lambda patient: patient.script.update(
            {"sesv2:GetConfigurationSetEventDestinations": {"EventDestinations": []}}
        ),
        "mails: events", ON_BUS,
    ),
    "event destination disabled": (
        destination(Enabled=False), "mails: events", ON_BUS
    ),
    "the function lost its right": (
        lambda patient: patient.denied.add((f"{STACK}-deliver", "SendRawEmail")),
        "mails: right to send", "npx cdk deploy",
    ),
    "no function that sends": (forget_deliver, "mails: right to send", "npx cdk deploy"),
    "no Send events": (
        destination(MatchingEventTypes=["DELIVERY", "BOUNCE", "COMPLAINT", "REJECT"]),
        "mails: events", ON_BUS,
    ),
}  # fmt: skip
WARNINGS: dict[str, tuple[Break, str, str]] = {
    "under review": (
        account(EnforcementStatus="PROBATION"), "mails: account", "answer the case"
    ),
    "slower than asked": (quota(MaxSendRate=1.0), "mails: quota", "lower maxPerSecond"),
    "little left": (quota(SentLast24Hours=45_000.0), "mails: quota", "request more"),
    "not signed": (
        identity(DkimAttributes={"Status": "PENDING"}), "mails: sender", "DKIM records"
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def mails(patient: Patient) -> None:
    patient.send_mails()


@pytest.mark.parametrize("what", FAILURES)
def test_what_stops_mails_is_found_and_only_that(
    examine: Examine, patient: Patient, what: str
) -> None:
    assert_found(examine, patient, FAILURES[what], "failed", code=1)


@pytest.mark.parametrize("what", WARNINGS)
def test_what_is_worth_knowing_of_mails_is_a_warning(
    examine: Examine, patient: Patient, what: str
) -> None:
    assert_found(examine, patient, WARNINGS[what], "warning", code=0)


def test_a_sound_ses_passes_with_documented_rights_that_only_read(
    examine: Examine, patient: Patient
) -> None:
    patient.called.clear()
    done = examine(*ALL)
    assert (done.code, done.named("ok") >= MAILS) == (0, True)
    assert done.checks["mails: sender"]["Seen"].endswith("by reports.example")
    called = {each for each in patient.called if each.startswith("ses:")}
    section = CLI.partition("\n## snapshots doctor")[2]
    assert called and [each for each in called if f"`{each}`" not in section] == []
    assert all(each.startswith("ses:Get") for each in called)
    assert patient.called.count("ses:GetAccount") == 1


def test_a_deployment_that_sends_none_is_not_asked_about_them(
    examine: Examine, patient: Patient
) -> None:
    del patient.variables["EMAIL"]
    patient.called.clear()
    done = examine(*ALL)
    assert not MAILS & {*done.checks}
    assert not [each for each in patient.called if each.startswith("ses:")]


def test_before_the_deployment_the_parameters_are_looked_at(
    examine: Examine, patient: Patient
) -> None:
    patient.script["cloudformation:DescribeStacks"] = Refusal("ValidationError", "does not exist")
    parameters = {"email": {"sender": "monthly@reports.example", "configurationSet": "mails"}}
    Path("cdk.json").write_text(json.dumps({"context": {"deployment": parameters}}), "utf-8")
    patient.script["sesv2:GetConfigurationSet"] = Refusal("NotFoundException", status=404)
    account(ProductionAccessEnabled=False)(patient)
    done = examine(*ALL)
    assert done.named("failed") >= {"mails: account"}
    assert done.checks["mails: sender"]["State"] == "ok"


def test_no_limit_a_day_is_minus_one(examine: Examine, patient: Patient) -> None:
    quota(Max24HourSend=-1.0)(patient)
    assert "no limit a day" in examine(*ALL).checks["mails: quota"]["Seen"]


def test_what_you_may_not_read_is_named(examine: Examine, patient: Patient) -> None:
    patient.script["sesv2:GetAccount"] = Refusal("AccessDeniedException", status=403)
    done = examine(*ALL)
    assert done.code == 0
    for check in ("mails: account", "mails: quota"):
        assert done.checks[check]["State"] == "not checked"
        assert "ses:GetAccount" in done.checks[check]["Fix"]


def test_an_address_sends_by_itself_or_by_a_domain_above() -> None:
    assert [*identities_of("Reports <a@mail.Reports.example>")] == [
        "a@mail.Reports.example", "mail.reports.example", "reports.example"
    ]  # fmt: skip
