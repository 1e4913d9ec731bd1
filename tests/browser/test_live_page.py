"""The live page as a person has it, in front of a stub of the API.

docs/live-page.png is made by tests/browser/screenshot.py (`make screenshots`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from snapshots.open.server import PageServer
from tests.browser.contrast import CONTRAST
from tests.support.chromium import Page
from tests.support.live_page import serving_page
from tests.support.live_states import burst, failed, fill_morning, held, iso, single, waiting
from tests.unit.snapshots.stub import StubApi, serving

READY = "!document.querySelector('#main').hidden"
HOSTILE = "</td><img src=x onerror=alert(1)><script>alert(2)</script>&amp;"
ALERT = "document.querySelector('#alerts').textContent"
ASKS = "document.querySelector('#ask').open"
LANES = (
    "Array.from(document.querySelectorAll('#slots tr'), r => r.children[1].firstChild.textContent)"
)


def text(selector: str) -> str:
    return f"document.querySelector({selector!r}).textContent"


@pytest.fixture
def api() -> Iterator[StubApi]:
    with serving() as stub:
        fill_morning(stub)
        yield stub


@pytest.fixture
def server(api: StubApi) -> Iterator[PageServer]:
    with serving_page(api) as found:
        yield found


def show(tab: Page, server: PageServer, *, width: int = 1000, **more: Any) -> None:
    tab.show_as(width=width, **more)
    tab.open(server.address)
    tab.wait_until(READY)


def changes(api: StubApi) -> list[tuple[str, str]]:
    return [(method, path) for method, path, _, _ in api.calls if method != "GET"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_asks_nobody_else_has_no_complaint_and_can_be_read(
    tab: Page, server: PageServer, scheme: str
) -> None:
    show(tab, server, scheme=scheme)
    own = server.address.partition("#")[0]
    assert all(address.startswith(own) for address in tab.requests)
    assert tab.complaints == []
    assert tab.evaluate("location.href") == own, "the ticket has left the address"
    assert tab.evaluate("history.length") <= 2
    assert tab.evaluate(CONTRAST) == {}
    assert tab.evaluate(text("#lede")).startswith("3 failed in the last day. 12 of 12 slots held")
    assert tab.evaluate("document.title").startswith("3 failed · 12/12 · 117 waiting")


def test_every_section_says_what_the_api_says(tab: Page, server: PageServer) -> None:
    show(tab, server)
    assert len(tab.evaluate(LANES)) == 12 and "board-pack-november" in tab.evaluate(LANES)
    backlog = tab.evaluate("document.querySelector('#backlog').innerText")
    assert "statements-2026-11-125" in backlog and "attempt 2" in backlog
    assert tab.evaluate(text("#backlog-note")) == "67 more wait behind these."
    bursts = tab.evaluate("document.querySelector('#bursts').innerText")
    assert "109 of 240 completed, 3 failed" in bursts and "chance 100%" in bursts
    schedules = tab.evaluate("document.querySelector('#schedules').innerText")
    assert "in 20 min" in schedules and "ready by 06:00 MON, TUE" in schedules
    reasons = tab.evaluate("document.querySelector('#reasons').innerText")
    assert reasons.startswith("DATASET_DELETED 2 exports")
    link = "document.querySelector('#bursts a:not([hidden])')"
    assert tab.evaluate(f"{link}.href") == "https://files.example/report.html?x=1"
    assert "noopener" in tab.evaluate(f"{link}.rel")


@pytest.mark.parametrize("width", [360, 768, 1400])
def test_the_page_never_scrolls_sideways(tab: Page, server: PageServer, width: int) -> None:
    show(tab, server, width=width)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    widths = tab.evaluate(
        "Array.from(document.querySelectorAll('#slots svg'), s => s.getBoundingClientRect().width)"
    )
    assert len(widths) == 12 and min(widths) > 180


def test_it_changes_without_reloading_and_keeps_the_focus(
    tab: Page, server: PageServer, api: StubApi
) -> None:
    show(tab, server)
    tab.evaluate("document.querySelector('[data-id=statements-2026-11-115]')")
    tab.evaluate("document.querySelector('#slots tr:nth-child(5) button').focus()")
    tab.evaluate("window.stays = true")
    before = tab.evaluate(LANES)
    rows = [row for row in api.slots["Held"] if row["ExportId"] != before[0]]
    api.slots |= {"At": iso(2), "Held": [*rows, held(124, age=0.2, left=40)]}
    api.slots["Waiting"] = [waiting(place, 124 + place) for place in range(1, 4)]
    tab.wait_until(f"{LANES}[0] === 'statements-2026-11-124'")
    assert tab.evaluate(LANES)[1:] == before[1:], "who stays keeps the lane"
    assert tab.evaluate("document.querySelectorAll('#slots tr:first-child .past').length") == 1
    focused = tab.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == f"Cancel export {before[4]}"
    assert tab.evaluate("window.stays") is True
    assert tab.evaluate("document.querySelectorAll('#backlog tr').length") == 3


def test_a_focus_whose_row_is_gone_goes_to_its_section(
    tab: Page, server: PageServer, api: StubApi
) -> None:
    show(tab, server)
    tab.evaluate("document.querySelector('#backlog tr button').focus()")
    api.slots |= {"Waiting": [], "MoreWait": False}
    tab.wait_until("document.querySelectorAll('#backlog tr').length === 0")
    assert tab.evaluate("document.activeElement.id") == "backlog-name"
    assert tab.evaluate(text("#backlog-note")) == "Nothing waits."


def test_cancelling_is_asked_first_and_no_is_no(
    tab: Page, server: PageServer, api: StubApi
) -> None:
    show(tab, server)
    api.exports["statements-2026-11-112"] = failed(112, "", "") | {"Status": "RUNNING"}
    cancel = "#slots tr:first-child button"
    tab.click(cancel)
    assert tab.evaluate(ASKS) and tab.evaluate("document.activeElement.id") == "no"
    assert "no files are delivered" in tab.evaluate(text("#consequence"))
    tab.press("Enter")
    tab.wait_until(f"!{ASKS}")
    tab.evaluate(f"document.querySelector({cancel!r}).focus()")
    tab.press("Enter")
    tab.wait_until(ASKS)
    tab.press("Escape")
    tab.wait_until(f"!{ASKS}")
    assert tab.evaluate(f"document.activeElement === document.querySelector({cancel!r})")
    assert changes(api) == []
    tab.press("Enter")
    tab.wait_until(ASKS)
    tab.press("Tab")
    tab.press("Enter")
    tab.wait_until(f"{ALERT}.includes('statements-2026-11-112 is cancelled.')")
    assert changes(api) == [("DELETE", "/exports/statements-2026-11-112")]
    assert "is cancelled" in tab.evaluate(text("#live"))


def test_a_burst_is_cancelled_from_its_row(tab: Page, server: PageServer, api: StubApi) -> None:
    show(tab, server)
    tab.click("#bursts tr:first-child button")
    tab.wait_until(ASKS)
    tab.click("#yes")
    tab.wait_until(f"{ALERT}.includes('What waits of statements-2026-11 is being cancelled')")
    assert changes(api) == [("DELETE", "/bursts/statements-2026-11")]


def test_the_failed_of_an_ended_burst_run_again_after_a_question(
    tab: Page, server: PageServer, api: StubApi
) -> None:
    counts = {"Total": 9, "Accepted": 9, "Completed": 7, "Failed": 2}
    ended = burst("invoices", "COMPLETED_WITH_FAILURES", Counts=counts, FinishedAt=iso(-60))
    api.bursts["invoices"] = ended
    api.exports["invoices-1"] = failed(1, "TIMEOUT", "late") | {
        "ExportId": "invoices-1", "BurstId": "invoices"
    }  # fmt: skip
    show(tab, server)
    again = "#bursts tr[data-key=invoices] .again"
    shown = "[...document.querySelectorAll('#bursts .again')].filter(each => !each.hidden).length"
    tab.wait_until(f"document.querySelector({again!r}) !== null")
    assert tab.evaluate(shown) == 1, "none of a burst that runs, none where nothing failed"
    tab.click(again)
    tab.wait_until(ASKS)
    assert tab.evaluate("document.activeElement.id") == "no"
    assert "2 exports that failed run again" in tab.evaluate(text("#consequence"))
    tab.press("Enter")
    tab.wait_until(f"!{ASKS}")
    assert changes(api) == []
    tab.click(again)
    tab.wait_until(ASKS)
    tab.click("#yes")
    tab.wait_until(f"{ALERT}.includes('What failed of invoices runs again.')")
    assert changes(api) == [("POST", "/bursts/invoices/retry")]
    assert api.bursts["invoices"]["Revision"] == 2
    tab.wait_until(f"document.querySelector({again!r}).hidden")


@pytest.mark.parametrize("width", [360, 1000])
def test_an_export_that_is_held_says_why_and_is_released_after_a_question(
    tab: Page, server: PageServer, api: StubApi, width: int
) -> None:
    api.exports["board"] = single("board", "HELD", f"its refresh failed {HOSTILE}")
    show(tab, server, width=width)
    row = "#singles tr[data-key=board]"
    tab.wait_until(f"document.querySelector({row!r}) !== null")
    assert HOSTILE in tab.evaluate(text(row)) and tab.complaints == []
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.evaluate(CONTRAST) == {}
    names = [name for role, name in tab.accessibility() if role in ("button", "heading")]
    assert {"Before the backlog", "Release board", "Cancel export board"} <= {*names}
    tab.click(f"{row} .release")
    tab.wait_until(ASKS)
    assert tab.evaluate("document.activeElement.id") == "no"
    tab.press("Enter")
    tab.wait_until(f"!{ASKS}")
    assert changes(api) == []
    tab.click(f"{row} .release")
    tab.wait_until(ASKS)
    tab.click("#yes")
    tab.wait_until(f"{ALERT}.includes('board goes on.')")
    assert changes(api) == [("POST", "/exports/board/release")]
    tab.wait_until("document.querySelector('#singles-section').hidden")
    assert tab.evaluate("document.activeElement.id") == "backlog-name"


def test_capacity_is_paused_and_resumed_after_a_question(
    tab: Page, server: PageServer, api: StubApi
) -> None:
    show(tab, server)
    tab.click("#pause")
    tab.wait_until(ASKS)
    tab.evaluate("document.querySelector('#minutes').value = '240'")
    tab.click("#yes")
    tab.wait_until("!document.querySelector('#resume').hidden")
    assert api.capacity["PausedUntil"] and "Paused until" in tab.evaluate(text("#lede"))
    assert tab.evaluate("document.querySelector('#pause').hidden")
    tab.click("#resume")
    tab.wait_until(ASKS)
    tab.click("#yes")
    tab.wait_until("!document.querySelector('#pause').hidden")
    assert api.capacity["PausedUntil"] is None
    assert changes(api) == [("PUT", "/capacity")] * 2


def test_what_the_api_refuses_is_said_at_the_top_until_it_is_closed(
    tab: Page, server: PageServer, api: StubApi
) -> None:
    show(tab, server)
    tab.click("#slots tr:first-child button")
    tab.wait_until(ASKS)
    tab.click("#yes")
    tab.wait_until(f"{ALERT}.includes('That could not be done: NOT_FOUND')")
    assert tab.evaluate("document.querySelector('#alerts').getBoundingClientRect().top") < 60
    tab.click("#alerts button")
    tab.wait_until(f"{ALERT} === ''")


def test_an_error_of_the_api_is_loud_and_what_was_known_stays(
    tab: Page, server: PageServer, api: StubApi
) -> None:
    show(tab, server)
    answer, message = api.answer, "the security token has expired (GET /slots: 403)"

    def refuse(method: str, path: str, query: Any, body: Any) -> Any:
        if path == "/slots":
            return 403, {"Message": "the security token has expired"}
        return answer(method, path, query, body)

    api.answer = refuse  # type: ignore[method-assign]
    tab.wait_until(f"{ALERT}.includes({message!r})")
    assert "old or missing: the slots" in tab.evaluate(ALERT)
    assert tab.evaluate("document.querySelector('#alerts').getAttribute('role')") == "alert"
    assert len(tab.evaluate(LANES)) == 12
    api.answer = answer  # type: ignore[method-assign]
    tab.wait_until(f"{ALERT} === ''")


def test_it_says_when_nobody_answers_any_more(tab: Page, api: StubApi) -> None:
    with serving_page(api) as server:
        show(tab, server)
    tab.wait_until(f"{ALERT}.includes('`snapshots open` does not answer')")
    assert len(tab.evaluate(LANES)) == 12


def test_a_tab_can_be_reloaded_and_another_one_is_not_let_in(
    tab: Page, server: PageServer, browser: Any
) -> None:
    address = server.address
    show(tab, server)
    tab.open(address.partition("#")[0])
    tab.wait_until(READY)
    other = Page(browser)
    try:
        other.open(address)
        other.wait_until(f"{ALERT}.includes('it opens the page once')")
        assert other.evaluate("document.querySelector('#main').hidden")
        assert "Start `snapshots open`" in other.evaluate(text("#lede"))
    finally:
        other.close()


@pytest.mark.parametrize("width", [360, 1000])
def test_hostile_text_stays_text(tab: Page, server: PageServer, api: StubApi, width: int) -> None:
    names = {"ExportId": HOSTILE, "DashboardId": HOSTILE, "BurstId": HOSTILE}
    api.slots["Held"][0] |= names
    api.slots["Waiting"][1] |= names
    api.exports = {HOSTILE: failed(1, HOSTILE, HOSTILE, ExportId=HOSTILE)}
    error = {"Code": HOSTILE, "Message": HOSTILE}
    api.bursts["statements-2026-11"] = burst(
        HOSTILE, "FAILED", Error=error, ReportDownloadUrl="javascript:alert(3)"
    )
    api.schedules[HOSTILE] = api.schedules["statements"] | {
        "Name": HOSTILE, "Warnings": [HOSTILE], "ReadyBy": None, "ScheduleExpression": HOSTILE
    }  # fmt: skip
    show(tab, server, width=width)
    tab.wait_until(f"{LANES}[0] === {HOSTILE!r}")
    assert tab.complaints == []
    assert tab.evaluate("document.querySelectorAll('script').length") == 1
    assert tab.evaluate("document.querySelectorAll('img, iframe, object').length") == 0
    assert tab.evaluate(text("#failures")).count(HOSTILE) == 3
    assert HOSTILE in tab.evaluate(text("#bursts")) and HOSTILE in tab.evaluate(text("#schedules"))
    hrefs = "Array.from(document.querySelectorAll('a'), a => a.getAttribute('href'))"
    assert not [each for each in tab.evaluate(hrefs) if each and each.startswith("javascript")]
    assert tab.evaluate("document.documentElement.scrollWidth") == width


def test_the_policy_stops_scripts_and_connections_that_are_not_the_pages_own(
    tab: Page, server: PageServer
) -> None:
    show(tab, server)
    tab.evaluate(
        "document.body.append(Object.assign(document.createElement('img'),"
        " {src: 'http://127.0.0.1:1/stolen.png'}))"
    )
    for intrusion in (
        "Object.assign(document.createElement('script'), {textContent: 'window.intruded = 1'})",
        "document.body.innerHTML = '<b>x</b>'",
    ):
        wrapped = f"(() => {{ try {{ {intrusion} }} catch (e) {{ return e.name }} }})()"
        assert tab.evaluate(wrapped) == "TypeError", "trusted types"
    leak = "fetch('http://127.0.0.1:1/').then(() => 'left', e => e.name)"
    assert tab.evaluate(leak) == "TypeError"
    assert "Content Security Policy" in "".join(tab.complaints)
    assert tab.evaluate("window.intruded") is None


def test_what_ended_or_failed_is_announced_once_and_ticking_is_not(
    tab: Page, server: PageServer, api: StubApi
) -> None:
    show(tab, server)
    assert tab.evaluate(text("#live")) == "", "nothing on the first reading"
    assert tab.evaluate("document.querySelector('#live').getAttribute('aria-live')") == "polite"
    live = "document.querySelectorAll('[aria-live], [role=alert], [role=status], output').length"
    assert tab.evaluate(live) == 2, "what ticks is in no live region"
    api.bursts["statements-2026-11"]["Status"] = "COMPLETED_WITH_FAILURES"
    for number in range(10, 12):
        new = failed(number, "DATASET_DELETED", "gone")
        api.exports[new["ExportId"]] = new
    tab.evaluate(
        "window.said = []; new MutationObserver(() => said.push(document.querySelector('#live')"
        ".textContent)).observe(document.querySelector('#live'), {childList: true})"
    )
    tab.wait_until("said.join(' ').includes('2 more exports failed')")
    tab.wait_until("said.join(' ').includes('statements-2026-11 ended: completed with failures')")
    assert len(tab.evaluate("said")) <= 2


def test_a_screen_reader_gets_tables_with_heads_and_buttons_with_names(
    tab: Page, server: PageServer
) -> None:
    for width in (1000, 360):
        tab.show_as(width=width)
        tab.open(server.address if width == 1000 else server.address.partition("#")[0])
        tab.wait_until(READY)
        tree = tab.accessibility()
        names = {role: [name for each, name in tree if each == role] for role, _ in tree}
        assert names["heading"] == ["Snapshot exports", "Failures", "The slots", "The backlog",
                                    "Bursts", "Schedules"]  # fmt: skip
        assert len(names["table"]) == 5
        assert {"Slot", "Held by", "Export", "Reason", "Burst", "Next run"} <= {
            *names["columnheader"]
        }
        assert "Cancel export statements-2026-11-112" in names["button"]
        assert "Cancel burst statements-2026-11" in names["button"]
        assert "" not in names["button"] and "Cancel" not in names["button"]
        assert {"Failures", "The slots", "Bursts"} <= {*names["region"]}


@pytest.mark.parametrize("moves", [True, False])
def test_bars_move_only_for_those_who_like_motion(
    tab: Page, server: PageServer, moves: bool
) -> None:
    show(tab, server, moves=moves)
    bar = "document.querySelector('#slots .job')"
    durations = tab.evaluate(f"getComputedStyle({bar}).transitionDuration")
    assert (durations != "0s") is moves
    x = tab.evaluate(f"{bar}.getAttribute('x')")
    if moves:
        tab.wait_until(f"{bar}.getAttribute('x') !== {x!r}")
    else:
        tab.evaluate("new Promise(done => setTimeout(done, 1500))")
        assert tab.evaluate(f"{bar}.getAttribute('x')") == x


def test_of_many_slots_those_that_are_held_are_shown(
    tab: Page, server: PageServer, api: StubApi
) -> None:
    api.capacity |= {"Limit": 100, "ReservedSlots": 2, "Ceiling": 40}
    show(tab, server)
    assert len(tab.evaluate(LANES)) == 12
    note = tab.evaluate(text("#slots-note"))
    assert "88 slots are free" in note and "2 slots reserved" in note and "40 running" in note


def test_another_target_is_chosen_on_the_page(tab: Page, server: PageServer, api: StubApi) -> None:
    api.capacity["Targets"] = ["default", "partner"]
    show(tab, server)
    api.calls.clear()
    tab.evaluate(
        "(e => { e.value = 'partner'; e.dispatchEvent(new Event('change')) })"
        "(document.querySelector('#target'))"
    )
    for _ in range(200):
        if any(query.get("Target") == "partner" for _, _, query, _ in api.calls):
            break
        tab.evaluate("new Promise(done => setTimeout(done, 50))")
    assert {query["Target"] for _, path, query, _ in api.calls if path == "/slots"} == {"partner"}


def test_an_idle_deployment_says_so(tab: Page) -> None:
    with serving() as idle, serving_page(idle) as server:
        idle.capacity |= {"Running": 0, "CompletedLastHour": 0, "Waiting": 0}
        show(tab, server)
        assert tab.evaluate(text("#news")) == "Nothing runs and nothing waits."
        assert tab.evaluate("document.querySelector('#failures-section').hidden")
        assert tab.evaluate(text("#schedules-note")) == "There are no schedules."
        assert tab.evaluate(CONTRAST) == {}
