"""One export and all that can happen to it: a state, and the steps that are possible in it.

A step is one conditional write, one transaction, one call to QuickSight, or something that happens
by itself. Exports meet at the gate only, so a step says how many slots it counts or frees there.
What stands for which code: correspondence.py. What is left out: docs/model.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import NamedTuple

QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED = "QRCFX"
ENDS = (COMPLETED, FAILED, CANCELLED)

NO_JOB, JOB_RUNS, JOB_ENDED, JOB_GONE, TWO_JOBS = "-", "runs", "ended", "gone", "two run"


class Lease(NamedTuple):
    """The attempt record. `window`: starts may still be sent. `call`: a start is noted: 0 no, 1 it
    may be under way, 2 its time is over; `unsure`: one was not answered: 0 no, 1 it may arrive yet,
    2 its time is over. `unknown`: QuickSight does not know the job: 0 it does, 1 that was noted,
    2 it was noted LOST_AFTER_SECONDS ago."""

    holds: bool = True
    started: bool = False
    window: bool = True
    lost: bool = False
    call: int = 0
    unsure: int = 0
    unknown: int = 0


class Call(NamedTuple):
    """One invocation, and the step that it takes next.

    `fresh`: the attempt record that it read is still there, of the same admission. `noted`: the
    start that was noted when it read the record: NO_START, THIS_START, or ANOTHER since. `sure`:
    what it read of unanswered starts is still so.
    """

    step: str
    what: str = ""
    attempt: int = 1
    fresh: bool = True
    noted: str = ""
    sure: bool = True
    holds: bool = True


NO_START, THIS_START, ANOTHER = "", "this", "another"


class State(NamedTuple):
    """One export: its record, entry, lease, execution, jobs, invocations; `counted` on the gate."""

    status: str = QUEUED
    attempt: int = 1
    marked: bool = False
    ending: str = ""
    entry: bool = True
    lease: Lease | None = None
    counted: int = 0
    watched: bool = True
    """An execution runs; while the export waits: somebody is about to admit it."""
    jobs: tuple[str, ...] = (NO_JOB,)
    late: int = 0
    """The attempt whose start is on its way though its caller is gone; 0: none."""
    announced: str = ""
    calls: tuple[Call, ...] = ()
    spells: int = 1
    false_finds: int = 0
    losses: int = 1
    """How often these may still happen (World)."""


@dataclass(frozen=True)
class Rules:
    """What the protocol demands. Each rule that is False is a fault put back."""

    hand_back_needs_lease: bool = True
    hand_back_needs_no_start: bool = True
    start_is_noted: bool = True
    unanswered_start_is_waited_for: bool = True
    unanswered_start_is_seen: bool = True
    refused_find_is_no_answer: bool = True
    lost_after_the_window: bool = True
    one_end: bool = True
    ending_starts_nothing: bool = True
    ending_is_not_queued: bool = True
    find_after_the_wait: bool = True
    give_up_needs_no_start: bool = True
    release_needs_lease: bool = True
    lease_before_start: bool = True
    count_and_lease_together: bool = True
    finish_needs_lease: bool = True
    one_job_id: bool = True
    reconciler_admits: bool = True
    reconciler_restarts: bool = True
    event_before_end: bool = True
    next_attempt_in_one_write: bool = True
    next_attempt_needs_no_mark: bool = True
    end_needs_no_mark: bool = True
    mark_needs_no_end: bool = True
    lease_freed_by_word: bool = True
    room_is_less_than: bool = True

    def broken(self) -> list[str]:
        """The rules that do not hold."""
        return [each.name for each in fields(self) if not getattr(self, each.name)]


@dataclass(frozen=True)
class World:
    """How much happens. `calls`: invocations of one export at once. `spells`: how many times
    QuickSight answers 404 to a poll of a job that it has, `false_finds`: to a question after a
    start; `losses`: how many running jobs vanish."""

    calls: int = 2
    attempts: int = 2
    spells: int = 1
    false_finds: int = 0
    losses: int = 1

    @property
    def first(self) -> State:
        """An export that was accepted just now."""
        jobs = (NO_JOB,) * self.attempts
        return State(
            jobs=jobs, spells=self.spells, false_finds=self.false_finds, losses=self.losses
        )


Step = tuple[str, State]


def steps(state: State, rules: Rules, world: World) -> Iterator[Step]:
    """Every step that can be next, with the state after it."""
    yield from _by_itself(state, rules)
    if state.status == QUEUED:
        yield from _while_queued(state, rules, world)
    elif _can_be_marked(state, rules):
        yield "cancel: mark", state._replace(marked=True)
    if state.lease is not None:
        yield from _around_execution(state, rules)
        if state.watched and len(state.calls) < world.calls:
            yield from _invocations(state, state.lease, rules)
    for position, call in enumerate(state.calls):
        if position and call == state.calls[position - 1]:
            continue
        rest = state.calls[:position] + state.calls[position + 1 :]
        without = state._replace(calls=rest)
        yield f"{call.step} {call.what}".rstrip() + ": dies", without
        yield from _STEPS[call.step](without, call, rules)


def _can_be_marked(state: State, rules: Rules) -> bool:
    is_free = not state.ending or not rules.mark_needs_no_end
    return state.status == RUNNING and not state.marked and is_free


def tidy(state: State, rules: Rules) -> State:
    """The same state without what can no longer matter, in one order."""
    calls = [call for call in state.calls if not _is_over(call, rules)]
    return state._replace(calls=tuple(sorted(calls)))


def _is_over(call: Call, rules: Rules) -> bool:
    """Whether an invocation can only find that its admission is over."""
    if call.fresh or call.step in ("send", "announce"):
        return False
    unconditional = {
        "hand back": not rules.hand_back_needs_lease,
        "release": not rules.release_needs_lease,
        "finish": not rules.finish_needs_lease,
        "begin end": not rules.finish_needs_lease,
    }
    return not unconditional.get(call.step, False)


# --- what happens by itself


def _by_itself(state: State, rules: Rules) -> Iterator[Step]:
    for attempt, job in enumerate(state.jobs, 1):
        if job == JOB_RUNS:
            yield "QuickSight: job ends", _with_job(state, attempt, JOB_ENDED)
            if state.losses:
                gone = _with_job(state, attempt, JOB_GONE)
                yield "QuickSight: job vanishes", gone._replace(losses=state.losses - 1)
    if state.late:
        arrived = state._replace(late=0)
        if state.jobs[state.late - 1] in (NO_JOB, JOB_RUNS):
            yield "late start arrives: job begins", _begun(arrived, state.late, rules)
        yield "late start arrives: refused", arrived
    lease = state.lease
    if lease is None:
        return
    if lease.holds and not lease.started and lease.window:
        yield "start window closes", state._replace(lease=lease._replace(window=False))
    if (lease.call == 1 or lease.unsure == 1) and not _on_its_way(state, state.attempt):
        over = lease._replace(call=2 if lease.call else 0, unsure=2 if lease.unsure else 0)
        yield "all that was sent has arrived", state._replace(lease=over)
    if lease.unknown == 1:
        yield "unknown for the whole window", state._replace(lease=lease._replace(unknown=2))


def _while_queued(state: State, rules: Rules, world: World) -> Iterator[Step]:
    """Admission and the cancellation of what waits: transactions conditional on QUEUED."""
    if not state.entry:
        return
    ended = state._replace(status=CANCELLED, entry=False, watched=False)
    yield "cancel: end what waits", ended
    if state.watched:
        yield "who would admit dies", state._replace(watched=False)
    if not (state.watched or rules.reconciler_admits):
        return
    if not rules.lease_before_start and not state.late:
        yield "start before the lease", state._replace(late=state.attempt)
    counted = state._replace(counted=state.counted + 1)
    admitted = counted._replace(status=RUNNING, entry=False, lease=Lease())
    if not rules.count_and_lease_together:
        yield "admit: counter only", counted
    yield "admit", admitted._replace(watched=True)
    yield "admit, then dies", admitted._replace(watched=False)
    if len(state.calls) < world.calls:
        handed = _add(admitted._replace(watched=False), Call("note call", attempt=state.attempt))
        yield "admit and hand over", handed


def _around_execution(state: State, rules: Rules) -> Iterator[Step]:
    if state.watched:
        yield "execution dies", state._replace(watched=False)
    elif rules.reconciler_restarts and state.lease:
        lease = state.lease._replace(window=True)
        yield "reconcile: restart", state._replace(watched=True, lease=lease)


# --- invocations: what one reads when it begins


def _invocations(state: State, lease: Lease, rules: Rules) -> Iterator[Step]:
    attempt = state.attempt
    read = Call("", "", attempt, noted=THIS_START if lease.call else NO_START, holds=lease.holds)
    if state.ending and (rules.one_end if not lease.holds else rules.ending_starts_nothing):
        yield "complete end", _add(state, read._replace(step="announce", what=state.ending))
    elif not lease.holds:
        if state.marked:
            yield "collect: cancelled", _add(state, read._replace(step="finish", what=CANCELLED))
        elif lease.lost:
            yield from _failed_job(state, read)
        else:
            yield "collect", _add(state, read._replace(step="result"))
    elif lease.started:
        yield "check", _add(state, read._replace(step="describe", what="404" * bool(lease.unknown)))
    elif state.marked or not lease.window:
        yield "start: give up", _add(state, read._replace(step="give up"))
    elif lease.call != 1 or not rules.start_is_noted:
        yield "start", _add(state, read._replace(step="note call"))


def _on_its_way(state: State, attempt: int) -> bool:
    """Whether a start of this job can still arrive."""
    sent = any(call.step == "send" and call.attempt == attempt for call in state.calls)
    return sent or state.late == attempt


def _is_unstarted(lease: Lease, call: Call, rules: Rules) -> bool:
    """No start was answered or noted since the record was read."""
    is_same = (call.noted != ANOTHER) and bool(lease.call) == (call.noted == THIS_START)
    is_sure = call.sure or not rules.unanswered_start_is_seen
    return not lease.started and (is_same or not rules.start_is_noted) and is_sure


def _with_call(state: State, lease: Lease, call: int, unsure: int | None) -> State:
    """The start noted on the lease is another one now, or none, and so is the unanswered one if
    `unsure` is given: others find that out."""
    others = tuple(
        other._replace(
            noted=ANOTHER if other.noted == THIS_START else other.noted,
            sure=other.sure and unsure is None,
        )
        if other.fresh
        else other
        for other in state.calls
    )
    after = lease._replace(call=call, unsure=lease.unsure if unsure is None else unsure)
    return state._replace(lease=after, calls=others)


# --- the steps of start


def _note_call(state: State, call: Call, rules: Rules) -> Iterator[Step]:
    lease = state.lease
    if not rules.start_is_noted:
        yield "about to send", _add(state, call._replace(step="send", noted=THIS_START))
        return
    if not call.fresh or lease is None or not lease.holds or state.marked:
        return
    if (state.ending and rules.ending_starts_nothing) or not _is_unstarted(lease, call, rules):
        return
    unsure = 2 if lease.call else None
    noted = _with_call(state, lease, 1, unsure)
    yield "begin_call", _add(noted, call._replace(step="send", noted=THIS_START, sure=True))


def _send(state: State, call: Call, rules: Rules) -> Iterator[Step]:
    """StartDashboardSnapshotJob: one step, since nothing but its arrival has an effect."""
    attempt, job = call.attempt, state.jobs[call.attempt - 1]
    answered = _add(state, call._replace(step="end call", what="answered"))
    if not state.late:
        late = state._replace(late=attempt)
        yield "start sent, caller dies", late
        yield "start sent, no answer", _find(late, call, "unanswered")
    yield "start does not leave, which nobody knows", _find(state, call, "unanswered")
    yield "start does not leave in time", answered
    yield "start refused: throttled", answered
    yield "start refused: limit exceeded", _find(state, call, "limit")
    if job == NO_JOB or not rules.one_job_id:
        begun = _begun(state, attempt, rules)
        yield "start: job begins", _add(begun, call._replace(step="note start"))
        yield "start: job begins, answer lost", _find(begun, call, "unanswered")
        yield "start refused: for good", _find(state, call, "refused")
    else:
        yield "start refused: job exists", _find(state, call, "unanswered")


def _find(state: State, call: Call, error: str) -> State:
    lease = state.lease
    if lease and call.fresh and lease.unsure == 1:
        error += ", may arrive"
    elif lease and call.fresh and lease.unsure:
        error += ", unsure"
    return _add(state, call._replace(step="find", what=error))


def _found(state: State, call: Call, rules: Rules) -> Iterator[Step]:
    """DescribeDashboardSnapshotJob after a start was refused.

    `what` says how, and what was noted of unanswered starts before the question.
    """
    error, _, before = call.what.partition(", ")
    job = state.jobs[call.attempt - 1]
    is_answered = error != "unanswered"
    over = call._replace(step="end call", what="answered" if is_answered else "unanswered")
    yield "find: no answer", _add(state, over)
    refused = "find: refused"
    if job in (JOB_RUNS, JOB_ENDED, TWO_JOBS):
        yield "find: adopted", _add(state, call._replace(step="note start", what=""))
        is_word = not rules.refused_find_is_no_answer or (is_answered and not before)
        if is_word:
            yield refused, _add(state, _concluded(call, error))
        if not state.false_finds:
            return
        state = state._replace(false_finds=state.false_finds - 1)
    waits = before == "may arrive" and rules.unanswered_start_is_waited_for
    if is_answered and not waits:
        yield "find: none", _add(state, _concluded(call, error))
    else:
        yield "find: none", _add(state, over)


def _concluded(call: Call, error: str) -> Call:
    """What a start does once QuickSight said that there is no job."""
    if error == "limit":
        return call._replace(step="hand back", what="")
    if error == "refused":
        return call._replace(step="begin end", what=FAILED)
    return call._replace(step="end call", what="answered")


def _end_call(state: State, call: Call, rules: Rules) -> Iterator[Step]:
    lease = state.lease
    if not call.fresh or lease is None or not lease.holds or not rules.start_is_noted:
        return
    if _is_unstarted(lease, call, rules):
        unsure = None if call.what == "answered" else lease.call
        yield f"end_call: {call.what}", _with_call(state, lease, 0, unsure)


def _note_start(state: State, call: Call, _rules: Rules) -> Iterator[Step]:
    lease = state.lease
    if call.fresh and lease and lease.holds:
        yield "mark_started", state._replace(lease=lease._replace(started=True))


def _hand_back(state: State, call: Call, rules: Rules) -> Iterator[Step]:
    lease = state.lease
    if state.status != RUNNING or state.marked or lease is None:
        return
    if state.ending and rules.ending_is_not_queued:
        return
    if rules.hand_back_needs_lease and not (call.fresh and lease.holds):
        return
    if rules.hand_back_needs_no_start and not _is_unstarted(lease, call, rules):
        return
    over = _admission_over(state)._replace(counted=state.counted - 1)
    yield "hand_back", over._replace(status=QUEUED, entry=True)


def _give_up(state: State, call: Call, rules: Rules) -> Iterator[Step]:
    """The window is closed or the export cancelled: once all has arrived, ask for the job."""
    lease = state.lease
    if not call.fresh or lease is None:
        return
    waits = rules.unanswered_start_is_waited_for and 1 in (lease.call, lease.unsure)
    if waits and rules.find_after_the_wait:
        return
    yield "find: no answer", state
    is_unsure = lease.call or lease.unsure
    release = call._replace(step="release", what="never began")
    if state.jobs[call.attempt - 1] in (JOB_RUNS, JOB_ENDED, TWO_JOBS):
        yield "find: adopted", _add(state, call._replace(step="note start"))
        if not rules.refused_find_is_no_answer or not is_unsure:
            yield "find: refused", _add(state, release)
        if not state.false_finds:
            return
        state = state._replace(false_finds=state.false_finds - 1)
    if rules.find_after_the_wait:
        yield "find: none", _add(state, release)
    else:
        yield "find: none", _add(state, call._replace(step="wait after find"))


def _wait_after_find(state: State, call: Call, _rules: Rules) -> Iterator[Step]:
    lease = state.lease
    if lease and 1 not in (lease.call, lease.unsure):
        release = call._replace(step="release", what="never began")
        yield "the wait is over", _add(state, release)


# --- the steps of check


def _describe(state: State, call: Call, rules: Rules) -> Iterator[Step]:
    """DescribeDashboardSnapshotJob; `what` is "404" if that was noted when the record was read."""
    job, lease = state.jobs[call.attempt - 1], state.lease
    is_over = bool(lease and lease.unknown == 2 and call.what)
    if is_over or not rules.lost_after_the_window:
        unknown = call._replace(step="release", what="lost")
    else:
        unknown = call._replace(step="note unknown", what="")
    if job in (JOB_RUNS, TWO_JOBS):
        if call.what:
            yield "describe: runs", _add(state, call._replace(step="note known", what=""))
        if state.spells:
            passing = state._replace(spells=state.spells - 1)
            yield "describe: 404 that passes", _add(passing, unknown)
        if not rules.lease_freed_by_word:
            yield "describe fails", _add(state, call._replace(step="release", what="ended"))
    elif job == JOB_ENDED:
        yield "describe: ended", _add(state, call._replace(step="release", what="ended"))
    else:
        yield "describe: 404", _add(state, unknown)


def _note_unknown(state: State, call: Call, _rules: Rules) -> Iterator[Step]:
    lease = state.lease
    if call.fresh and lease and lease.holds and not lease.unknown:
        yield "mark_unknown", state._replace(lease=lease._replace(unknown=1))


def _note_known(state: State, call: Call, _rules: Rules) -> Iterator[Step]:
    lease = state.lease
    if call.fresh and lease and lease.holds:
        yield "mark_known", state._replace(lease=lease._replace(unknown=0))


def _release(state: State, call: Call, rules: Rules) -> Iterator[Step]:
    lease = state.lease
    if lease is None or (rules.release_needs_lease and not (call.fresh and lease.holds)):
        return
    gave_up = call.what == "never began" and rules.give_up_needs_no_start
    if gave_up and not _is_unstarted(lease, call, rules):
        return
    if call.what == "lost" and rules.lost_after_the_window and lease.unknown != 2:
        return
    freed = lease._replace(holds=False, lost=call.what != "ended", unknown=0)
    after = state._replace(lease=freed, counted=state.counted - 1)
    yield f"release {call.what}", after


# --- the steps of collect and finish


def _result(state: State, call: Call, _rules: Rules) -> Iterator[Step]:
    yield "result: not readable", state
    yield "result: files", _add(state, call._replace(step="begin end", what=COMPLETED))
    yield from _failed_job(state, call)


def _failed_job(state: State, call: Call) -> Iterator[Step]:
    yield "job failed for good", _add(state, call._replace(step="begin end", what=FAILED))
    if call.attempt < len(state.jobs):
        yield "job failed, may pass", _add(state, call._replace(step="queue next", what=""))


def _queue_next(state: State, call: Call, rules: Rules) -> Iterator[Step]:
    if not call.fresh or state.lease is None or state.lease.holds or state.status != RUNNING:
        return
    if (state.marked and rules.next_attempt_needs_no_mark) or (
        state.ending and rules.ending_is_not_queued
    ):
        return
    over = _admission_over(state)._replace(status=QUEUED, attempt=call.attempt + 1)
    if rules.next_attempt_in_one_write:
        yield "queue_next", over._replace(entry=True)
    else:
        yield "queue_next: lease only", _add(over, Call("put entry", "", call.attempt + 1))


def _put_entry(state: State, _call: Call, _rules: Rules) -> Iterator[Step]:
    yield "queue_next: entry", state._replace(entry=True)


def _begin_end(state: State, call: Call, rules: Rules) -> Iterator[Step]:
    if state.status != RUNNING or not (call.fresh or not rules.finish_needs_lease):
        return
    if state.ending not in ("", call.what) and rules.one_end:
        noted = call._replace(step="announce", what=state.ending)
        yield "begin_end: another end is noted", _add(state, noted)
        return
    if state.marked and rules.end_needs_no_mark:
        yield "begin_end: cancelled", _add(state, call._replace(step="finish", what=CANCELLED))
        return
    if call.holds and not (state.lease and _is_unstarted(state.lease, call, rules)):
        return
    noted = call._replace(step="announce" if rules.event_before_end else "finish")
    yield f"begin_end {call.what}", _add(state._replace(ending=call.what), noted)


def _announce(state: State, call: Call, rules: Rules) -> Iterator[Step]:
    said = state._replace(announced="".join(sorted({*state.announced, call.what})))
    after = _add(said, call._replace(step="finish")) if rules.event_before_end else said
    yield f"announce {call.what}", after


def _finish(state: State, call: Call, rules: Rules) -> Iterator[Step]:
    lease = state.lease
    if rules.finish_needs_lease:
        if not call.fresh or lease is None or lease.holds != call.holds or state.status != RUNNING:
            return
        if call.holds and not _is_unstarted(lease, call, rules):
            return
    freed = state.counted - 1 if call.holds else state.counted
    ended = _admission_over(state)._replace(status=call.what, counted=freed)
    if not rules.event_before_end and call.what != CANCELLED:
        ended = _add(ended, call._replace(step="announce", fresh=False))
    yield f"finish {call.what}", ended


_STEPS = {
    "note call": _note_call,
    "send": _send,
    "end call": _end_call,
    "find": _found,
    "note start": _note_start,
    "hand back": _hand_back,
    "give up": _give_up,
    "wait after find": _wait_after_find,
    "describe": _describe,
    "note unknown": _note_unknown,
    "note known": _note_known,
    "release": _release,
    "result": _result,
    "queue next": _queue_next,
    "put entry": _put_entry,
    "begin end": _begin_end,
    "announce": _announce,
    "finish": _finish,
}


# --- parts of states


def _add(state: State, call: Call) -> State:
    return state._replace(calls=(*state.calls, call))


def _with_job(state: State, attempt: int, job: str) -> State:
    jobs = (*state.jobs[: attempt - 1], job, *state.jobs[attempt:])
    return state._replace(jobs=jobs)


def _begun(state: State, attempt: int, rules: Rules) -> State:
    """A start that QuickSight takes; one whose id it knows begins nothing."""
    job = state.jobs[attempt - 1]
    if job == NO_JOB or not rules.one_job_id:
        return _with_job(state, attempt, TWO_JOBS if job == JOB_RUNS else JOB_RUNS)
    return state


def _admission_over(state: State) -> State:
    """The attempt record is gone: whoever read it finds so at its next conditional write."""
    calls = tuple(call._replace(fresh=False, noted=NO_START, sure=True) for call in state.calls)
    return state._replace(lease=None, calls=calls)
