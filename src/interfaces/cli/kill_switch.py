"""The kill switch: the HALT file first, then whoever can make it durable in the journals.

The file stops every session of the data folder; so does the command, unless one account is named: then it is that
account's own file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from src.application.ports.kill_switch import KillLevel
from src.application.ports.store import AccountRow, StoreError
from src.domain.market.symbols import canonical_symbol
from src.domain.sessions.trading_states import SymbolState
from src.interfaces.cli.accounts import all_accounts, choose_account
from src.interfaces.cli.composition import Application, Thrown, TradingChange
from src.interfaces.cli.control import command
from src.interfaces.cli.errors import CommandFailed, ExitCode, NotAnswering, explain
from src.interfaces.cli.texts import short_id

_STATES = {KillLevel.SOFT: "REDUCE_ONLY", KillLevel.HALT: "HALTED", KillLevel.HARD: "HALTED"}
_SHRINKING = "positions may only shrink until rearm"
_CLOSED = "no position is opened until rearm"
_CLOSING = ", and every position is being closed"
_ASLEEP = "; those without a process are closed by their next start, or now by emergency-close"
_WAY_OUT = "; emergency-close closes positions without session and database"
_PATIENCE_MS = 3_000
"""How long a halt waits at most for the word of a session that has its file already, ms: someone is in a hurry."""


@dataclass(frozen=True, slots=True)
class Switched:
    """One account after the switch; ``running`` says whether its session's process did it."""

    account_id: str
    trading_state: str
    running: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the switch came to: ``text`` for people. ``silent``: accounts whose processes have only the file yet."""

    halt_file: bool
    accounts: tuple[Switched, ...]
    text: str
    silent: tuple[str, ...] = ()


def engage(app: Application, wanted: str | None, reason: str, level: KillLevel = KillLevel.HALT) -> Outcome:
    """Halt. The file holds even when everything after it fails; what failed is said, and is an error.

    Where the file cannot be made, the sessions are told all the same, and that is an error.
    A process that does not answer obeys the file as soon as it does anything, so that is none, unless it is to close.
    """
    one = _named_account(app, wanted, reason, level)
    account_id = one.account_id if one is not None else None
    before = app.kill_switch(account_id)
    name, unmade = _make_file(app, reason, level, account_id)
    patience_ms = min(app.control_timeout_ms, _PATIENCE_MS)
    halted: list[Switched] = []
    silent: dict[str, Exception] = {}
    try:
        for row in all_accounts(app) if one is None else [one]:
            try:
                halted.append(_switched(app, row, "halt", reason, level, patience_ms))
            except TimeoutError:
                silent[row.account_id] = TimeoutError(
                    f"no answer of its process in {patience_ms / 1_000:g} s"
                )
            except (NotAnswering, ConnectionError) as error:
                silent[row.account_id] = error
        if silent and (level is KillLevel.HARD or unmade):
            raise next(iter(silent.values()))
    except (StoreError, CommandFailed, ConnectionError, TimeoutError) as error:
        whom = "every session" if one is None else "the account"
        holds = f"{unmade}, and" if unmade else f"{name} in the data folder halts {whom}, but"
        text = f"{holds} not all journals know of it: {error}"
        if level is KillLevel.HARD:
            text += _WAY_OUT
        raise CommandFailed(text) from error
    text = _verdict(Thrown(level, reason), before, halted)
    if unmade:
        raise CommandFailed(f"{text}; but {unmade}" if halted else unmade)
    told = [
        f"; {name} in the data folder halts {short_id(each)} too, by itself: {silent[each]}"
        for each in silent
    ]
    return Outcome(True, tuple(halted), text + "".join(told), tuple(silent))


def _make_file(app: Application, reason: str, level: KillLevel, account_id: str | None) -> tuple[str, str]:
    """The name of the file that halts, or why there is none of this level: sessions can be told without it."""
    try:
        return app.engage_kill_switch(reason, level, account_id).name, ""
    except OSError as error:
        return "", f"the file that halts could not be written: {explain(error)[0]}"


def _verdict(asked: Thrown, before: Thrown | None, halted: Sequence[Switched]) -> str:
    """What holds now: a halt takes nothing back of one as strict, or stricter, that was there before, and says so."""
    holds = before if before is not None and _rank(before) >= _rank(asked) else asked
    is_hard = holds.level is KillLevel.HARD
    parts = []
    for state in sorted({each.trading_state for each in halted} or {_STATES[holds.level]}):
        meaning = _SHRINKING if state == _STATES[KillLevel.SOFT] else _CLOSED + (_CLOSING if is_hard else "")
        parts.append(f"{state}{_named([each for each in halted if each.trading_state == state])}: {meaning}")
    asleep = is_hard and not all(each.running for each in halted)
    kept = (
        f"; thrown before and still in force: {holds.level.value}: {holds.reason}" if holds != asked else ""
    )
    return f"{'; '.join(parts)}{_ASLEEP if asleep else ''}{kept.rstrip(': ')}"


def _rank(thrown: Thrown) -> int:
    return list(KillLevel).index(thrown.level)


def release(app: Application, wanted: str | None) -> Outcome:
    """Re-arm in the journals first, then remove the file: a failure in between leaves the halt standing."""
    one = choose_account(app, wanted) if wanted is not None else None
    rows = all_accounts(app) if one is None else [one]
    rearmed = [_switched(app, row, "rearm", "", KillLevel.HALT) for row in rows]
    was_there = app.release_kill_switch(one.account_id if one is not None else None)
    if one is not None and app.kill_switch_engaged(one.account_id):
        raise CommandFailed(
            f"account {short_id(one.account_id)} is re-armed, but HALT in the data folder still halts every session: "
            "run rearm without --account"
        )
    still = [row.account_id for row in rows if app.kill_switch_engaged(row.account_id)]
    if still:
        names = ", ".join(map(short_id, still))
        raise CommandFailed(
            f"the journals are re-armed, but something in the data folder still halts {names}: move HALT and what "
            "begins with HALT- away"
        )
    note = "" if was_there or rearmed else ", and nothing was halted"
    return Outcome(False, tuple(rearmed), f"ACTIVE{_named(rearmed)}: positions may be opened again{note}")


def reopen(app: Application, wanted: str | None, symbol: str) -> Outcome:
    """Open one closed symbol again; a halt of the account stands."""
    name = canonical_symbol(symbol)
    row = choose_account(app, wanted, to_change=True)
    _require_closed(app, row.account_id, name)
    running, state = True, ""
    try:
        state = str(command(app, row.account_id, "reopen", {"symbol": name})["trading_state"])
    except ConnectionRefusedError:
        running, state = False, app.reopen_symbol(row.account_id, name).trading_state
    switched = Switched(row.account_id, state, running)
    return Outcome(False, (switched,), f"{name} may be opened again{_named([switched])}, trading is {state}")


def _require_closed(app: Application, account_id: str, symbol: str) -> None:
    """Raise :class:`CommandFailed` unless there is something to open again."""
    reads = app.open_reads()
    try:
        ledger = reads.ledger(account_id)
    finally:
        reads.close()
    book = None if ledger is None else ledger.symbols.get(symbol)
    if book is None:
        raise CommandFailed(f"account {short_id(account_id)} never traded {symbol}", ExitCode.NOT_FOUND)
    if book.state is not SymbolState.CLOSED:
        raise CommandFailed(
            f"{symbol} is {book.state.value}, not CLOSED: there is nothing to open again",
            ExitCode.CONFIGURATION,
        )


def _named_account(app: Application, wanted: str | None, reason: str, level: KillLevel) -> AccountRow | None:
    """The account to halt, None for all; when it cannot be looked up, everything is halted first."""
    if wanted is None:
        return None
    try:
        return choose_account(app, wanted)
    except StoreError as error:
        path = app.engage_kill_switch(reason, level, None)
        raise CommandFailed(
            f"the account cannot be looked up, so {path.name} in the data folder halts every session: {error}"
        ) from error


def _switched(
    app: Application,
    row: AccountRow,
    name: str,
    reason: str,
    level: KillLevel,
    patience_ms: int | None = None,
) -> Switched:
    """Move one account's trading state through its running session, else as its one writer."""
    arguments = {"reason": reason, "level": level.value} if name == "halt" else {}
    try:
        result = command(app, row.account_id, name, arguments, patience_ms)
    except ConnectionRefusedError:
        change: TradingChange = (
            app.halt(row.account_id, reason, level) if name == "halt" else app.rearm(row.account_id)
        )
        return Switched(row.account_id, change.trading_state, False)
    return Switched(row.account_id, str(result["trading_state"]), True)


def _named(accounts: Sequence[Switched]) -> str:
    names = (f"{short_id(each.account_id)}{' (running)' if each.running else ''}" for each in accounts)
    return f" {', '.join(names)}" if accounts else ""
