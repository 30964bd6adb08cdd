"""What a thrown kill switch means for a session."""

from typing import Final

from src.application.ports.kill_switch import KillLevel
from src.domain.decisions.news import MoveTrading
from src.domain.sessions.trading_states import TradingTrigger

SWITCH: Final = "kill switch"


def halting(level: KillLevel, reason: str, author: str) -> MoveTrading:
    """The wish that a level of the switch stands for."""
    trigger = TradingTrigger.REDUCE if level is KillLevel.SOFT else TradingTrigger.HALT
    return MoveTrading(trigger, reason, author, flatten=level is KillLevel.HARD)
