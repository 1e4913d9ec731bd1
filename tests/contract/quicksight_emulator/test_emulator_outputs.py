"""Every output parses into the modelled shape, with all documented members."""

import copy
import re
from typing import Any

import pytest
from botocore.validate import ParamValidator

from local.quicksight.service_model import DESCRIBE, RESULT, START, load_operations
from tests.contract.quicksight_emulator.support import FULL, Service, ids, request


def assert_modelled(operation: str, output: dict[str, Any], absent: set[str]) -> None:
    """Every member of the output's shape is there, except those named, and is valid."""
    shape = load_operations()[operation].output_shape
    members = {name: value for name, value in output.items() if name != "ResponseMetadata"}
    assert set(members) == set(shape.members) - absent
    report = ParamValidator().validate(members, shape)
    assert not report.has_errors(), report.generate_report()


def test_start_answers_every_modelled_member(service: Service) -> None:
    output = service.call(START, request())
    assert_modelled(START, output, set())
    assert output["Status"] == output["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert output["RequestId"] == output["ResponseMetadata"]["RequestId"]
    assert output["Arn"] == (
        "arn:aws:quicksight:us-east-1:000000000000:dashboard/sales-overview/snapshot-job/job-1"
    )


def test_describe_answers_every_modelled_member_and_echoes_the_request(service: Service) -> None:
    service.call(START, copy.deepcopy(FULL))
    output = service.call(DESCRIBE, ids())
    assert_modelled(DESCRIBE, output, set())
    echoed = output["SnapshotConfiguration"]
    [moment] = echoed["Parameters"]["DateTimeParameters"][0]["Values"]
    assert moment.timestamp() == 1_700_000_000
    echoed["Parameters"]["DateTimeParameters"][0]["Values"] = [1_700_000_000]
    assert echoed == FULL["SnapshotConfiguration"]
    assert output["CreatedTime"].timestamp() == service.clock.time


@pytest.mark.parametrize(
    ("bucket", "members"),
    [
        ("exports", {"S3DestinationConfiguration", "S3Uri"}),
        ("closed", {"S3DestinationConfiguration", "ErrorInfo"}),
        (None, {"S3Uri"}),
    ],
)
def test_a_result_answers_every_modelled_member(
    service: Service, bucket: str | None, members: set[str]
) -> None:
    sent = request() if bucket is None else copy.deepcopy(FULL)
    if bucket:
        [place] = sent["SnapshotConfiguration"]["DestinationConfiguration"]["S3Destinations"]
        place["BucketConfiguration"]["BucketName"] = bucket
    service.call(START, sent)
    service.clock.time += 1000
    output = service.call(RESULT, ids())
    assert_modelled(RESULT, output, {"ErrorInfo"})
    [group] = output["Result"]["AnonymousUsers"][0]["FileGroups"]
    assert group["Files"] == FULL["SnapshotConfiguration"]["FileGroups"][0]["Files"]
    [result] = group["S3Results"]
    assert set(result) == members
    pattern = modelled_shape(RESULT, "S3Uri").metadata["pattern"]
    assert re.match(pattern, result.get("S3Uri", "s3://none"))
    assert set(result.get("ErrorInfo", [{}])[0]) <= {"ErrorType", "ErrorMessage"}


def modelled_shape(operation: str, name: str) -> Any:
    """The shape of a member, wherever it is in the output."""
    shapes = [load_operations()[operation].output_shape]
    for shape in shapes:
        if shape.type_name == "structure":
            if name in shape.members:
                return shape.members[name]
            shapes.extend(shape.members.values())
        elif shape.type_name == "list":
            shapes.append(shape.member)
    raise LookupError(name)


def test_a_failed_job_answers_with_its_error(service: Service) -> None:
    service.server.emulator.add_switch({"kind": "fail_job"})
    service.call(START, request())
    service.clock.time += 1000
    output = service.call(RESULT, ids())
    assert_modelled(RESULT, output, {"Result"})
    assert set(output["ErrorInfo"]) == {"ErrorType", "ErrorMessage"}
    assert output["JobStatus"] == "FAILED"
