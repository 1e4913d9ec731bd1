"""What AWS services need to do their part of the stack, read from what the template makes them do.

No flow calls these: a service does, on its own or with a role that it was given. Each rule says
what is asked for, and the source in AWS's documentation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.infra.permissions.grants import Need, name_of
from tests.infra.permissions.recording import KEY, key_needs
from tests.infra.template_reader import StackTemplate

Found = Iterator[tuple[Need, str]]
"""A need, and why."""

_TRACES = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")
_SAMPLING = ("xray:GetSamplingRules", "xray:GetSamplingTargets")
_LOG_DELIVERY = (
    "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies", "logs:GetLogDelivery", "logs:ListLogDeliveries",
    "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
)  # fmt: skip
_CONSUME = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_SAME_ACCOUNT = ("aws:SourceAccount", "<AccountId>")


def needs_of_services(template: StackTemplate) -> Found:
    """All of them."""
    yield from _functions(template)
    yield from _deliveries(template)
    yield from _machines(template)
    yield from _schedules(template)
    yield from _rules(template)
    yield from _api(template)
    yield from _alarms(template)
    yield from _subscriptions(template)
    yield from _quicksight(template)


def _functions(template: StackTemplate) -> Found:
    """Lambda Developer Guide, "Execution role": logs and traces are written with the role."""
    for properties in template.of_type("AWS::Lambda::Function").values():
        role = name_of(template, properties["Role"])
        yield _taken(role, "lambda"), "Lambda runs the function"
        log_group = template.render(properties["LoggingConfig"]["LogGroup"])
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            yield Need(role, role, action, log_group), "Lambda writes the function's log"
        if properties.get("TracingConfig", {}).get("Mode") == "Active":
            for action in _TRACES:
                yield Need(role, role, action, "*"), "Lambda writes the function's traces"


def _deliveries(template: StackTemplate) -> Found:
    """Lambda Developer Guide, "Using Lambda with Amazon SQS": it polls with the function's role."""
    functions = template.of_type("AWS::Lambda::Function")
    why = "Lambda polls the queue"
    for mapping in template.of_type("AWS::Lambda::EventSourceMapping").values():
        function = functions[name_of(template, mapping["FunctionName"])]
        role, queue = name_of(template, function["Role"]), mapping["EventSourceArn"]
        for action in _CONSUME:
            yield Need(role, role, action, template.render(queue)), why
        if _is_encrypted(template, name_of(template, queue)):
            yield from ((need, why) for need in key_needs(role, "sqs", "ReceiveMessage"))


def _machines(template: StackTemplate) -> Found:
    """Step Functions Developer Guide: "IAM policies for integrated services", "Using CloudWatch
    Logs to log execution history" and "Trace Step Functions request data in AWS X-Ray"."""
    for machine in template.of_type("AWS::StepFunctions::StateMachine").values():
        role = name_of(template, machine["RoleArn"])
        yield _taken(role, "states"), "Step Functions runs the state machine"
        functions = machine["DefinitionSubstitutions"]
        for name, state in json.loads(machine["DefinitionString"])["States"].items():
            if state["Type"] == "Task":
                placeholder = state["Arguments"]["FunctionName"].removeprefix("${").rstrip("}")
                function = template.render(functions[placeholder])
                yield Need(role, role, "lambda:InvokeFunction", function), f"the state {name}"
        for action in _LOG_DELIVERY:
            yield Need(role, role, action, "*"), "Step Functions sets up its log's delivery"
        if machine["TracingConfiguration"]["Enabled"]:
            for action in _TRACES + _SAMPLING:
                yield Need(role, role, action, "*"), "Step Functions writes traces"


def _schedules(template: StackTemplate) -> Found:
    """EventBridge Scheduler User Guide, "Confused deputy prevention": a schedule's group is its
    source."""
    for group in template.of_type("AWS::Scheduler::ScheduleGroup").values():
        name = f"schedule-group/{group['Name']}"
        source = f"arn:<Partition>:scheduler:<Region>:<AccountId>:{name}"
        context = (_SAME_ACCOUNT, ("aws:SourceArn", source))
        why = "the Scheduler sends what a schedule asks for"
        for function in template.of_type("AWS::Lambda::Function").values():
            role = function["Environment"]["Variables"]["SCHEDULE_ROLE_ARN"]
            yield _taken(name_of(template, role), "scheduler", context), why


def _rules(template: StackTemplate) -> Found:
    """EventBridge User Guide, "Using resource-based policies": targets let the rule in; also
    "Encrypted topics and queues"."""
    service = "events.amazonaws.com"
    for rule, properties in template.of_type("AWS::Events::Rule").items():
        source = (("aws:SourceArn", f"<{rule}>"),)
        for target in properties["Targets"]:
            name = name_of(template, target["Arn"])
            action = "sns:Publish" if _is_topic(template, name) else "lambda:InvokeFunction"
            why = f"EventBridge calls the target of {rule}"
            yield Need(name, service, action, f"<{name}>", source), why
            if _is_encrypted(template, name):
                yield from _use_of_key(service, why)
            if dead_letters := target.get("DeadLetterConfig"):
                queue = name_of(template, dead_letters["Arn"])
                why = f"EventBridge keeps what {rule} could not deliver"
                yield Need(queue, service, "sqs:SendMessage", f"<{queue}>", source), why
                if _is_encrypted(template, queue):
                    yield from _use_of_key(service, why)


def _api(template: StackTemplate) -> Found:
    """API Gateway Developer Guide, "Lambda integrations for HTTP APIs": the source is the route."""
    for route in template.of_type("AWS::ApiGatewayV2::Route").values():
        integration = name_of(template, route["Target"]).removeprefix("integrations/").strip("<>")
        properties = template.of_type("AWS::ApiGatewayV2::Integration")[integration]
        function, api = name_of(template, properties["IntegrationUri"]), route["ApiId"]
        path = f"{template.render(api)}/$default/{route['RouteKey'].replace(' /', '/')}"
        source = (("aws:SourceArn", f"arn:<Partition>:execute-api:<Region>:<AccountId>:{path}"),)
        yield (
            Need(
                function,
                "apigateway.amazonaws.com",
                "lambda:InvokeFunction",
                f"<{function}>",
                source,
            ),
            f"API Gateway answers {route['RouteKey']}",
        )


def _alarms(template: StackTemplate) -> Found:
    """CloudWatch User Guide, "Alarm actions": the topic lets CloudWatch in, and its key does."""
    service, why = "cloudwatch.amazonaws.com", "an alarm notifies people"
    for alarm in template.of_type("AWS::CloudWatch::Alarm").values():
        for action in alarm.get("AlarmActions", []):
            topic = name_of(template, action)
            yield Need(topic, service, "sns:Publish", f"<{topic}>", (_SAME_ACCOUNT,)), why
            if _is_encrypted(template, topic):
                yield from _use_of_key(service, why)


def _subscriptions(template: StackTemplate) -> Found:
    """SNS Developer Guide, "Dead-letter queues": SNS sends what an address did not take, and must
    be allowed to use the key of an encrypted queue."""
    service, why = "sns.amazonaws.com", "SNS keeps what an address did not take"
    for subscription in template.of_type("AWS::SNS::Subscription").values():
        queue = name_of(template, subscription["RedrivePolicy"]["deadLetterTargetArn"])
        source = (("aws:SourceArn", template.render(subscription["TopicArn"])),)
        yield Need(queue, service, "sqs:SendMessage", f"<{queue}>", source), why
        if _is_encrypted(template, queue):
            yield from _use_of_key(service, why)


def _quicksight(template: StackTemplate) -> Found:
    """QuickSight API reference, SnapshotS3DestinationConfiguration: it writes as itself."""
    service, why = "quicksight.amazonaws.com", "QuickSight writes a snapshot's files"
    for bucket in template.of_type("AWS::S3::Bucket"):
        file = f"<{bucket}>/snapshots/an-export/a-file.pdf"
        yield Need(bucket, service, "s3:PutObject", file, (_SAME_ACCOUNT,)), why
        yield Need(bucket, service, "s3:GetBucketLocation", f"<{bucket}>", (_SAME_ACCOUNT,)), why
        if _is_encrypted(template, bucket):
            yield from _use_of_key(service, why, (_SAME_ACCOUNT,))


def _taken(role: str, service: str, context: tuple[tuple[str, str], ...] = ()) -> Need:
    return Need(f"{role}:trust", f"{service}.amazonaws.com", "sts:AssumeRole", f"<{role}>", context)


def _use_of_key(service: str, why: str, context: tuple[tuple[str, str], ...] = ()) -> Found:
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        yield Need(KEY, service, action, f"<{KEY}>", context), why


def _is_topic(template: StackTemplate, name: str) -> bool:
    return name in template.of_type("AWS::SNS::Topic")


def _is_encrypted(template: StackTemplate, name: str) -> bool:
    """With the stack's key."""
    properties: dict[str, Any] = template.properties(name)
    return bool(
        properties.get("KmsMasterKeyId")
        or properties.get("BucketEncryption", {})
        .get("ServerSideEncryptionConfiguration", [{}])[0]
        .get("ServerSideEncryptionByDefault", {})
        .get("KMSMasterKeyID")
    )
