"""Draws every state machine of the domain from its table into ``docs/state-machines.md``.

``python -m tests.domain.draw_state_machines`` writes the page anew; a test compares it with the tables, so that
the diagrams can never tell another story than the code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from src.domain.orders.parents import PARENT_TRANSITIONS, ParentStatus
from src.domain.orders.transitions import (
    ATTEMPT_TRANSITIONS,
    CANCEL_TRANSITIONS,
    MODIFY_TRANSITIONS,
    ORDER_TRANSITIONS,
    AttemptState,
    CancelState,
    ModifyState,
)
from src.domain.orders.types import OrderStatus
from src.domain.sessions.session import SESSION_TRANSITIONS, TradingSessionStatus
from src.domain.sessions.trading_states import TRADING_TRANSITIONS, TradingState

PAGE = Path(__file__).resolve().parents[2] / "docs" / "state-machines.md"


@dataclass(frozen=True)
class Machine:
    """A machine as the page shows it: its table, where it starts, and one paragraph about it."""

    name: str
    table: Mapping[Any, Mapping[Any, Any]]
    start: Enum
    text: str


MACHINES = (
    Machine(
        "Order",
        ORDER_TRANSITIONS,
        OrderStatus.PENDING_NEW,
        "Where an order stands, in the exchange's words; PENDING_NEW and DENIED are ours. A fill is real money and "
        "is booked whatever the status: a late one that completes a canceled, expired or rejected order makes it "
        "FILLED, one that does not leaves it where it is.",
    ),
    Machine(
        "Attempt",
        ATTEMPT_TRANSITIONS,
        AttemptState.OPEN,
        "What we know about the one transmission of an order. UNKNOWN keeps its reservation until evidence settles "
        "it; DEAD is a tombstone: a later sighting of it has no row, it is a breach (I9) and halts trading.",
    ),
    Machine(
        "Cancel",
        CANCEL_TRANSITIONS,
        CancelState.NONE,
        "Whether the end of an order was asked for. It is a machine of its own beside the status, because a cancel "
        "on its way says nothing about where the order stands; the wish is over when the order is.",
    ),
    Machine(
        "Amendment",
        MODIFY_TRANSITIONS,
        ModifyState.NONE,
        "Whether another price and quantity of an order was asked for. Until that is settled the worse of old and new "
        "is reserved and nothing else is asked for; NOT_DONE is a refusal, or the order as it was after the deadline.",
    ),
    Machine(
        "Parent order",
        PARENT_TRANSITIONS,
        ParentStatus.WORKING,
        "An OCO, an iceberg, a TWAP, a VWAP or a trim. One that is ending sends nothing more and waits for the end of "
        "what it sent; a fill that is faster than the cancel may still complete it.",
    ),
    Machine(
        "Session",
        SESSION_TRANSITIONS,
        TradingSessionStatus.STOPPED,
        "RUNNING is reached only from STARTING, which includes recovery, and from PAUSED by resume, which keeps the "
        "process and its stream alive. RECOVER: a new process took the session over.",
    ),
    Machine(
        "Trading",
        TRADING_TRANSITIONS,
        TradingState.ACTIVE,
        "Whether the account may open positions. HALTED is a durable latch: only a person re-arms it.",
    ),
)


def mermaid(table: Mapping[Enum, Mapping[Enum, Enum]], start: Enum) -> str:
    """Draw the table as a Mermaid state diagram; rows that stay where they are ("old news") are left out."""
    lines = ["stateDiagram-v2", f"    [*] --> {start.name}"]
    for state, row in table.items():
        for trigger, target in row.items():
            if target is not state:
                lines.append(f"    {state.name} --> {target.name}: {trigger.name.lower()}")
        if not any(target is not state for target in row.values()):
            lines.append(f"    {state.name} --> [*]")
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    parts = [
        "# State machines",
        "",
        "Drawn from the tables in `src/domain` by `python -m tests.domain.draw_state_machines`; do not edit by hand.",
        "Rows that change nothing (old news: what REST or the stream tells a second time) are left out.",
    ]
    for machine in MACHINES:
        drawing = mermaid(machine.table, machine.start)
        parts += ["", f"## {machine.name}", "", machine.text, "", "```mermaid", drawing, "```"]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
