"""Where files have passwords, the doctor looks at the secrets that hold them, and reads none."""

from __future__ import annotations

import pytest

from tests.contract.doctor.conftest import Examine
from tests.contract.doctor.patient import STACK, Patient
from tests.contract.doctor.test_doctor import ALL, CLI, assert_found

PREFIX = "snapshot-passwords/"
CHECK = "passwords: secrets"
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def prefix(patient: Patient) -> None:
    patient.variables["PASSWORD_SECRETS"] = PREFIX


def keep(patient: Patient, name: str = f"{PREFIX}acme", **more: str) -> None:
    patient.client("secretsmanager").create_secret(Name=name, SecretString=PASSWORD, **more)


def test_secrets_under_the_prefix_are_found_with_a_documented_right_that_shows_no_value(
    examine: Examine, patient: Patient
) -> None:
    keep(patient)
    patient.called.clear()
    done = examine(*ALL)
    assert (done.code, done.checks[CHECK]["State"]) == (0, "ok")
    asked = {each for each in patient.called if each.startswith("secretsmanager:")}
    assert asked == {"secretsmanager:ListSecrets"}
    assert "`secretsmanager:ListSecrets`" in CLI.partition("\n## snapshots doctor")[2]
    assert PASSWORD not in done.out + done.err


def test_no_secret_under_the_prefix_is_a_warning(examine: Examine, patient: Patient) -> None:
    case = (lambda patient: keep(patient, "elsewhere/acme"), CHECK, "create-secret --name snapshot")
    assert_found(examine, patient, case, "warning", code=0)


def test_a_key_of_ones_own_is_named(examine: Examine, patient: Patient) -> None:
    keep(patient, KmsKeyId=patient.key_arn)
    done = examine(*ALL)
    assert (done.code, done.checks[CHECK]["State"]) == (0, "warning")
    assert patient.key_arn in done.checks[CHECK]["Seen"]


def test_a_function_that_lost_its_right_is_found(examine: Examine, patient: Patient) -> None:
    keep(patient)
    case = (
        lambda patient: patient.denied.add((f"{STACK}-collect", "GetSecretValue")),
        CHECK,
        "npx cdk deploy",
    )
    assert_found(examine, patient, case, "failed", code=1)


def test_a_deployment_whose_files_have_none_is_not_asked(
    examine: Examine, patient: Patient
) -> None:
    del patient.variables["PASSWORD_SECRETS"]
    patient.called.clear()
    assert CHECK not in examine(*ALL).checks
    assert not [each for each in patient.called if each.startswith("secretsmanager:")]
