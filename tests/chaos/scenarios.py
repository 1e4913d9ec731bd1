"""The ways that exports go, each played once for each of its calls and each fate of a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.quicksight.catalogue import DataSet
from snapshot_export.adapters.table.dynamodb import update_of
from snapshot_export.settings import DAY_SECONDS
from tests.chaos.stage import Stage
from tests.support.bursts import burst, csv_manifest, recipient, template
from tests.support.messages import csv_groups, message, visuals_group
from tests.support.world import WORK_GROUP

CSV = visuals_group("CSV", "lines")
_LATER = "2027-02-01T00:00:00Z"
PLAY = Callable[[Stage], None]


@dataclass(frozen=True)
class Scenario:
    """One way. `ends`: the statuses that each accepted export may have, joined by `|`.

    `jobs`: how many snapshot jobs QuickSight runs for it, neither more nor fewer.
    """

    name: str
    play: PLAY
    ends: dict[str, str]
    jobs: int
    limit: int = 2
    seconds: float = 18.0
    """How long a job takes: one poll finds it running, the next one ended."""
    refused: frozenset[str] = field(default_factory=frozenset)
    """Ids of the messages that must lie in the rejected queue."""
    retention_days: int = 30
    late_cancel: bool = False
    """Whether a kill may put a cancellation off until exports of it have run to their ends."""

    def allowed_ends(self, *, killed: bool) -> dict[str, str]:
        """The ends, judged after something was killed or nothing."""
        late = "|COMPLETED" if killed and self.late_cancel else ""
        return {name: end + late for name, end in self.ends.items()}

    def allowed_jobs(self, *, killed: bool) -> range:
        """How many snapshot jobs there may be."""
        most = len(self.ends) if killed and self.late_cancel else self.jobs
        return range(self.jobs, most + 1)


def csv(export_id: str | None, **more: Any) -> dict[str, Any]:
    """A request of one small file."""
    return message(export_id, groups=[CSV], **more)


def delivered_twice(stage: Stage) -> None:
    """One message, and its duplicate while it runs."""
    stage.deliver(csv("one"))
    stage.when(lambda: stage.status("one") == "RUNNING", lambda: stage.deliver(csv("one")))


def two_parts(stage: Stage) -> None:
    """Six CSVs are two jobs, one after the other."""
    stage.deliver(message("parts", dashboard="board-pack", groups=csv_groups(6)))


def merged_sheets(stage: Stage) -> None:
    """Two sheets are one PDF, made by two jobs."""
    body = message("merged", Merge={"FormatType": "PDF", "Sheets": "ALL"})
    del body["SnapshotConfiguration"]
    stage.deliver(body)


def nothing_to_say(stage: Stage) -> None:
    """One export without rows is skipped by its probe, another one by its own file is marked."""
    probe = {"SheetId": "details", "VisualId": "lines"}
    stage.deliver(
        message("skipped", customer="cust-9999", IfEmpty="SKIP", Probe=probe),
        csv("noted", customer="cust-9999", IfEmpty="NOTE"),
    )


def full_slots(stage: Stage) -> None:
    """Two exports in a batch and one slot: the end of one admits the other."""
    stage.deliver(csv("late"), csv("first", Priority=1))


def fails_once(stage: Stage) -> None:
    """A job fails for a reason that can pass."""
    stage.world.switch("fail_job", ErrorType="INTERNAL_FAILURE")
    stage.deliver(csv("again"))


def fails_for_good(stage: Stage) -> None:
    """A job fails for a reason that does not pass."""
    stage.world.switch("fail_job", ErrorType="DATASET_DELETED")
    stage.deliver(csv("failing"))


def start_refused(stage: Stage) -> None:
    """QuickSight refuses to start the job."""
    stage.world.switch(
        "raise_exception",
        Operation="StartDashboardSnapshotJob",
        Exception="AccessDeniedException",
        times=99,
    )
    stage.deliver(csv("denied"))


def slots_of_others(stage: Stage) -> None:
    """Somebody else uses all slots but one: an export is given back, and tried again."""
    stage.world.quicksight.emulator.occupy(11, 24.0)
    stage.deliver(csv("lucky"), csv("patient"))


def forgotten_job(stage: Stage) -> None:
    """QuickSight no longer knows a job that it had taken: the slot is freed, and tried again."""
    stage.world.switch(
        "raise_exception",
        Operation="DescribeDashboardSnapshotJob",
        Exception="ResourceNotFoundException",
        SnapshotJobId="forgotten-1",
        times=999,
    )
    stage.deliver(csv("forgotten"))


def result_late(stage: Stage) -> None:
    """The result cannot be read at first; the state machine repeats the step."""
    stage.world.switch(
        "raise_exception",
        Operation="DescribeDashboardSnapshotJobResult",
        Exception="InternalFailureException",
        times=2,
    )
    stage.deliver(csv("late-result"))


def throttled(stage: Stage) -> None:
    """Others call QuickSight too: a start and a poll are throttled, and the pace is lowered."""
    for operation in ("StartDashboardSnapshotJob", "DescribeDashboardSnapshotJob"):
        stage.world.switch(
            "raise_exception", Operation=operation, Exception="ThrottlingException", times=1
        )
    stage.deliver(csv("paced"))


def cancel_waiting(stage: Stage) -> None:
    """An export is cancelled that waits, as another does."""
    stage.world.services.store.change_gate({"limit": 0})
    stage.deliver(csv("waits"), csv("goes-on"))
    stage.when(
        lambda: (stage.status("waits"), stage.status("goes-on")) == ("QUEUED", "QUEUED"),
        lambda: stage.call("DELETE", "/exports/waits", expect=(200,)),
    )
    stage.when(
        lambda: stage.status("waits") == "CANCELLED",
        lambda: stage.world.services.store.change_gate({"limit": None}),
    )


def cancel_running(stage: Stage) -> None:
    """An export is cancelled whose job runs."""
    stage.deliver(csv("stopped"))
    stage.when(
        lambda: "started_at" in stage.attempt("stopped"),
        lambda: stage.call("DELETE", "/exports/stopped", expect=(200,)),
    )


def cancel_retrying(stage: Stage) -> None:
    """An export is cancelled that waits for its second attempt."""
    stage.world.switch("fail_job", ErrorType="INTERNAL_FAILURE")
    stage.deliver(csv("retrying"))
    stage.when(
        lambda: bool(stage.witness.read().entries) and not stage.attempt("retrying"),
        lambda: _cancel_second(stage),
    )


def cancel_between_parts(stage: Stage) -> None:
    """An export is cancelled that waits for its second part: the files of the first go."""
    stage.world.services.store.change_gate({"limit": 1})
    stage.deliver(message("halves", dashboard="board-pack", groups=csv_groups(6)))
    stage.when(
        lambda: "started_at" in stage.attempt("halves"),
        lambda: stage.call("PUT", "/capacity", {"PausedUntil": _LATER}, expect=(200,)),
    )
    stage.when(
        lambda: stage.witness.read().exports.get("halves", {}).get("part") == 1,
        lambda: stage.call("DELETE", "/exports/halves", expect=(200,)),
    )


def _cancel_second(stage: Stage) -> None:
    if stage.witness.read().exports["retrying"]["attempt"] == 2:
        stage.call("DELETE", "/exports/retrying", expect=(200,))
    else:
        stage.when(
            lambda: stage.witness.read().exports["retrying"]["attempt"] == 2,
            lambda: stage.call("DELETE", "/exports/retrying", expect=(200,)),
        )


def cancel_before_start(stage: Stage) -> None:
    """An export is cancelled that was admitted while QuickSight does not take its start."""
    stage.world.switch("raise_exception", Exception="InternalFailureException", times=999)
    stage.deliver(csv("unstarted"))
    stage.when(
        lambda: bool(stage.attempt("unstarted")),
        lambda: stage.call("DELETE", "/exports/unstarted", expect=(200,)),
    )


def aborted_execution(stage: Stage) -> None:
    """A hand stops the execution while the job runs; the reconciler starts another."""
    stage.deliver(csv("aborted"))
    stage.when(lambda: "started_at" in stage.attempt("aborted"), lambda: stage.abort("aborted"))


def counter_changed(stage: Stage) -> None:
    """A hand changes the counter; the reconciler sets it to the leases."""

    def change() -> None:
        stage.witness.hand_made_drift = True
        _set_running(stage, 2)

    stage.deliver(csv("counted"))
    stage.when(lambda: "started_at" in stage.attempt("counted"), change)
    stage.when(
        lambda: stage.witness.hand_made_drift and _is_in_step(stage),
        lambda: setattr(stage.witness, "hand_made_drift", False),
    )


def _is_in_step(stage: Stage) -> bool:
    seen = stage.witness.read()
    return seen.running == len(seen.leases)


def _set_running(stage: Stage, value: int) -> None:
    stage.world.services.store._table.update(
        update_of(stage.world.keys.gate, "SET running = :v", values={":v": value})
    )


def stale_entry(stage: Stage) -> None:
    """A hand leaves the backlog entry of an export that ended: it stops nobody behind it."""
    store = stage.world.services.store

    def spoil() -> None:
        stage.witness.hand_made_drift = True
        store._table.update(
            update_of(
                stage.world.keys.export("stale"),
                "SET #status = :failed, finished_at = :at",
                values={":failed": "FAILED", ":at": stage.clock.now()},
            )
        )
        stage.witness.events["stale"].append({"Status": "FAILED"})
        store.change_gate({"limit": 1})

    store.change_gate({"limit": 0})
    stage.deliver(csv("stale", Priority=1), csv("behind"))
    stage.when(
        lambda: (stage.status("stale"), stage.status("behind")) == ("QUEUED", "QUEUED"), spoil
    )
    stage.when(
        lambda: stage.witness.hand_made_drift and stage.status("behind") != "QUEUED",
        lambda: setattr(stage.witness, "hand_made_drift", False),
    )


def expiring_addresses(stage: Stage) -> None:
    """No bucket is named, so QuickSight hands out addresses that expire."""
    body = csv("addresses")
    body["SnapshotConfiguration"] |= {"DestinationConfiguration": {}}
    stage.deliver(body)


def refused_messages(stage: Stage) -> None:
    """What can never work is refused and kept, and its neighbours are not held up."""
    stage.deliver("{", csv("good"), csv("good", customer="cust-0002"), csv("bad", Priority=77))


def registered_user(stage: Stage) -> None:
    """An export with the identity of a registered user."""
    body = csv("manager", RegisteredUser={"UserName": "manager-2"})
    del body["UserConfiguration"]
    stage.deliver(body)


def api_and_capacity(stage: Stage) -> None:
    """The gate is closed by the API, an export is posted and waits, the gate is opened."""
    stage.call("PUT", "/capacity", {"Limit": 0}, expect=(200,))
    stage.when(
        lambda: stage.witness.limit_of(stage.witness.read()) == 0,
        lambda: stage.call("POST", "/exports", csv("posted"), expect=(202,)),
    )
    stage.when(
        lambda: any(name == "POST /exports" for name, _, _ in stage.answers),
        lambda: stage.call("GET", "/exports/posted", expect=(200,)),
    )
    stage.when(
        lambda: any(name == "GET /exports/posted" for name, _, _ in stage.answers),
        lambda: stage.call("PUT", "/capacity", {"Limit": 1}, expect=(200,)),
    )


def limit_lowered(stage: Stage) -> None:
    """The limit is set below what runs: that drains first, and what waits goes on waiting."""
    stage.deliver(csv("low-1"), csv("low-2"), csv("low-3"))
    stage.when(
        lambda: len(stage.witness.read().attempts) == 2,
        lambda: stage.call("PUT", "/capacity", {"Limit": 1}, expect=(200,)),
    )


def schedule_occurs(stage: Stage) -> None:
    """A schedule is made; its occurrence comes twice."""
    body = {"ScheduleExpression": "rate(1 day)", "Export": csv(None)}
    stage.call("PUT", "/schedules/daily", body, expect=(200,))
    occurrence = {
        "Schedule": "daily",
        "Occurrence": "2026-11-23T06:00:00Z",
        "Timezone": "UTC",
        "Export": csv(None),
    }

    def occur() -> None:
        stage.deliver(occurrence, name="first")
        stage.deliver(occurrence, name="second")

    stage.when(lambda: any(name.startswith("PUT") for name, _, _ in stage.answers), occur)


def schedule_by_hand(stage: Stage) -> None:
    """Occurrences of two days are run by hand, while the Scheduler's message of one comes late."""
    body = {"ScheduleExpression": "cron(0 6 * * ? *)", "Export": csv(None)}
    days = {"From": "2027-01-14", "To": "2027-01-15"}
    late = {
        "Schedule": "nightly",
        "Occurrence": "2027-01-15T06:00:00Z",
        "Timezone": "UTC",
        "Export": csv(None),
    }

    def run() -> None:
        stage.call("POST", "/schedules/nightly/run", days, expect=(202,))
        stage.deliver(late)

    stage.call("PUT", "/schedules/nightly", body, expect=(200,))
    stage.when(lambda: any(name.startswith("PUT") for name, _, _ in stage.answers), run)


def burst_of_a_manifest(stage: Stage) -> None:
    """A burst is expanded, two of its recipients refused, one that stands twice, and closed;
    its files are also one zip."""
    lines = "r-1,cust-0001\rr-2,\r\nr-3,cust-0003\nR-1,cust-0004\n"
    manifest = csv_manifest(stage.world, f"RecipientId,tag:customer_id\n{lines}")
    body = {"Template": template(groups=[CSV], Name="{recipient}"), "Manifest": manifest}
    stage.deliver({"Burst": {"BurstId": "people", "Zip": True, **body}})


def rules_change(stage: Stage) -> None:
    """One export is refused for its tags; of another the rules change before it can start."""
    stage.world.services.store.change_gate({"limit": 0})
    stage.deliver(csv("everyones", customer="*"), csv("late"))

    def publish() -> None:
        stage.world.quicksight.emulator.put_data_set(DataSet("sales", "Sales"))
        stage.world.clock.sleep(60.0)
        stage.world.services.store.change_gate({"limit": 2})

    stage.when(lambda: stage.status("late") == "QUEUED", publish)


def burst_of_one_name(stage: Stage) -> None:
    """A burst by the API whose recipients' files would have one name; one of them fails."""
    stage.world.switch("fail_job", SnapshotJobId="same-2", ErrorType="DATASET_DELETED")
    body = burst("same", [recipient(1), recipient(2)])
    body["Template"] = template(groups=[CSV], Name="report")
    stage.call("POST", "/bursts", body, expect=(202,))


def burst_retried(stage: Stage) -> None:
    """A burst of which one export failed is retried once it has ended; the call is repeated."""
    stage.world.switch("fail_job", SnapshotJobId="again-2-1", ErrorType="DATASET_DELETED")
    body = burst("again", [recipient(1), recipient(2)])
    body["Template"] = template(groups=[CSV], Name="report")

    def retry() -> None:
        stage.call("POST", "/bursts/again/retry", {"Revision": 2}, expect=(202,))

    stage.deliver({"Burst": body})
    stage.when(lambda: stage.burst("again").get("status") == "COMPLETED_WITH_FAILURES", retry)
    stage.when(lambda: stage.burst("again").get("revision") == 2, retry)


def one_id_twice(stage: Stage) -> None:
    """An export and a burst of one id, whose files would have one key."""
    body = burst("shared", [recipient(1)])
    body["Template"] = template(groups=[CSV], Name="report")
    stage.deliver({"Burst": body}, csv("shared", Name="report"))


def burst_cancelled(stage: Stage) -> None:
    """A burst is cancelled while one export runs and one waits."""
    body = burst("stop", [recipient(1), recipient(2)])
    body["Template"] = template(groups=[CSV], Name="{recipient}")
    stage.deliver({"Burst": body})
    stage.when(
        lambda: "started_at" in stage.attempt("stop-1") and stage.status("stop-2") == "QUEUED",
        lambda: stage.call("DELETE", "/bursts/stop", expect=(202,)),
    )


def burst_of_a_query(stage: Stage) -> None:
    """A query finds another number of recipients than expected; its burst is held and released."""
    athena = {"QueryString": "SELECT 1", "WorkGroup": WORK_GROUP}
    body = {"Template": template(groups=[CSV], Name="{recipient}"), "BurstId": "asked"}
    stage.deliver({"Burst": {**body, "Manifest": {"Athena": athena, "ExpectedCount": 9}}})
    stage.when(
        lambda: stage.burst("asked").get("status") == "HELD",
        lambda: stage.call("POST", "/bursts/asked/release", {}, expect=(202,)),
    )


def burst_of_days(stage: Stage) -> None:
    """A burst takes days longer than its records are kept, which must not expire meanwhile."""
    body = burst("slow", [recipient(1), {"Name": "nobody"}, recipient(2)])
    body["Template"] = template(groups=[CSV], Name="report")
    stage.deliver({"Burst": body})
    stage.when(
        lambda: stage.status("slow-1") == "RUNNING",
        lambda: stage.world.services.store.change_gate({"limit": 0}),
    )
    stage.when(lambda: stage.status("slow-1") == "COMPLETED", lambda: _days_pass(stage, times=2))


def _days_pass(stage: Stage, times: int) -> None:
    """Past the moment at which the burst's records must be kept for longer, as many times."""

    def kept_until() -> float:
        return float(stage.witness.read().bursts["slow"]["kept_until"])

    def jump() -> None:
        stage.clock.sleep(kept_until() + DAY_SECONDS / 2 - stage.clock.now())
        stage.witness.expire(stage.clock.now())
        _days_pass(stage, times - 1)

    if times:
        stage.when(lambda: kept_until() > stage.clock.now(), jump)
    else:
        stage.world.services.store.change_gate({"limit": None})


def after(otherwise: str, until: str = "PT3M") -> dict[str, Any]:
    """What a request waits for: a refresh of the data set `fresh`."""
    return {"DataSets": ["fresh"], "Since": "PT1H", "Until": until, "Otherwise": otherwise}


def data_comes(stage: Stage) -> None:
    """An export and a burst wait for one data set, which is refreshed."""
    stage.world.quicksight.emulator.put_data_set(DataSet("fresh", "Fresh"))
    body = burst("awaited", [recipient(1)], Template=template(groups=[CSV], Name="{recipient}"))
    stage.deliver(csv("awaits", After=after("FAIL", "PT1H")))
    stage.deliver({"Burst": body | {"After": after("FAIL", "PT1H")}}, name="burst")
    stage.at(65, lambda: stage.world.quicksight.emulator.refresh("fresh"))


def data_does_not_come(stage: Stage) -> None:
    """One fails, one is held and released, one that waits is cancelled, a burst fails."""
    stage.world.quicksight.emulator.put_data_set(DataSet("fresh", "Fresh"))
    stage.deliver(
        csv("fails", After=after("FAIL")),
        csv("held", After=after("HOLD")),
        csv("sent", After=after("SEND")),
        csv("given-up", After=after("FAIL", "PT1H")),
    )
    body = burst("nobody", [recipient(1)], Template=template(groups=[CSV], Name="{recipient}"))
    stage.deliver({"Burst": body | {"After": after("HOLD")}}, name="burst")
    stage.when(
        lambda: stage.status("given-up") == "WAITING_FOR_DATA",
        lambda: stage.call("DELETE", "/exports/given-up", expect=(200,)),
    )
    stage.when(
        lambda: stage.status("held") == "HELD",
        lambda: stage.call("POST", "/exports/held/release", {}, expect=(202,)),
    )
    stage.when(
        lambda: stage.burst("nobody").get("status") == "HELD",
        lambda: stage.call("POST", "/bursts/nobody/release", {}, expect=(202,)),
    )


DONE, GONE = "COMPLETED", "CANCELLED"


def hinted(stage: Stage) -> None:
    """The files of a job come, and hints with them, one of them twice: its end starts the next,
    whose dashboard was last read over a minute ago."""
    stage.world.services.store.change_gate({"hints_missed": 1})
    first = message("first", dashboard="board-pack", groups=csv_groups(2), Priority=1)
    stage.deliver(first, csv("behind"))
    for after in (63.95, 63.96):
        _hint_after(stage, "first", after)


def hinted_user(stage: Stage) -> None:
    """A hint of the job of a registered user."""
    stage.world.services.store.change_gate({"hints_missed": 0})
    registered_user(stage)
    _hint_after(stage, "manager", 17.95)


def hinted_refused(stage: Stage) -> None:
    """Before the job's end its result is refused by another error: the status is asked for. Where
    the function dies before it asks, the refusal meets who collects, and is the export's end."""
    stage.world.services.store.change_gate({"hints_missed": 0})
    stage.world.switch(
        "raise_exception",
        Operation="DescribeDashboardSnapshotJobResult",
        Exception="InvalidParameterValueException",
    )
    stage.deliver(csv("asked"))
    _hint_after(stage, "asked", 17.95)


def _hint_after(stage: Stage, export_id: str, seconds: float) -> None:
    stage.when(
        lambda: "started_at" in stage.attempt(export_id),
        lambda: stage.at(seconds, lambda: stage.hint(export_id)),
    )


def mailed(stage: Stage) -> None:
    """One export to two addresses; what stays in doubt is held."""
    stage.send_mails("HOLD")
    stage.deliver(csv("mailed", Delivery=mail("anna@example.com", "ben@example.com")))


def mailed_again(stage: Stage) -> None:
    """A burst of two, each with its own address; what stays in doubt is sent again, and SES's
    events come too late for it."""
    stage.send_mails("SEND", late=900.0)
    people = [recipient(number, Email=f"r{number}@example.com") for number in (1, 2)]
    wanted = template(Name="{recipient}", groups=[CSV], Delivery=mail())
    stage.deliver({"Burst": burst("letters", people, Template=wanted)})


def linked(stage: Stage) -> None:
    """Mails with links to two addresses: each link is followed, then they are revoked."""
    links = stage.send_mails("HOLD", links=True).links
    assert links is not None
    delivery = mail("anna@example.com", "ben@example.com", Attach="NEVER")
    stage.deliver(csv("linked", Delivery=delivery))

    def act() -> None:
        links.follow()
        stage.at(60.0, lambda: links.revoke("linked"))

    stage.when(links.are_settled, act)


def mail(*to: str, **more: Any) -> dict[str, Any]:
    email: dict[str, Any] = {"Subject": "{dashboard}", "Body": {"Text": "{export}"}} | more
    return {"Email": email | ({"To": list(to)} if to else {})}


SCENARIOS = (
    Scenario(
        "burst_of_a_query", burst_of_a_query, {f"asked-{line}": DONE for line in (2, 3, 4)}, 3
    ),
    Scenario("delivered_twice", delivered_twice, {"one": DONE}, 1),
    Scenario("two_parts", two_parts, {"parts": DONE}, 2),
    Scenario("merged_sheets", merged_sheets, {"merged": DONE}, 2),
    Scenario("nothing_to_say", nothing_to_say, {"skipped": DONE, "noted": DONE}, 2),
    Scenario("full_slots", full_slots, {"late": DONE, "first": DONE}, 2, limit=1),
    Scenario("fails_once", fails_once, {"again": DONE}, 2),
    Scenario("fails_for_good", fails_for_good, {"failing": "FAILED"}, 1),
    Scenario("start_refused", start_refused, {"denied": "FAILED"}, 0),
    Scenario("slots_of_others", slots_of_others, {"lucky": DONE, "patient": DONE}, 2),
    Scenario("forgotten_job", forgotten_job, {"forgotten": DONE}, 2),
    Scenario("result_late", result_late, {"late-result": DONE}, 1),
    Scenario("throttled", throttled, {"paced": DONE}, 1),
    Scenario("cancel_waiting", cancel_waiting, {"waits": GONE, "goes-on": DONE}, 1),
    Scenario("cancel_running", cancel_running, {"stopped": GONE}, 1, seconds=64.0),
    Scenario("cancel_retrying", cancel_retrying, {"retrying": GONE}, 1),
    Scenario("cancel_between_parts", cancel_between_parts, {"halves": GONE}, 1, seconds=64.0),
    Scenario("cancel_before_start", cancel_before_start, {"unstarted": GONE}, 0),
    Scenario("aborted_execution", aborted_execution, {"aborted": DONE}, 1, seconds=64.0),
    Scenario("counter_changed", counter_changed, {"counted": DONE}, 1, seconds=64.0),
    Scenario("stale_entry", stale_entry, {"stale": "FAILED", "behind": DONE}, 1),
    Scenario("expiring_addresses", expiring_addresses, {"addresses": DONE}, 1),
    Scenario(
        "refused_messages",
        refused_messages,
        {"good": DONE},
        1,
        refused=frozenset({"message-1", "message-3", "message-4"}),
    ),
    Scenario("rules_change", rules_change, {"late": "FAILED"}, 0, refused=frozenset({"message-1"})),
    Scenario("data_comes", data_comes, {"awaits": DONE, "awaited-1": DONE}, 2),
    Scenario(
        "data_does_not_come",
        data_does_not_come,
        {
            "fails": "FAILED",
            "held": DONE,
            "sent": DONE,
            "given-up": GONE,
            "nobody-1": DONE,
        },
        3,
    ),
    Scenario("registered_user", registered_user, {"manager": DONE}, 1),
    Scenario("hinted", hinted, {"first": DONE, "behind": DONE}, 2, limit=1, seconds=64.0),
    Scenario("hinted_user", hinted_user, {"manager": DONE}, 1),
    Scenario("hinted_refused", hinted_refused, {"asked": f"{DONE}|FAILED"}, 1),
    Scenario("api_and_capacity", api_and_capacity, {"posted": DONE}, 1),
    Scenario("limit_lowered", limit_lowered, {f"low-{each}": DONE for each in (1, 2, 3)}, 3),
    Scenario("schedule_occurs", schedule_occurs, {"daily-20261123T060000Z": DONE}, 1),
    Scenario(
        "schedule_by_hand",
        schedule_by_hand,
        {"nightly-20270114T060000Z": DONE, "nightly-20270115T060000Z": DONE},
        2,
    ),
    Scenario("burst_of_a_manifest", burst_of_a_manifest, {"people-2": DONE, "people-4": DONE}, 2),
    Scenario("burst_of_one_name", burst_of_one_name, {"same-1": DONE, "same-2": "FAILED"}, 2),
    Scenario("burst_retried", burst_retried, {"again-1": DONE, "again-2": DONE}, 3),
    Scenario(
        "burst_of_days",
        burst_of_days,
        {"slow-1": DONE, "slow-3": DONE},
        2,
        limit=1,
        retention_days=1,
    ),
    Scenario("one_id_twice", one_id_twice, {"shared-1": DONE, "shared": DONE}, 2),
    Scenario(
        "burst_cancelled",
        burst_cancelled,
        {"stop-1": GONE, "stop-2": GONE},
        1,
        limit=1,
        seconds=64.0,
        late_cancel=True,
    ),
)

MAILED = (
    Scenario("mailed", mailed, {"mailed": DONE}, 1),
    Scenario("linked", linked, {"linked": DONE}, 1),
    Scenario("mailed_again", mailed_again, {"letters-1": DONE, "letters-2": DONE}, 2),
)
"""Of deployments that send mails, which the others do not."""
