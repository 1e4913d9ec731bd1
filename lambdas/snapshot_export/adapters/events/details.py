"""What each event's `detail` holds. docs/events.md and the schemas are made from this.

Ids, codes, counts and addresses only. Typed dictionaries: mypy checks what is sent, and an end is
never held up by a check of its announcement.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict

from snapshot_export.adapters.events.events import DetailType
from snapshot_export.domain.data_wait import NOT_READY, Outcome, Readiness
from snapshot_export.domain.fair_share import MAX_WEIGHT
from snapshot_export.domain.formats import Format
from snapshot_export.domain.object_address import SCHEME
from snapshot_export.domain.recipient_query import RECIPIENTS_CHANGED
from snapshot_export.domain.zipped import ZIP_FORMAT

Id = Annotated[str, Field(min_length=1)]
EventId = Annotated[
    str, Field(min_length=1, description="the same in every delivery of the same end")
]
TargetName = Annotated[
    str,
    Field(min_length=1, description="the [target](targets.md) of the request, else `default`"),
]
Count = Annotated[int, Field(ge=0)]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
FileFormat = Annotated[str, Field(json_schema_extra={"enum": [*Format, ZIP_FORMAT]})]
Revision = Annotated[
    int,
    Field(
        ge=1,
        description="1, and one more with each [retry](bursts.md#run-the-failed-ones-again) of the "
        "burst in which this ran",
    ),
]
BurstsOwn = Annotated[str, Field(min_length=1, description="of a burst's exports")]
Recipient = Annotated[
    str, Field(min_length=1, description="the recipient's id as its line gave it")
]
_CLOSED = with_config(extra="forbid")


@_CLOSED
class FinishedFile(TypedDict):
    """A file in its place."""

    FormatType: FileFormat
    S3Uri: Annotated[str, Field(pattern=f"^{SCHEME}")]
    Size: Annotated[int | None, Field(ge=0, description="bytes; null in buckets of others")]


@_CLOSED
class MissingFile(TypedDict):
    """A file that could not be made."""

    FormatType: FileFormat
    ErrorCode: str


Files = Annotated[
    list[FinishedFile | MissingFile],
    Field(description="each file that was asked for, with its place or why it is missing"),
]


@_CLOSED
class RecipientCounts(TypedDict):
    """Recipients of a burst, and how the exports of the accepted ones ended."""

    Total: Count
    Accepted: Count
    Refused: Count
    Completed: Count
    Failed: Count
    Cancelled: Count


@_CLOSED
class FailureCount(TypedDict):
    """How many exports of a burst failed for one reason."""

    Code: Id
    Count: Annotated[int, Field(ge=1)]


@_CLOSED
class JudgedDataSet(TypedDict):
    """A data set as it was judged."""

    DataSetId: Id
    State: Annotated[str, Field(json_schema_extra={"enum": [*Readiness]})]
    RefreshedAt: NotRequired[
        Annotated[Moment, Field(description="when the refresh began whose data is shown")]
    ]
    RowsDropped: NotRequired[Annotated[int, Field(ge=1, description="by that refresh")]]


@_CLOSED
class DataDecided(TypedDict):
    """What was decided of a request that waited for its data."""

    DecidedAt: Moment
    Outcome: Annotated[
        str,
        Field(
            json_schema_extra={"enum": [*Outcome]},
            description="SENT_ANYWAY and RELEASED: the data was, or may be, older than asked for "
            "([after-data.md](after-data.md))",
        ),
    ]
    DataSets: list[JudgedDataSet]


class OfExport(TypedDict):
    """What both ends of an export have."""

    EventId: EventId
    ExportId: Id
    Revision: Revision
    Target: TargetName
    BurstId: NotRequired[BurstsOwn]
    RecipientId: NotRequired[Recipient]
    DashboardId: Id
    Attempt: Annotated[int, Field(ge=1, description="number of the last snapshot job")]
    Data: NotRequired[Annotated[DataDecided, Field(description="of one with After")]]
    Files: Files
    Empty: NotRequired[
        Annotated[
            bool,
            Field(description="it had no rows ([if-empty.md](if-empty.md)); absent if it had some"),
        ]
    ]
    Protected: NotRequired[
        Annotated[
            bool,
            Field(
                description="true: its files open with a password, CSVs and workbooks in a zip "
                "each ([passwords.md](passwords.md)); absent if they have none"
            ),
        ]
    ]


@_CLOSED
class ExportCompleted(OfExport):
    """Every file of an export is in its place."""

    Status: Literal["COMPLETED"]


@_CLOSED
class ExportFailed(OfExport):
    """An export failed for good."""

    Status: Literal["FAILED"]
    ErrorCode: Annotated[
        str, Field(min_length=1, description="`snapshots status <id>` shows the text to it")
    ]


@_CLOSED
class Warned(TypedDict):
    """Something to know of a burst that was done all the same."""

    Code: Annotated[
        str,
        Field(
            min_length=1,
            description="see [row-level-security.md](row-level-security.md#what-is-reported)",
        ),
    ]
    Resource: Annotated[
        str, Field(description="`dataset/<id>`, `dashboard/<id>`, or `burst/<id>` of its zip")
    ]


@_CLOSED
class BurstCompleted(TypedDict):
    """A burst is over: its recipients were read, all accepted ones have ended, and its
    `manifest.json` is written."""

    EventId: EventId
    BurstId: Id
    Revision: Revision
    Target: TargetName
    Status: Annotated[
        str,
        Field(
            json_schema_extra={
                "enum": ["COMPLETED", "COMPLETED_WITH_FAILURES", "FAILED", "CANCELLED"]
            },
            description="COMPLETED_WITH_FAILURES: exports failed or recipients were refused, and "
            "others completed; FAILED: none completed, or the recipients could not be read to the "
            "end",
        ),
    ]
    Counts: RecipientCounts
    Empty: Annotated[
        int,
        Field(ge=0, description="how many completed without rows ([if-empty.md](if-empty.md))"),
    ]
    Reasons: Annotated[
        list[FailureCount],
        Field(description="why exports failed, the most frequent first, 5 at most"),
    ]
    FailureSummary: Annotated[str, Field(min_length=1, description="the reasons in a sentence")]
    SameRowsForAll: Annotated[
        bool, Field(description="every recipient saw the same rows, as the burst asked for")
    ]
    Weight: Annotated[
        int, Field(ge=1, le=MAX_WEIGHT, description="its share of the slots beside others'")
    ]
    ManifestS3Uri: Annotated[
        str,
        Field(
            pattern=rf"^{SCHEME}.+/manifest\.json$",
            description="lists every file; see [bursts.md](bursts.md)",
        ),
    ]
    ReportS3Uri: Annotated[
        str,
        Field(
            pattern=rf"^{SCHEME}.+/report\.html$",
            description="a page for a person; see [bursts.md](bursts.md#the-report)",
        ),
    ]
    ZipS3Uri: NotRequired[
        Annotated[
            str,
            Field(
                pattern=rf"^{SCHEME}.+/files\.zip$",
                description="its files as one; see [bursts.md](bursts.md#all-files-as-one)",
            ),
        ]
    ]
    ErrorCode: NotRequired[
        Annotated[
            str,
            Field(
                pattern="^(MANIFEST_|ROW_LEVEL_SECURITY_|DATA_NOT_READY$)",
                description="why its recipients could not be, or were not, read",
            ),
        ]
    ]
    Data: NotRequired[Annotated[DataDecided, Field(description="of one with After")]]
    Warnings: NotRequired[
        Annotated[
            list[Warned],
            Field(description="of its dashboard's row-level security, of its data and its zip"),
        ]
    ]


@_CLOSED
class RecipientsFound(TypedDict):
    """What a query found, and what that was held against."""

    Found: Count
    Expected: Count


class AtRisk(TypedDict):
    """What both warnings have."""

    Deadline: Moment
    FinishP50: Annotated[Moment, Field(description="the forecast: as likely before as after")]
    FinishP95: Annotated[Moment, Field(description="the forecast: later in one of 20 cases")]
    ChanceToMeetDeadline: Annotated[float, Field(ge=0, lt=0.5)]


@_CLOSED
class ExportAtRisk(AtRisk):
    """A single export will probably miss its deadline."""

    EventId: EventId
    ExportId: Id
    Target: TargetName
    DashboardId: Id


@_CLOSED
class BurstAtRisk(AtRisk):
    """A burst will probably not be over by its deadline."""

    EventId: EventId
    BurstId: Id
    Target: TargetName
    Counts: RecipientCounts


@_CLOSED
class MissingOfDashboard(TypedDict):
    """What a request names and its dashboard does not have, or not as that: a visual that is no
    table, a parameter of another type."""

    Part: Annotated[
        str, Field(json_schema_extra={"enum": ["DASHBOARD", "SHEET", "VISUAL", "PARAMETER"]})
    ]
    Id: Annotated[str, Field(min_length=1, description="the id, or the parameter's name")]


@_CLOSED
class ScheduleOutdated(TypedDict):
    """A schedule's request names what its dashboard, as it is published, does not have: it will be
    refused when it occurs."""

    EventId: EventId
    Schedule: Annotated[str, Field(min_length=1, description="the schedule's name")]
    Target: TargetName
    DashboardId: Id
    VersionNumber: NotRequired[
        Annotated[int, Field(ge=1, description="the published version; absent if there is none")]
    ]
    Missing: Annotated[list[MissingOfDashboard], Field(min_length=1)]
    Summary: Annotated[str, Field(min_length=1, description="the same as a text")]


@_CLOSED
class RequestHeld(TypedDict):
    """An export or a burst waits for somebody to release or cancel it."""

    EventId: EventId
    ExportId: NotRequired[Annotated[str, Field(min_length=1, description="of a single export")]]
    BurstId: NotRequired[Annotated[str, Field(min_length=1, description="of a burst")]]
    Target: TargetName
    Schedule: NotRequired[Annotated[str, Field(min_length=1, description="whose occurrence it is")]]
    ReasonCode: Annotated[
        str,
        Field(
            json_schema_extra={"enum": [NOT_READY, RECIPIENTS_CHANGED]},
            description="DATA_NOT_READY: its data was not there in time "
            "([after-data.md](after-data.md)); RECIPIENTS_CHANGED: a query found many more or "
            "fewer recipients than expected ([bursts.md](bursts.md#recipients-from-a-query))",
        ),
    ]
    Summary: Annotated[str, Field(min_length=1, description="the reason in a sentence")]
    DataSets: NotRequired[
        Annotated[list[JudgedDataSet], Field(description="of one whose data was not there")]
    ]
    Recipients: NotRequired[
        Annotated[RecipientsFound, Field(description="of one whose recipients changed")]
    ]
    HeldUntil: NotRequired[
        Annotated[
            Moment,
            Field(
                description="without a release by then, the burst ends FAILED; absent of one "
                "that is held until somebody decides"
            ),
        ]
    ]


class OfDelivery(TypedDict):
    """What all events of mails have; no address."""

    EventId: EventId
    DeliveryId: Annotated[
        str, Field(min_length=1, description="the mail: one export and one of its addresses")
    ]
    ExportId: Id
    BurstId: NotRequired[BurstsOwn]
    RecipientId: NotRequired[Recipient]
    Target: TargetName
    Attempt: Annotated[int, Field(ge=0, description="how often SES was asked to send it")]


@_CLOSED
class DeliverySent(OfDelivery):
    """SES has taken a mail ([delivery.md](delivery.md))."""

    Status: Literal["SENT"]


@_CLOSED
class DeliveryFailed(OfDelivery):
    """A mail was not sent, did not reach its address, or is held."""

    Status: Annotated[
        str, Field(json_schema_extra={"enum": ["FAILED", "HELD", "BOUNCED", "COMPLAINED"]})
    ]
    ErrorCode: Annotated[
        str,
        Field(min_length=1, description="see [delivery.md](delivery.md#why-a-mail-failed)"),
    ]


@_CLOSED
class DeliveryInDoubt(OfDelivery):
    """Of a mail it stayed unknown whether SES took it; it was sent again, or waits for somebody."""

    Outcome: Annotated[str, Field(json_schema_extra={"enum": ["SENT_AGAIN", "HELD"]})]


DETAIL_TYPES: dict[type, str] = {
    ExportCompleted: DetailType.EXPORT_COMPLETED,
    ExportFailed: DetailType.EXPORT_FAILED,
    BurstCompleted: DetailType.BURST_COMPLETED,
    ExportAtRisk: DetailType.EXPORT_AT_RISK,
    BurstAtRisk: DetailType.BURST_AT_RISK,
    ScheduleOutdated: DetailType.SCHEDULE_OUTDATED,
    RequestHeld: DetailType.HELD,
    DeliverySent: DetailType.DELIVERY_SENT,
    DeliveryFailed: DetailType.DELIVERY_FAILED,
    DeliveryInDoubt: DetailType.DELIVERY_IN_DOUBT,
}
