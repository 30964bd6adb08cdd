"""What a thrown kill switch means for a session."""

from typing import Final

from src.application.ports.kill_switch import KillLevel, KillSwitch
from src.application.ports.side_journal import SideJournal
from src.application.trading.session_loop import SessionLoop
from src.domain.decisions.news import MoveTrading
from src.domain.sessions.trading_states import TradingState, TradingTrigger

SWITCH: Final = "kill switch"


def halting(level: KillLevel, reason: str, author: str) -> MoveTrading:
    """The wish that a level of the switch stands for."""
    trigger = TradingTrigger.REDUCE if level is KillLevel.SOFT else TradingTrigger.HALT
    return MoveTrading(trigger, reason, author, flatten=level is KillLevel.HARD)


class SwitchWatch:
    """Makes durable what the switch says since it was thrown, and goes on closing positions until none is left.

    Only a change of the switch counts: whoever re-arms does so in the journal first, while the file is still there.
    Where positions may have been closed around the session, what is left of them is asked for first, once.
    """

    def __init__(self, switch: KillSwitch, loop: SessionLoop, side_journal: SideJournal) -> None:
        self._switch = switch
        self._loop = loop
        self._side_journal = side_journal
        self._level: KillLevel | None = None
        self._has_asked = False

    def look(self) -> None:
        """Decide what follows from the switch now."""
        level, ledger = self._switch.level(), self._loop.ledger
        thrown = level is not self._level
        if thrown and level is KillLevel.HARD and self._asks_first():
            return
        self._level = level
        if level is None:
            self._has_asked = False
            return
        halted = ledger.account.trading_state is TradingState.HALTED
        closing = level is KillLevel.HARD and halted and any(p.quantity for p in ledger.positions.values())
        if thrown or closing:
            reason = self._switch.reason() or "the kill switch is engaged"
            self._loop.decide(halting(level, reason, SWITCH))

    def _asks_first(self) -> bool:
        """Whether what was sent around the session is still to be taken over: the next comparison begins with that."""
        if not self._has_asked and self._side_journal.has_records():
            self._has_asked = True
            self._loop.reconcile_wanted = "positions were closed in an emergency"
        return self._has_asked and bool(self._loop.reconcile_wanted)
