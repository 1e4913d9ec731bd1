"""Time windows of a start: what may still be on its way to QuickSight, and when nothing is.

A start is noted on its attempt before it is sent (`call_until`), and while it may be under way
nobody else sends one, nor concludes that none was sent. It is sent within SEND_SECONDS of that
note, or not at all: its turn is waited for TURN_SECONDS at most, and the clock is read again after
the wait. It then arrives within CONNECT_SECONDS, and is answered within READ_SECONDS or given up.

    SEND 25 + CONNECT 3 + READ 15 = 43 s, by the clock of the function that sends
    + CLOCKS 10 = 53 s, by anybody's clock
    < CALL 60 s, which leaves 7 s for addresses of QuickSight's that do not answer

Nothing in this depends on the timeouts of the functions (60 s, and 120 s where the next job is
started by the one that saw an end), on how often Step Functions repeats a step, or on how soon the
reconciler starts another execution: an invocation that comes early finds the note, and waits.
"""

from __future__ import annotations

CONNECT_SECONDS = 3
READ_SECONDS = 15
TURN_SECONDS = 20.0
"""The longest wait for a turn (adapters/table/pacer.py)."""
SEND_SECONDS = 25.0
CLOCKS_SECONDS = 10.0
"""How far apart two functions' clocks may be: each is within 5 s of the time."""
CALL_SECONDS = 60.0
"""After this long a start that was noted can no longer reach QuickSight."""
LOST_AFTER_SECONDS = 300.0
"""A started job that QuickSight has not known for this long, each time it was asked, is lost."""
START_WINDOW_SECONDS = 600.0
"""After admission, or another execution, how long the start of a job may be tried."""
GRACE_SECONDS = 20.0
"""An execution may be on its way for this long before another one is started."""
