"""Getting flat around the session: who is meant, one question, the HALT file, then account by account.

Accounts are found by their side journals: the database may be what is broken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.application.ports.kill_switch import KillLevel
from src.interfaces.cli.accounts import answers, the_one
from src.interfaces.cli.composition import Application, ConfigurationError, EmergencyAccount
from src.interfaces.cli.confirmation import is_typed
from src.interfaces.cli.errors import CommandFailed, ExitCode, explain
from src.interfaces.cli.texts import short_id

if TYPE_CHECKING:
    from src.application.trading.services.emergency_close import EmergencyReport

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Closed:
    """One account afterwards; ``error`` says why nothing could be done, without a report."""

    account_id: str
    exchange: str
    report: "EmergencyReport | None" = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an emergency came to; ``halt_file`` says whether the HALT file is surely there."""

    halt_file: bool
    accounts: tuple[Closed, ...]


def choose(app: Application, wanted: str | None, *, anyway: bool) -> list[EmergencyAccount]:
    """The accounts to close, those at exchanges before paper; raises :class:`CommandFailed`.

    One whose session answers is closed by that session, unless it is to be done ``anyway``.
    """
    known = app.emergency_accounts()
    if not known:
        raise CommandFailed("there is no account yet", ExitCode.NOT_FOUND)
    chosen = None if wanted is None else the_one([each.account_id for each in known], wanted)
    found = [each for each in known if chosen in (None, each.account_id)]
    answering = [each for each in found if answers(app, each.account_id)]
    if answering and not anyway:
        names = ", ".join(short_id(each.account_id) for each in answering)
        raise CommandFailed(
            f"the session of {names} answers: halt --hard closes everything through it, or add --anyway to go around it"
        )
    return sorted(found, key=lambda each: each.exchange == "paper")


def confirm(accounts: list[EmergencyAccount], is_terminal: bool, ask: Callable[[str], str]) -> None:
    """Go on only if the sentence asked for is typed; raises ConfigurationError."""
    sentence = f"close {short_id(accounts[0].account_id) if len(accounts) == 1 else 'everything'}"
    if not is_terminal:
        raise ConfigurationError(
            "closing everything is confirmed by a person: add --yes where nobody can type"
        )
    named = ", ".join(f"{each.exchange.upper()} {short_id(each.account_id)}" for each in accounts)
    print(f"All entries are canceled and all positions closed at the market, around any session: {named}")
    if not is_typed(sentence, ask):
        raise ConfigurationError("not confirmed: nothing was sent, nothing was halted")


def close_all(
    app: Application,
    accounts: list[EmergencyAccount],
    wanted: str | None,
    reason: str,
    tell: Tell,
    *,
    stops: bool = False,
) -> Outcome:
    """Halt, then close one account after the other; what fails for one does not keep the next from its turn."""
    halted = [
        _halt(app, reason, each, wanted is None, tell) for each in accounts[: 1 if wanted is None else None]
    ]
    return Outcome(all(halted), tuple(_close(app, each, reason, tell, stops) for each in accounts))


def _halt(app: Application, reason: str, account: EmergencyAccount, of_all: bool, tell: Tell) -> bool:
    """Make the HALT file, of all accounts or of one; what is on the way to being flat does not wait for a disk."""
    try:
        path = app.engage_kill_switch(reason, KillLevel.HARD, None if of_all else account.account_id)
    except OSError as error:
        if app.kill_switch_engaged(account.account_id):
            # On a full disk the file is there, and has no text.
            tell(f"HALT is in the data folder, without its reason ({error.strerror})")
            return True
        tell(
            f"HALT cannot be made ({error.strerror}): a session that wakes up may open positions, end its process"
        )
        return False
    tell(f"{path.name} is in the data folder: no session opens a position until rearm")
    return True


def _close(app: Application, account: EmergencyAccount, reason: str, tell: Tell, stops: bool) -> Closed:
    tell(f"{account.exchange.upper()} account {short_id(account.account_id)}".strip())
    error = account.trouble
    if not error:
        try:
            report = app.close_in_emergency(account.account_id, reason, tell, stops)
            tell(verdict(report, stops=stops))
            return Closed(account.account_id, account.exchange, report)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the other accounts have their turn
            error, _ = explain(failure)
    tell(f"NOT done: {error}; close by hand at the exchange if it cannot be put right")
    return Closed(account.account_id, account.exchange, error=error)


def verdict(report: "EmergencyReport", *, stops: bool = False) -> str:
    """One line that says what is left; ``stops`` says whether what only reduces was to be canceled as well."""
    left = [f"holds {text}" for text in report.positions]
    left += [f"{name} is still open" for name in report.opening]
    left += [f"the outcome of {name} is unknown" for name in report.unknown]
    left += list(report.troubles)
    reducing = _reducing(report, stops)
    if not left:
        return f"flat: no position and no opening order is left{reducing}"
    return f"{'flat, but' if report.is_flat else 'NOT flat:'} {', '.join(left)}{reducing}"


def _reducing(report: "EmergencyReport", stops: bool) -> str:
    """What is said of orders that only reduce: they belong to what is held, and nothing that was tried is advised."""
    if not report.protective:
        return ""
    named = f"; {report.protective} orders that only reduce"
    if report.positions:
        return f"{named} were left"
    if stops:
        return (
            f"{named} could not be canceled and are still open: run it again, or cancel them at the exchange"
        )
    return f"{named} were left, --stops cancels them"


def end(outcome: Outcome) -> None:
    """Raise :class:`CommandFailed` unless every account is halted and flat, and nothing is unknown."""
    closed = outcome.accounts
    open_ones = [
        short_id(each.account_id) for each in closed if each.report is None or not each.report.is_flat
    ]
    if open_ones:
        raise CommandFailed(
            f"not everything is closed: {', '.join(open_ones)}; run it again, or close by hand"
        )
    if not outcome.halt_file:
        raise CommandFailed("everything is closed, but HALT could not be made: end the sessions' processes")
    unknown = [name for each in closed if each.report is not None for name in each.report.unknown]
    if unknown:
        raise CommandFailed(
            f"the outcome of {', '.join(unknown)} is unknown: look at the exchange, or run it again",
            ExitCode.TIMEOUT,
        )
