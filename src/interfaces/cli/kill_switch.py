"""The kill switch: the HALT file first, then whoever can make it durable in the journals.

The file stops every session of the data folder; so does the command, unless one account is named.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from src.application.ports.store import AccountRow, StoreError
from src.interfaces.cli.accounts import all_accounts, choose_account
from src.interfaces.cli.composition import Application, TradingChange
from src.interfaces.cli.control import command
from src.interfaces.cli.errors import CommandFailed
from src.interfaces.cli.texts import short_id


@dataclass(frozen=True, slots=True)
class Switched:
    """One account after the switch; ``running`` says whether its session's process did it."""

    account_id: str
    trading_state: str
    running: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the switch came to: ``text`` for people."""

    halt_file: bool
    accounts: tuple[Switched, ...]
    text: str


def engage(app: Application, wanted: str | None, reason: str) -> Outcome:
    """Halt. The file holds even when everything after it fails; what failed is said, and is an error."""
    path = app.engage_kill_switch(reason)
    halted: list[Switched] = []
    try:
        for row in _accounts(app, wanted):
            halted.append(_switched(app, row, "halt", reason))
    except (StoreError, CommandFailed, ConnectionError, TimeoutError) as error:
        text = f"{path.name} in the data folder halts every session, but not all journals know of it: {error}"
        raise CommandFailed(text) from error
    return Outcome(True, tuple(halted), f"HALTED{_named(halted)}: no position is opened until rearm")


def release(app: Application, wanted: str | None) -> Outcome:
    """Re-arm in the journals first, then remove the file: a failure in between leaves the halt standing."""
    rearmed = [_switched(app, row, "rearm", "") for row in _accounts(app, wanted)]
    was_there = app.release_kill_switch()
    note = "" if was_there or rearmed else ", and nothing was halted"
    return Outcome(False, tuple(rearmed), f"ACTIVE{_named(rearmed)}: positions may be opened again{note}")


def _accounts(app: Application, wanted: str | None) -> Sequence[AccountRow]:
    return all_accounts(app) if wanted is None else [choose_account(app, wanted)]


def _switched(app: Application, row: AccountRow, name: str, reason: str) -> Switched:
    """Move one account's trading state through its running session, else as its one writer."""
    try:
        result = command(app, row.account_id, name, {"reason": reason} if name == "halt" else {})
    except ConnectionRefusedError:
        change: TradingChange = (
            app.halt(row.account_id, reason) if name == "halt" else app.rearm(row.account_id)
        )
        return Switched(row.account_id, change.trading_state, False)
    return Switched(row.account_id, str(result["trading_state"]), True)


def _named(accounts: Sequence[Switched]) -> str:
    names = (f"{short_id(each.account_id)}{' (running)' if each.running else ''}" for each in accounts)
    return f" {', '.join(names)}" if accounts else ""
