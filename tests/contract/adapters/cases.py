"""What the adapters are to see of AWS. Each case yields (fact, what was seen, what AWS does).

A fact is what an adapter relies on; the words of AWS are in the adapters' docstrings, or in
known_differences.py where one of the implementations answers otherwise.
"""

from __future__ import annotations

import json
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from snapshot_export.adapters.s3.transfers import TimeLimit
from snapshot_export.adapters.table.dynamodb import delete_of, put_of, update_of
from snapshot_export.adapters.table.listing import ListFilter
from snapshot_export.adapters.table.throughput import Overheads
from snapshot_export.domain.burst import BurstStatus, Work
from snapshot_export.domain.dashboard import (
    Definition,
    Parameter,
    Published,
    Sheet,
    Version,
    Visual,
)
from snapshot_export.domain.export import Attempt
from snapshot_export.domain.first_delivery import FirstDelivery
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.domain.row_level_security import DashboardSecurity, Unreadable
from snapshot_export.domain.schedule import Schedule
from snapshot_export.flows.burst.cancel import cancel_burst, drain
from snapshot_export.flows.burst.expand import expand
from snapshot_export.flows.export.admit import admit
from snapshot_export.flows.export.cancel import cancel
from snapshot_export.flows.take_message import accept_message
from tests.contract.adapters.facts import Case, Facts, failed_positions, failure, table_of
from tests.contract.adapters.implementations import Deployment
from tests.contract.adapters.link_cases import LINK_CASES
from tests.contract.adapters.quicksight_cases import QUICKSIGHT_CASES
from tests.support.bursts import burst, recipient
from tests.support.messages import message

KEYS = ("plain.pdf", "what?.pdf", "Invoice #3.pdf", "a+b%20c.pdf", "a//b.pdf", "Zürich.pdf")
FAR = TimeLimit(lambda: 0.0, 1.0)
EXPIRES = 2_000_000_000


def reads_of_a_partition(deployment: Deployment) -> Facts:
    table = table_of(deployment)
    for name in "cadbe":
        table.write(put_of(("p", f"k{name}"), {"name": name, "number": 0.1, "none": None}))
    table.write(put_of(("p", "other"), {"name": "o"}))

    def names(**how: Any) -> str:
        return "".join(item["name"] for item in table.query("p", **how))

    yield "an absent item", table.get(("p", "none")), None
    yield (
        "an item",
        table.get(("p", "ka")),
        {"pk": "p", "sk": "ka", "name": "a", "number": 0.1},
    )
    yield "order", names(), "abcdeo"
    yield "reverse order", names(last_first=True), "oedcba"
    yield "a prefix", names(prefix="k"), "abcde"
    yield "up to a key", names(up_to="kb"), "ab"
    yield "behind a key", names(after="kc"), "deo"
    yield "behind a key that is not there", names(after="kcc"), "deo"
    yield "behind a key, in reverse", names(after="kc", last_first=True), "ba"
    yield "a limit", names(limit=3), "abc"
    yield "pages", names(page=2), "abcdeo"
    yield "a prefix in pages", names(prefix="k", page=2), "abcde"
    yield "a count", table.count("p", before="kd", most=10), 3
    yield "a count, at most", table.count("p", before="kd", most=2), 2
    found = table.get_many([("p", "ka"), ("p", "kz"), ("p", "kb")], ["name"])
    yield "a batch", sorted(item["name"] for item in found), ["a", "b"]
    yield "only what was asked for", {key for item in found for key in item}, {"name"}


def conditional_writes(deployment: Deployment) -> Facts:
    table = table_of(deployment)
    absent = "attribute_not_exists(pk)"
    first = put_of(("p", "k"), {"n": 1}, condition=absent)
    yield "a put that may", failure(lambda: table.write(first)), "nothing"
    yield "a put that may not", failed_positions(lambda: table.write(first)), FAILED_FIRST
    added = table.update(update_of(("p", "new"), "ADD n :n SET m = :n", values={":n": 2}))
    yield "an update makes its item", added, {"pk": "p", "sk": "new", "n": 2, "m": 2}
    seen = update_of(("p", "k"), "SET n = n + :n", condition="n = :n", values={":n": 1})
    yield "an update answers what is now", table.update(seen)["n"], 2
    yield "an update that may not", failed_positions(lambda: table.update(seen)), FAILED_FIRST
    odd = update_of(
        ("p", "odd"),
        "SET n = :n",
        condition="n = :n OR NOT attribute_type(n, :type)",
        values={":n": 1, ":type": "N"},
    )
    yield "NOT attribute_type holds where nothing is", table.update(odd)["n"], 1
    gone = delete_of(("p", "k"), condition="n = :n", values={":n": 1})
    yield "a delete that may not", failed_positions(lambda: table.write(gone)), FAILED_FIRST
    none = delete_of(("p", "nobody"))
    yield "a delete of nothing", failure(lambda: table.write(none)), "nothing"
    compared = update_of(("p", "nobody"), "SET n = :n", condition="n <= :n", values={":n": 1})
    yield (
        "no comparison holds of what is absent",
        failed_positions(lambda: table.update(compared)),
        FAILED_FIRST,
    )
    big = put_of(("p", "big"), {"text": "x" * 410_000})
    yield "an item over 400 KB", failed_positions(lambda: table.write(big)), REFUSED
    empty = put_of(("p", ""), {"n": 1})
    yield "an empty sort key", failed_positions(lambda: table.write(empty)), REFUSED
    typed = update_of(("p", "new"), "SET n = n + :n", values={":n": "text"})
    yield "a sum with a text", failed_positions(lambda: table.update(typed)), REFUSED
    path = update_of(("p", "new"), "SET a.b = :n", values={":n": 1})
    yield "a path into nothing", failed_positions(lambda: table.update(path)), REFUSED


FAILED_FIRST = ("ConditionFailedError", (0,))
REFUSED = ("WriteRefusedError", ())


def transactions(deployment: Deployment) -> Facts:
    table = table_of(deployment)
    absent = "attribute_not_exists(pk)"

    def put(key: str, **attributes: Any) -> dict[str, Any]:
        return put_of(("p", key), attributes, condition=absent)

    yield "all writes", failure(lambda: table.transact([put("a"), put("b")])), "nothing"
    yield (
        "the writes that failed",
        failed_positions(lambda: table.transact([put("c"), put("a"), put("d"), put("b")])),
        ("ConditionFailedError", (1, 3)),
    )
    yield "none of the others", [i["sk"] for i in table.query("p")], ["a", "b"]
    check = update_of(("p", "e"), "SET n = :n", condition="n = :n", values={":n": 1})
    yield (
        "an update of nothing",
        failed_positions(lambda: table.transact([put("c"), check])),
        ("ConditionFailedError", (1,)),
    )
    yield (
        "one item twice",
        failed_positions(lambda: table.transact([put("f"), delete_of(("p", "f"))])),
        REFUSED,
    )
    typed = update_of(("p", "a"), "SET n = missing + :n", values={":n": 1})
    yield (
        "a write that is refused",
        failed_positions(lambda: table.transact([put("g"), typed])),
        ("WriteRefusedError", (1,)),
    )
    yield "nothing of a refused transaction", table.get(("p", "g")), None
    many = [put(f"many-{index:03d}") for index in range(100)]
    yield "a hundred writes", failure(lambda: table.transact(many)), "nothing"


def lists(deployment: Deployment) -> Facts:
    services = deployment.services
    for number in range(5):
        accept_message(
            services,
            message_id=f"m{number}",
            body=json.dumps(message(f"export-{number}")),
            sent_at=services.now() + number,
        )

    def ids(before: str | None = None, limit: int = 10) -> tuple[list[str], str | None]:
        page = services.listing.page(ListFilter(), limit=limit, before=before)
        return [row["export_id"] for row in page.rows], page.next_place

    newest = [f"export-{number}" for number in (4, 3, 2, 1, 0)]
    yield "the newest first", ids()[0], newest
    page, place = ids(limit=2)
    yield "a page", page, newest[:2]
    yield "the next page", ids(before=place)[0], newest[2:]
    row = services.listing.page(ListFilter(), limit=1).rows[0]
    yield "only what is projected", "snapshot_configuration" in row, False
    between = ListFilter(accepted_from=services.now() + 1, accepted_to=services.now() + 2)
    found = services.listing.page(between, limit=9).rows
    yield "between two times", [r["export_id"] for r in found], ["export-2", "export-1"]


def way_of_an_export(deployment: Deployment) -> Facts:
    services = deployment.services
    store = services.store
    accepted = [
        accept_message(
            services, message_id="m", body=json.dumps(message("one")), sent_at=services.now()
        ).status.value
        for _ in range(2)
    ]
    yield "accepted, once", accepted, ["QUEUED", "QUEUED"]
    yield "waiting", [e.export_id for e in store.first_waiting(9, services.now())], ["one"]
    admit(services)
    lease = store.attempt("one")
    yield "admitted", bool(lease and lease.holds_slot), True
    yield "the gate", (store.gate().running, len(store.leases())), (1, 1)
    yield "its execution", len(services.executions.running_names()), 1
    assert lease is not None
    started = store.mark_started(lease, services.now())
    yield (
        "the first note of a start stays",
        store.mark_started(lease, services.now() + 9).started_at,
        started.started_at,
    )
    cancel(services, "one")
    yield "one lease until it ends", len(store.leases()), 1


def small_records(deployment: Deployment) -> Facts:
    services = deployment.services
    now = services.now()
    for seconds in (30.0, 50.0):
        services.durations.learn("board", "PDF", seconds)
    yield "two jobs learned", list(services.durations.all()), [("board", "PDF")]
    services.throughput.count_completed(now)
    services.throughput.count_completed(now, Overheads(held_idle=1.0, collecting=2.0))
    yield "two counted", services.throughput.completed_last_hour(now), 2
    place = ObjectAddress("bucket", "exports/Ä.pdf")
    folded = ObjectAddress("bucket", "exports/ä.pdf")
    claims = services.names
    yield "a claim", claims.claim(place, "one", EXPIRES, is_taken=False), True
    yield "a claim again", claims.claim(place, "one", EXPIRES + 1, is_taken=False), True
    yield "a claim of another", claims.claim(folded, "two", EXPIRES, is_taken=False), False
    yield (
        "a claim that must be there",
        claims.claim(ObjectAddress("bucket", "none"), "one", EXPIRES, is_taken=True),
        False,
    )
    yield "its owner", claims.owner_of(folded), "one"
    security = DashboardSecurity(read_at=now, data_sets=())
    table = Visual(visual_id="v", title="Übersicht", kind="TableVisual")
    sheets = (Sheet(sheet_id="s", name="Sheet", content_type="INTERACTIVE", visuals=(table,)),)
    parameter = Parameter(name="Year", kind="Integer", takes_several=True)
    found = Published(
        security=security,
        version=Version(number=2, name="Board", status="CREATION_SUCCESSFUL", published_at=now),
        definition=Definition(version=2, sheets=sheets, parameters=(parameter,)),
        unread=Unreadable(resource="dashboard/board", operation="Describe", code="AccessDenied"),
    )
    services.published.keep("board", found)
    yield "what was read of a dashboard", services.published.find("board"), found
    services.published.keep("board", Published(security=security))
    yield (
        "and of its security alone",
        services.published.find("board"),
        Published(security=security),
    )
    store = services.store
    store.change_gate({"limit": 7, "paused_until": now})
    store.change_gate({"paused_until": None})
    yield "the gate", (store.gate().limit, store.gate().paused_until), (7, 0.0)
    yield "nothing aside", services.repairs.count_aside(), 0


def bursts(deployment: Deployment) -> Facts:
    services = deployment.services
    store, now = services.bursts, services.now()
    body = burst("many", [recipient(1), {"Name": "nobody"}, recipient(2)])
    text = json.dumps({"Burst": body})

    def accept() -> None:
        accept_message(services, message_id="m", body=text, sent_at=now)

    def counts() -> tuple[int, int, int]:
        found = store.find("many")
        assert found is not None
        return found.accepted, found.refused, found.cancelled

    yield "accepted, once", [failure(accept), failure(accept)], ["nothing", "nothing"]
    yield "it is open", store.unfinished_ids(), ["many"]
    services.store.change_gate({"limit": 0})
    unread = store.find("many")
    assert unread is not None
    expand(services, "many", stop_at=now + 900.0)
    yield "its recipients", counts(), (2, 1, 0)
    yield "who was refused", [each.line for each in store.refusals("many")], [2]
    yield "none behind that line", store.refusals("many", after_line=2), []
    yield (
        "who waits",
        store.waiting_ids("many", ["many-3", "many-2", "many-1"]),
        ["many-3", "many-1"],
    )
    again = failed_positions(lambda: store.accept_recipients(unread, unread, [], [], EXPIRES))
    yield "a slice that was read before", again, FAILED_FIRST
    ended = failed_positions(lambda: store.end_expansion(unread, now, None))
    yield "an end of what was read", ended, FAILED_FIRST
    read = store.find("many")
    assert read is not None
    store.note_kept("many", now + 9)
    yield "what must last longer is renewed", store.renew(read, EXPIRES), 1
    yield "once", store.renew(read, EXPIRES), 0
    kept = store.find("many")
    yield "how long it is kept", kept and kept.kept_until, now + 9
    nobody = failed_positions(lambda: store.touch("nobody", now))
    yield "a note on a burst that is not there", nobody, FAILED_FIRST
    cancel_burst(services, "many")
    cancel_burst(services, "many")
    drain(services, "many", stop_at=now + 900.0)
    yield "who waited is cancelled", counts(), (2, 1, 2)
    over = replace(read, status=BurstStatus.CANCELLED, finished_at=now)
    ends = [failed_positions(lambda: store.close(over, EXPIRES)) for _ in range(2)]
    yield "it ends once", ends, ["nothing", FAILED_FIRST]
    yield "and is open no more", (store.unfinished_ids(), store.template("many")), ([], {})


def files(deployment: Deployment) -> Facts:
    adapter, s3 = deployment.services.files, deployment.client("s3")
    bucket = deployment.settings.export_bucket
    for number, key in enumerate(KEYS):
        body = f"file {number}".encode()
        s3.put_object(Bucket=bucket, Key=f"raw/{key}", Body=body)
        collected = adapter.collect(f"s3://{bucket}/raw/{key}", "PDF", f"done/{key}", FAR)
        yield f"{key} collected", collected.uri, f"s3://{bucket}/done/{key}"
        yield f"{key}: its size", collected.size, len(body)
        yield f"{key} is there", adapter.is_there(f"done/{key}"), True
        url = adapter.download_url(f"s3://{bucket}/done/{key}", 60)
        assert url is not None
        with urllib.request.urlopen(url, timeout=10) as answer:
            yield f"{key} downloaded", answer.read(), body
    absent = adapter.collect(f"s3://{bucket}/raw/none", "PDF", "done/none", FAR).error
    yield "an object that is not there", (absent and absent.message), "S3: 404"
    nowhere = adapter.collect("s3://no-such-bucket-of-ours/x", "PDF", "done/x", FAR).error
    yield "a bucket that is not there", (nowhere and nowhere.message), "S3: 404"
    yield "nothing is there", adapter.is_there("done/none"), False
    adapter.discard("raw/", [f"s3://{bucket}/done/{key}" for key in KEYS])
    left = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    yield "discarded", [item["Key"] for item in left], []
    yield "discarded again", failure(lambda: adapter.discard("raw/", [])), "nothing"


def manifests(deployment: Deployment) -> Facts:
    adapter, s3 = deployment.services.manifests, deployment.client("s3")
    bucket = deployment.settings.export_bucket
    uri = adapter.keep_recipients("b", "n", [{"RecipientId": "ä"}])
    found = adapter.find(uri)
    lines = b"".join(adapter.chunks(uri, found, 0))
    yield "recipients that were kept", json.loads(lines), {"RecipientId": "ä"}
    yield "the rest of them", b"".join(adapter.chunks(uri, found, 5)), lines[5:]
    s3.put_object(Bucket=bucket, Key=ObjectAddress.parse(uri).key, Body=b"other")
    changed = failure(lambda: list(adapter.chunks(uri, found, 0)))
    yield "another object in its place", changed.partition(":")[0], "ManifestError"
    yield "and why", "replaced" in changed, True
    absent = failure(lambda: adapter.find(f"s3://{bucket}/none"))
    yield "a manifest that is not there", absent.partition(":")[0], "ManifestError"
    nowhere = failure(lambda: adapter.find("s3://no-such-bucket-of-ours/none"))
    yield "a bucket that is not there", nowhere.partition(":")[0], "ManifestError"
    adapter.write("b", 2, ["[", "]"])
    head = s3.head_object(Bucket=bucket, Key="bursts/b/manifest.json")
    yield "its type", head["ContentType"], "application/json"
    adapter.write("b", 2, ["[]"])
    stalled = failure(lambda: adapter.write("b", 1, ["{}"]))
    yield "a write of an earlier revision", stalled.partition(":")[0], "ConditionFailedError"
    left = s3.get_object(Bucket=bucket, Key="bursts/b/manifest.json")["Body"].read()
    yield "what lies there then", left, b"[]"
    large = [b"a" * 6_000_000] * 3
    adapter.write_zip("b", 1, large)
    zipped = s3.head_object(Bucket=bucket, Key="bursts/b/files.zip")
    yield "one that goes in parts", zipped["ContentLength"], 18_000_000


def executions(deployment: Deployment) -> Facts:
    adapter, states = deployment.services.executions, deployment.client("stepfunctions")
    attempt = Attempt(
        export_id="one",
        attempt=1,
        admission=1,
        dashboard_id="board",
        snapshot_job_id="job",
        admitted_at=0.0,
        start_by=1.0,
        nonce="abc",
    )
    name = attempt.execution_name
    yield "one that never was", adapter.is_running(name), False
    yield "a start", failure(lambda: adapter.start(attempt, "default")), "nothing"
    yield (
        "the same start while it runs",
        failure(lambda: adapter.start(attempt, "default")),
        "nothing",
    )
    yield "running", adapter.is_running(name), True
    yield "the names that run", adapter.running_names(), {name}
    arn = deployment.settings.state_machine_arn.replace(":stateMachine:", ":execution:")
    states.stop_execution(executionArn=f"{arn}:{name}")
    yield "stopped", adapter.is_running(name), False
    yield "no name runs", adapter.running_names(), set()
    yield (
        "the same start after its end",
        failure(lambda: adapter.start(attempt, "default")),
        "TransientError: StartExecution: ExecutionAlreadyExists",
    )


def queues(deployment: Deployment) -> Facts:
    services, sqs = deployment.services, deployment.client("sqs")
    body = '{"a": "ä \\u0000 <&> \t"}'
    services.rejected.send(
        first=FirstDelivery(message_id="m-1", sent_at=1.5), reason={"Code": "X"}, body=body
    )
    (received,) = sqs.receive_message(
        QueueUrl=deployment.settings.rejected_queue_url, MessageAttributeNames=["All"]
    )["Messages"]
    yield "the body to the letter", received["Body"], body
    yield (
        "its attributes",
        {name: value["StringValue"] for name, value in received["MessageAttributes"].items()},
        {"MessageId": "m-1", "SentAt": "1.500000", "Reason": '{"Code": "X"}'},
    )
    services.burst_work.send("b", next(iter(Work)))
    work = sqs.receive_message(QueueUrl=deployment.settings.burst_queue_url)["Messages"]
    yield "work on a burst", json.loads(work[0]["Body"])["BurstId"], "b"
    services.intake.send("ä")
    name = deployment.settings.schedule_queue_arn.rpartition(":")[2]
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    yield (
        "the intake queue by its ARN",
        [each["Body"] for each in sqs.receive_message(QueueUrl=url)["Messages"]],
        ["ä"],
    )
    sqs.delete_queue(QueueUrl=url)
    yield (
        "a queue that is gone",
        failure(lambda: services.intake.send("x")),
        "TransientError: intake queue: AWS.SimpleQueueService.NonExistentQueue",
    )
    wrong = "\ufffe"
    yield (
        "a character that SQS does not take",
        failure(
            lambda: services.burst_work._client.send_message(
                QueueUrl=deployment.settings.burst_queue_url, MessageBody=wrong
            )
        ).partition(":")[0],
        "InvalidMessageContents",
    )


def _as_put(schedule: Schedule | None) -> Schedule | None:
    """Without what only the Scheduler knows."""
    return schedule and replace(schedule, changed_at=None)


def schedules(deployment: Deployment) -> Facts:
    adapter = deployment.services.schedules
    now = datetime.now(UTC).replace(microsecond=0)
    plain = Schedule(
        name="daily",
        expression="cron(0 6 * * ? *)",
        zone="Africa/Johannesburg",
        window_minutes=15,
        state="ENABLED",
        start=now + timedelta(days=1),
        end=now + timedelta(days=2),
        kind="Export",
        request=message("x") | {"Name": "ä"},
    )
    yield "one that is not there", adapter.get("none"), None
    adapter.put(plain, now)
    yield "one that is there", _as_put(adapter.get("daily")), plain
    changed = adapter.get("daily")
    yield "when it was changed", changed and changed.changed_at and changed.changed_at >= now, True
    later = replace(plain, window_minutes=0, state="DISABLED", start=None)
    adapter.put(later, now)
    yield "one that was replaced", _as_put(adapter.get("daily")), later
    past = replace(later, start=now - timedelta(days=1))
    adapter.put(past, now)
    seen = adapter.get("daily")
    yield "one whose start has passed", _as_put(seen), past
    assert seen is not None
    moved = replace(past, expression="cron(5 5 * * ? *)")
    yield "one that was moved", adapter.move(seen, moved, now), True
    yield "one that is another by now", adapter.move(seen, moved, now), False
    for name in ("a", "c", "b"):
        adapter.put(replace(plain, name=name), now)
    yield "the names, in pages", _all_names(deployment), ["a", "b", "c", "daily"]
    adapter.delete("a")
    yield "deleted again", failure(lambda: adapter.delete("a")).partition(":")[0], "UnknownIdError"
    wrong = replace(plain, name="wrong", expression="cron(0 6 * * * *)")
    yield (
        "cron without a question mark",
        failure(lambda: adapter.put(wrong, now)).partition(":")[0],
        "InvalidRequestError",
    )
    placed = replace(plain, name="wrong", zone="Africa/Nowhere")
    yield (
        "a zone that is none",
        failure(lambda: adapter.put(placed, now)).partition(":")[0],
        "InvalidRequestError",
    )
    begun = {"StartDate": now - timedelta(days=1)}
    client, group = deployment.client("scheduler"), deployment.settings.schedule_group
    request = client.get_schedule(GroupName=group, Name="b")
    kept = {k: request[k] for k in ("FlexibleTimeWindow", "ScheduleExpression", "Target")}
    yield (
        "a start that has passed",
        failure(
            lambda: client.update_schedule(GroupName=group, Name="b", **kept, **begun)
        ).partition(":")[0],
        "ValidationException",
    )


def _all_names(deployment: Deployment) -> list[str]:
    names, token = deployment.services.schedules.names(3, None)
    while token is not None:
        page, token = deployment.services.schedules.names(3, token)
        names += page
    return sorted(names)


def events(deployment: Deployment) -> Facts:
    services = deployment.services
    accept_message(
        services, message_id="m", body=json.dumps(message("reported")), sent_at=services.now()
    )
    export = services.store.export("reported")
    assert export is not None
    yield "an event is taken", failure(lambda: services.events.announce_end(export)), "nothing"


CASES: tuple[Case, ...] = (
    reads_of_a_partition,
    conditional_writes,
    transactions,
    lists,
    way_of_an_export,
    small_records,
    bursts,
    *QUICKSIGHT_CASES,
    files,
    *LINK_CASES,
    manifests,
    executions,
    queues,
    schedules,
    events,
)
