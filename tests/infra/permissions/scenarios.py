"""The ways whose calls are recorded: those of the crash points, and some for rights that no crash
point needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS
from tests.chaos.calls import Call, Choice, Fate, spare
from tests.chaos.points import ALL
from tests.chaos.scenarios import CSV, DONE, GONE, Scenario, csv, mail
from tests.chaos.stage import Stage
from tests.support.bursts import burst, csv_manifest, recipient, template
from tests.support.messages import csv_groups, message, pdf_group
from tests.support.world import make_bucket

ELSEWHERE = "allowed-bucket"
KEY_ELSEWHERE = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-1111-2222-3333-444455556666"
"""What that bucket is encrypted with."""
_DESTINATION = {
    "S3Destinations": [
        {
            "BucketConfiguration": {
                "BucketName": ELSEWHERE,
                "BucketPrefix": "mine",
                "BucketRegion": "us-east-1",
            }
        }
    ]
}
_TEMPLATE = template(groups=[CSV], Name="{recipient}")
Ask = tuple[str, str, Any, int]
"""Method, path, body, and the status of the answer."""


@dataclass(frozen=True)
class Watched:
    """A scenario whose calls are recorded, with the fates of its calls."""

    scenario: Scenario
    choose: Choice = spare


def buckets_of_others(stage: Stage) -> None:
    """Recipients are listed in an allowed bucket, and files go to one."""
    make_bucket(stage.session, ELSEWHERE)
    lines = b"RecipientId,tag:customer_id\na,cust-0001\n"
    stage.session.client("s3").put_object(Bucket=ELSEWHERE, Key="list.csv", Body=lines)
    theirs = {"S3Uri": f"s3://{ELSEWHERE}/list.csv", "Format": "CSV"}
    ours = csv_manifest(stage.world, lines)
    exported = csv("elsewhere")
    exported["SnapshotConfiguration"]["DestinationConfiguration"] = _DESTINATION
    sent = {"Burst": burst("sent", Template=_TEMPLATE, Manifest=theirs)}
    stage.deliver(sent, exported)
    for name, manifest in (("posted", theirs), ("kept", ours)):
        body = burst(name, Template=_TEMPLATE, Manifest=manifest)
        stage.call("POST", "/bursts", body, expect=(202,))


def recipient_refused_at_start(stage: Stage) -> None:
    """QuickSight refuses the only recipient of a burst: the burst ends, and another goes on."""
    stage.world.switch(
        "raise_exception", SnapshotJobId="refused-1", Exception="AccessDeniedException", times=99
    )
    stage.world.services.store.change_gate({"limit": 0})
    body = burst("refused", [recipient(1)], Template=_TEMPLATE, Priority=1)
    stage.deliver({"Burst": body}, csv("behind"))
    stage.when(
        lambda: (stage.status("refused-1"), stage.status("behind")) == ("QUEUED", "QUEUED"),
        lambda: stage.world.services.store.change_gate({"limit": 1}),
    )


def cancelled_in_its_second_part(stage: Stage) -> None:
    """The files of the first part are in their place when the export is cancelled."""
    stage.deliver(message("halves", dashboard="board-pack", groups=csv_groups(6)))
    stage.when(
        lambda: (
            stage.attempt("halves").get("attempt") == 2 and "started_at" in stage.attempt("halves")
        ),
        lambda: stage.call("DELETE", "/exports/halves", expect=(200,)),
    )


def burst_cancelled_while_it_waits(stage: Stage) -> None:
    """All exports of a burst wait when it is cancelled: the drain is its end."""
    stage.world.services.store.change_gate({"limit": 0})
    stage.deliver({"Burst": burst("never", [recipient(1)], Template=_TEMPLATE)})
    stage.when(
        lambda: stage.status("never-1") == "QUEUED",
        lambda: stage.call("DELETE", "/bursts/never", expect=(202,)),
    )


def burst_that_lost_its_message(stage: Stage) -> None:
    """The intake dies before it asks for the burst's recipients; the reconciler asks, when the
    dashboard has been published anew."""
    stage.deliver({"Burst": burst("lost", [recipient(1)], Template=_TEMPLATE)})
    publish = partial(stage.world.quicksight.emulator.put_dashboard, SAMPLE_DASHBOARDS[0])
    stage.at(5.0, publish)


def dies_before_it_asks(call: Call) -> Fate | None:
    """Kill the function that is about to send to a queue."""
    return Fate.BEFORE if call.operation.startswith("sqs.SendMessage") else None


def overdue(stage: Stage) -> None:
    """A job runs for much longer than expected: the reconciler asks QuickSight itself."""
    stage.world.switch("hang_job", SnapshotJobId="slow", times=1)
    until = stage.clock.now() + 1900
    stage.deliver(csv("slow"))
    stage.when(lambda: stage.clock.now() > until, stage.world.quicksight.emulator.clear_switches)


def looked_at(stage: Stage) -> None:
    """A user lists exports and schedules, looks at a dashboard, downloads a file, makes and deletes
    a schedule."""
    stage.deliver({"Burst": burst("seen", [recipient(1)], Template=_TEMPLATE)})
    daily = {"ScheduleExpression": "rate(1 day)", "Export": csv(None)}
    asks: list[Ask] = [
        ("GET", "/exports/seen-1", None, 200),
        ("GET", "/exports?Status=COMPLETED", None, 200),
        ("GET", "/exports?BurstId=none", None, 200),
        ("GET", "/exports?RecipientId=r-1", None, 200),
        ("GET", "/dashboards/sales-overview", None, 200),
        ("PUT", "/schedules/daily", daily, 200),
        ("GET", "/schedules", None, 200),
        ("DELETE", "/schedules/daily", None, 200),
    ]
    stage.when(lambda: stage.status("seen-1") == DONE, lambda: _ask(stage, asks))


def _ask(stage: Stage, asks: Sequence[Ask]) -> None:
    """One call after the other."""
    if not asks:
        return
    (method, path, body, status), *rest = asks
    answered = len(stage.answers)
    stage.call(method, path, body, expect=(status,))
    stage.when(lambda: len(stage.answers) > answered, lambda: _ask(stage, rest))


def ahead_of_time(stage: Stage) -> None:
    """A deadline is at risk; as jobs get slower a schedule's start is moved, and then made; one
    names a sheet that its dashboard does not have."""
    deadline = _iso(stage.clock.now() + 30)
    people = burst("late-ones", [recipient(1)], Template=_TEMPLATE, Deadline=deadline)
    stage.deliver(csv("late", Deadline=deadline), {"Burst": people})
    body = {
        "ReadyBy": {"Time": _iso(stage.clock.now() + 5400)[11:16], "EarliestMinutesBefore": 120},
        "Export": csv(None),
    }
    stage.call("PUT", "/schedules/ready", body, expect=(200,))
    old = {"ScheduleExpression": "rate(1 day)", "Export": message(None, groups=[pdf_group("gone")])}
    stage.call("PUT", "/schedules/outdated", old, expect=(200,))
    stage.when(
        lambda: "started_at" in stage.attempt("late-ones-1"),
        lambda: stage.invoke("warn_of_deadlines", {}),
    )
    for after, seconds in ((60.0, 1200.0), (120.0, 12000.0)):
        stage.at(after, partial(_learn, stage, seconds))
        stage.at(after + 1, lambda: stage.invoke("move_starts", {}))


def mail_not_asked_for(stage: Stage) -> None:
    """The message that asks for a mail gets lost: the reconciler asks."""
    stage.send_mails("HOLD")
    stage.deliver(csv("letter", Delivery=mail("anna@example.com")))


def mail_sent_again(stage: Stage) -> None:
    """A mail is in doubt and held, until somebody asks for it again."""
    mails = stage.send_mails("HOLD")
    stage.deliver(csv("letter", Delivery=mail("anna@example.com")))

    def act() -> None:
        mails.hold()
        stage.call("POST", "/exports/letter/resend", {}, expect=(202,))

    stage.when(mails.is_sending, act)


def dies_before_it_sends(call: Call) -> Fate | None:
    """Kill the function that is about to send a mail."""
    return Fate.BEFORE if call.operation == "sesv2.SendEmail" else None


def mail_of_an_aborted_end(stage: Stage) -> None:
    """The execution is stopped between the two writes of the end: another one ends the export."""
    stage.send_mails("HOLD")
    stage.deliver(csv("letter", Delivery=mail("anna@example.com")))
    stage.when(
        lambda: "ending_at" in stage.witness.read().exports.get("letter", {}),
        lambda: stage.abort("letter"),
    )


def dies_between_the_writes_of_an_end(call: Call) -> Fate | None:
    """Kill the function that has begun an export's end."""
    return Fate.AFTER if "store.py:begin_end" in call.place else None


def _learn(stage: Stage, seconds: float) -> None:
    for _ in range(40):
        stage.world.services.durations.learn("sales-overview", "CSV", seconds)


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


MORE = (
    Watched(
        Scenario("mail_not_asked_for", mail_not_asked_for, {"letter": DONE}, 1), dies_before_it_asks
    ),
    Watched(
        Scenario("mail_sent_again", mail_sent_again, {"letter": DONE}, 1), dies_before_it_sends
    ),
    Watched(
        Scenario("mail_of_an_aborted_end", mail_of_an_aborted_end, {"letter": DONE}, 1),
        dies_between_the_writes_of_an_end,
    ),
    Watched(
        Scenario(
            "buckets_of_others",
            buckets_of_others,
            dict.fromkeys(("elsewhere", "sent-2", "posted-2", "kept-2"), DONE),
            4,
        )
    ),
    Watched(
        Scenario(
            "recipient_refused_at_start",
            recipient_refused_at_start,
            {"refused-1": "FAILED", "behind": DONE},
            1,
        )
    ),
    Watched(
        Scenario(
            "cancelled_in_its_second_part",
            cancelled_in_its_second_part,
            {"halves": GONE},
            2,
            seconds=64.0,
        )
    ),
    Watched(
        Scenario(
            "burst_cancelled_while_it_waits", burst_cancelled_while_it_waits, {"never-1": GONE}, 0
        )
    ),
    Watched(
        Scenario("burst_that_lost_its_message", burst_that_lost_its_message, {"lost-1": DONE}, 1),
        dies_before_it_asks,
    ),
    Watched(Scenario("overdue", overdue, {"slow": DONE}, 1)),
    Watched(Scenario("looked_at", looked_at, {"seen-1": DONE}, 1)),
    Watched(
        Scenario(
            "ahead_of_time", ahead_of_time, {"late": DONE, "late-ones-1": DONE}, 2, seconds=300.0
        )
    ),
)
WATCHED = (*(Watched(each) for each in ALL), *MORE)
