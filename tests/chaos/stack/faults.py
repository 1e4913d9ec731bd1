"""What the fault proxies do to the functions' calls: which share, of which service, in which way.

Names are microburst's: botocore's names of services. A rule with a name that no call has would
pass silently, so every rule's strikes are counted and the verdict asks for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Rule = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way in which calls of a service (or of one operation) go wrong.

    Without a `code` the call takes effect and its answer is lost. `share` is of all calls that no
    fault before it struck.
    """

    service: str
    share: float
    code: str | None = None
    status: int | None = None
    operation: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Names it in reports."""
        where = f"{self.service}.{self.operation}" if self.operation else self.service
        return f"{where} {self.code or 'answer lost'}"

    def rule(self, *, in_turn: bool) -> Rule:
        """Its rule for microburst. `in_turn` strikes the first call and then every n-th."""
        rule: Rule = {"service": self.service}
        if self.operation:
            rule["operation"] = self.operation
        if self.code:
            error: Rule = {"code": self.code, "status": self.status, "fields": dict(self.fields)}
            rule["error"] = error | {"message": "injected"}
        else:
            rule["response"] = {"abort_bytes": 0}
        if in_turn:
            return rule | {"sequence": {"fail": 1, "pass": round(1 / self.share) - 1}}
        return rule | {"probability": self.share}


_CONFLICT = {"CancellationReasons": [{"Code": "TransactionConflict", "Message": "injected"}]}
_START, _DESCRIBE, _RESULT = (
    "StartDashboardSnapshotJob",
    "DescribeDashboardSnapshotJob",
    "DescribeDashboardSnapshotJobResult",
)


def _errors(service: str, share: float, codes: Mapping[str, int]) -> list[Fault]:
    return [
        Fault(service=service, share=share / len(codes), code=code, status=status)
        for code, status in codes.items()
    ]


AWS_FAULTS: Sequence[Fault] = (
    Fault(
        service="dynamodb",
        operation="TransactWriteItems",
        share=0.05,
        code="TransactionCanceledException",
        status=400,
        fields=_CONFLICT,
    ),
    *_errors(
        "dynamodb",
        0.05,
        {"InternalServerError": 500, "ProvisionedThroughputExceededException": 400},
    ),
    Fault(service="dynamodb", share=0.05),
    *_errors("stepfunctions", 0.05, {"ThrottlingException": 400, "ServiceUnavailable": 503}),
    Fault(service="stepfunctions", share=0.05),
    *_errors("s3", 0.05, {"SlowDown": 503, "InternalError": 500}),
    Fault(service="s3", share=0.05),
    Fault(service="events", share=0.05, code="InternalException", status=500),
    Fault(service="events", share=0.05),
    # Called for refused messages only: seldom, so more of them are struck.
    Fault(service="sqs", share=0.2, code="InternalFailure", status=500),
    Fault(service="sqs", share=0.2),
)
"""Between the functions and the embedded account."""

QUICKSIGHT_FAULTS: Sequence[Fault] = (
    *(
        fault
        for operation in (_START, _DESCRIBE, _RESULT)
        for fault in (
            Fault(
                service="quicksight",
                operation=operation,
                share=0.025,
                code="InternalFailureException",
                status=500,
            ),
            Fault(
                service="quicksight",
                operation=operation,
                share=0.025,
                code="ThrottlingException",
                status=429,
            ),
            Fault(service="quicksight", operation=operation, share=0.05),
        )
    ),
    # Called for registered users only.
    Fault(service="quicksight", operation="GetIdentityContext", share=0.2),
    Fault(service="sts", share=0.2, code="ServiceUnavailable", status=503),
    Fault(service="sts", share=0.2),
)
"""Between the functions and QuickSight, and STS, which the emulator plays too."""

OUTAGES: Sequence[Rule] = (
    {"service": "dynamodb", "error": {"code": "InternalServerError", "status": 500}},
    {"service": "stepfunctions", "error": {"code": "ServiceUnavailable", "status": 503}},
    {"service": "s3", "error": {"code": "InternalError", "status": 500}},
    {"service": "events", "error": {"code": "InternalException", "status": 500}},
)
"""Every call of a service fails for a while: what boto3's own repeats cannot hide."""
