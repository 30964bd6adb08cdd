"""How a person's wish about the protection of a position changes it."""

from src.domain.ledger import events as e
from src.domain.ledger.state import Ledger
from src.domain.orders.types import Purpose


def protection_waived(ledger: Ledger, event: e.ProtectionWaived, at_ms: int) -> None:
    """There is to be no stop, or no target, for as long as the position is held."""
    position = ledger.position(event.symbol, event.position_side)
    if event.purpose is Purpose.PROTECTIVE_STOP:
        position.stop_waived = True
    else:
        position.target_waived = True
    ledger.changes.positions[(event.symbol, event.position_side)] = position


def protection_restored(ledger: Ledger, event: e.ProtectionRestored, at_ms: int) -> None:
    """There is to be protection again, where this says so."""
    position = ledger.position(event.symbol, event.position_side)
    position.stop_waived = position.target_waived = False
    if event.stop_loss_price is not None:
        position.stop_loss_price = event.stop_loss_price
    if event.take_profit_price is not None:
        position.take_profit_price = event.take_profit_price
    ledger.changes.positions[(event.symbol, event.position_side)] = position
