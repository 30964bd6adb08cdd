"""The record of a refusal: which rule said no to which ticket, with the value it saw and the limit it holds."""

from src.domain.decisions.step import Step
from src.domain.ledger import events as e
from src.domain.risk.review import Denied


def deny(step: Step, denied: Denied) -> None:
    """Keep the refusal: rule, value and limit."""
    ticket, objection = denied.ticket, denied.objection
    step.emit(
        e.OrderDenied(
            ticket.symbol,
            ticket.side,
            ticket.quantity,
            ticket.strategy_id,
            objection.rule,
            objection.value,
            objection.limit,
            objection.text,
        )
    )
