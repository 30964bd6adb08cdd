"""The kill switch: the HALT file first, then whoever can make it durable in the journal."""

from dataclasses import dataclass

from src.application.ports.store import StoreError
from src.interfaces.cli.accounts import choose_account
from src.interfaces.cli.composition import Application, TradingChange
from src.interfaces.cli.control import command
from src.interfaces.cli.errors import CommandFailed
from src.interfaces.cli.texts import short_id


@dataclass(frozen=True, slots=True)
class Switched:
    """What the switch came to. ``account_id`` is empty when there is no account to write it into."""

    account_id: str
    trading_state: str
    running: bool
    halt_file: bool
    text: str


def engage(app: Application, wanted: str | None, reason: str) -> Switched:
    """Halt; the file holds even when everything after it fails, and the error then says so."""
    path = app.engage_kill_switch(reason)
    try:
        account_id = choose_account(app, wanted).account_id
    except (StoreError, CommandFailed) as error:
        text = f"HALTED by {path.name} in the data folder; not in the journal, since {error}"
        return Switched("", "HALTED", False, True, text)
    change, running = _change(app, account_id, "halt", reason)
    where = "the running session" if running else f"account {short_id(account_id)}"
    return Switched(
        account_id, change.trading_state, running, True, f"HALTED: {where} opens no position until rearm"
    )


def release(app: Application, wanted: str | None) -> Switched:
    """Re-arm in the journal first, then remove the file: a failure in between leaves the halt standing."""
    account_id = choose_account(app, wanted).account_id
    change, running = _change(app, account_id, "rearm", "")
    app.release_kill_switch()
    where = "the running session" if running else f"account {short_id(account_id)}"
    return Switched(
        account_id, change.trading_state, running, False, f"{change.trading_state}: {where} may trade again"
    )


def _change(app: Application, account_id: str, name: str, reason: str) -> tuple[TradingChange, bool]:
    """Change the trading state through the running session, else as the one writer; and which it was."""
    try:
        result = command(app, account_id, name, {"reason": reason} if name == "halt" else {})
    except ConnectionError:
        return (app.halt(account_id, reason) if name == "halt" else app.rearm(account_id)), False
    return TradingChange(account_id, str(result["trading_state"]), str(result["trading_reason"])), True
