"""Commands to the process that runs a session, and what their answers mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from src.application.ports.store import AccountRow
from src.interfaces.cli.accounts import STOPPED, choose_account, is_running
from src.interfaces.cli.composition import Application
from src.interfaces.cli.errors import CommandFailed, ExitCode, NotAnswering
from src.interfaces.cli.texts import quantity, short_id

_POLL_S = 0.05
_PINGS = 8
"""How often a process that holds the account is pinged: two seconds in all, which is long for a busy one."""
_CODES = {"not_found": ExitCode.NOT_FOUND, "invalid": ExitCode.CONFIGURATION}


@dataclass(frozen=True, slots=True)
class Stopped:
    """A session that was running and is not any more, as its process left it.

    ``positions`` counts what is open; ``text`` says for people what came of it, ``done`` whether that was asked for.
    """

    session_id: str
    account_id: str
    flatten: bool
    text: str
    status: str
    positions: int
    done: bool


def command(
    app: Application,
    account_id: str,
    name: str,
    arguments: Mapping[str, Any],
    patience_ms: int | None = None,
) -> dict[str, Any]:
    """The result of a command; raises :class:`CommandFailed` for a refusal, ConnectionError without a session.

    Raises :class:`NotAnswering` where a process holds the account and says nothing. ``patience_ms`` is how long to wait
    for the answer, None as long as the settings say.
    """
    answer = _asked(
        app, account_id, name, arguments, app.control_timeout_ms if patience_ms is None else patience_ms
    )
    if "error" in answer:
        raise CommandFailed(str(answer["error"]), _CODES.get(str(answer.get("kind")), ExitCode.ERROR))
    result = answer["result"]
    return result if isinstance(result, dict) else {}


def _asked(
    app: Application, account_id: str, name: str, arguments: Mapping[str, Any], patience_ms: int
) -> dict[str, Any]:
    """The answer, where a ping was answered; one that was not is repeated as long as somebody holds the account."""
    holder: str | None = ""
    for _ in range(_PINGS):
        try:
            return app.control(account_id, name, arguments, patience_ms)
        except ConnectionRefusedError:
            holder = app.holder(account_id)
            if holder is None:
                raise
            sleep(_POLL_S)
    raise NotAnswering(holder or "", account_id)


def ask_to_stop(app: Application, wanted: str | None, *, flatten: bool) -> Stopped:
    """Stop the account's session and wait until its process has let go; TimeoutError when it does not."""
    account = choose_account(app, wanted, to_change=True)
    result = command(app, account.account_id, "stop", {"flatten": flatten})
    deadline = monotonic() + app.control_timeout_ms / 1_000
    while is_running(app, account.account_id):
        if monotonic() > deadline:
            raise TimeoutError("the session was told to stop and is still at it")
        sleep(_POLL_S)
    return _left_behind(app, account, str(result.get("session_id") or account.session_id), flatten)


def _left_behind(app: Application, account: AccountRow, session_id: str, flatten: bool) -> Stopped:
    """What the process committed last: a wish to stop, or to close, may have come too late or found no exchange."""
    reads = app.open_reads()
    try:
        ledger = reads.ledger(account.account_id)
    finally:
        reads.close()
    assert ledger is not None and ledger.session is not None, "its process has just run"
    status = ledger.session.status.value
    kept = [
        f"{position.symbol} {quantity(position.quantity)}"
        for position in ledger.positions.values()
        if not position.is_flat
    ]
    done = status == STOPPED and not (flatten and kept)
    name = f"{account.exchange.upper()} session {short_id(session_id)}"
    if not done:
        left = f"open is {', '.join(kept)}" if kept else "no position is open"
        way_out = (
            "close it by emergency-close, or with a session by close-position"
            if status == STOPPED
            else "start-session goes on with it, emergency-close closes positions without a session"
        )
        text = f"{name} ended {status}, not {'flat' if status == STOPPED else STOPPED}: {left}; {way_out}"
    else:
        held = "positions are closed" if flatten else "positions keep their stops"
        text = f"{name} stopped: entries are canceled, {held}"
    return Stopped(session_id, account.account_id, flatten, text, status, len(kept), done)
