"""Commands to the process that runs a session, and what their answers mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from src.interfaces.cli.accounts import STOPPED, choose_account, is_running
from src.interfaces.cli.composition import Application
from src.interfaces.cli.errors import CommandFailed, ExitCode
from src.interfaces.cli.texts import short_id

_POLL_S = 0.05
_CODES = {"not_found": ExitCode.NOT_FOUND, "invalid": ExitCode.CONFIGURATION}


@dataclass(frozen=True, slots=True)
class Stopped:
    """A session that was running and is not any more."""

    session_id: str
    account_id: str
    flatten: bool
    text: str


def command(app: Application, account_id: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a command; raises :class:`CommandFailed` for a refusal, ConnectionError without a session."""
    answer = app.control(account_id, name, arguments, app.control_timeout_ms)
    if "error" in answer:
        raise CommandFailed(str(answer["error"]), _CODES.get(str(answer.get("kind")), ExitCode.ERROR))
    result = answer["result"]
    return result if isinstance(result, dict) else {}


def ask_to_stop(app: Application, wanted: str | None, *, flatten: bool) -> Stopped:
    """Stop the account's session and wait until its process has let go; TimeoutError when it does not.

    Raises :class:`CommandFailed` when its process ended before the session was stopped.
    """
    account = choose_account(app, wanted)
    result = command(app, account.account_id, "stop", {"flatten": flatten})
    deadline = monotonic() + app.control_timeout_ms / 1_000
    while is_running(app, account.account_id):
        if monotonic() > deadline:
            raise TimeoutError("the session was told to stop and is still at it")
        sleep(_POLL_S)
    session_id = str(result.get("session_id") or account.session_id)
    if choose_account(app, account.account_id).session_status not in (None, STOPPED):
        text = (
            f"session {short_id(session_id)} has ended and is NOT stopped: `status --detailed` shows the alarms, "
            "`start-session` goes on stopping"
        )
        raise CommandFailed(text)
    kept = "positions are closed" if flatten else "positions keep their stops"
    text = f"{account.exchange.upper()} session {short_id(session_id)} stopped: entries are canceled, {kept}"
    return Stopped(session_id, account.account_id, flatten, text)
