"""Which account a command is about, when the person did not say or said only the beginning of its id."""

from collections.abc import Sequence

from src.application.ports.store import AccountRow, StoreNotInitialised
from src.interfaces.cli.composition import Application
from src.interfaces.cli.errors import CommandFailed, ExitCode
from src.interfaces.cli.texts import short_id

PING_TIMEOUT_MS = 200
STOPPED = "STOPPED"


def choose_account(app: Application, wanted: str | None, *, to_change: bool = False) -> AccountRow:
    """The account whose id begins as wanted; else the one that runs, is unfinished, or was at work last.

    Raises :class:`CommandFailed` when there is none, when the beginning fits several, or when one is ``to_change`` and
    several run: which of them is meant, only the person knows.
    """
    rows = _rows(app)
    if not rows:
        raise CommandFailed("there is no account yet: start-session or init-db makes one", ExitCode.NOT_FOUND)
    if wanted is not None:
        chosen = the_one([row.account_id for row in rows], wanted)
        return next(row for row in rows if row.account_id == chosen)
    unfinished = [row for row in rows if row.session_status not in (None, STOPPED)]
    running = [row for row in unfinished if len(unfinished) > 1 and app.holder(row.account_id)]
    if to_change and len(running) > 1:
        names = ", ".join(short_id(row.account_id) for row in running)
        raise CommandFailed(f"several sessions run: name the one that is meant with --account, {names}")
    return max(
        running or unfinished or rows, key=lambda row: (app.last_active_ns(row.account_id), row.last_ms)
    )


def all_accounts(app: Application) -> list[AccountRow]:
    """Every account; none when there is no database yet."""
    try:
        return _rows(app)
    except StoreNotInitialised:
        return []


def _rows(app: Application) -> list[AccountRow]:
    reads = app.open_reads()
    try:
        return reads.accounts()
    finally:
        reads.close()


def is_running(app: Application, account_id: str) -> bool:
    """Whether a process answers for the account, or holds it without a word."""
    return answers(app, account_id) or app.holder(account_id) is not None


def answers(app: Application, account_id: str) -> bool:
    """Whether a process answers for the account; nothing else is asked, the database least of all."""
    try:
        app.control(account_id, "ping", {}, PING_TIMEOUT_MS)
    except (ConnectionError, TimeoutError):
        return False
    return True


def the_one(ids: Sequence[str], wanted: str) -> str:
    """The only id that begins so; raises :class:`CommandFailed` where there is none, or several."""
    found = [each for each in ids if each.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(short_id(each) for each in ids)
    if found:
        raise CommandFailed(f"several accounts begin with {wanted!r}: give more of the id, known are {known}")
    raise CommandFailed(f"no account begins with {wanted}: known are {known}", ExitCode.NOT_FOUND)
