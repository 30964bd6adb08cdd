"""Comparisons of store and exchange, asked of the running session or done here when none runs."""

from dataclasses import dataclass

from src.application.ports.store import RecoveryRow
from src.interfaces.cli.accounts import choose_account
from src.interfaces.cli.composition import Application, Difference, RecoveryOutcome
from src.interfaces.cli.control import command
from src.interfaces.cli.errors import CommandFailed
from src.interfaces.cli.tables import print_table
from src.interfaces.cli.texts import moment, short_id


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison found. ``outcome`` is None when the running session was asked, which reports by itself."""

    account_id: str
    running: bool
    agrees: bool
    outcome: RecoveryOutcome | None


def run_recovery(app: Application, wanted: str | None, *, dry_run: bool) -> Comparison:
    """Compare the account's store with the exchange."""
    account_id = choose_account(app, wanted, to_change=True).account_id
    try:
        if dry_run:
            # A running session compares for itself and would not do so dry.
            command(app, account_id, "ping", {})
            raise CommandFailed(
                "the session is running and keeps itself in step: leave out --dry-run, or stop it first"
            )
        command(app, account_id, "recover", {"dry_run": False})
    except ConnectionError:
        outcome = app.recover(account_id, dry_run=dry_run)
        return Comparison(account_id, False, outcome.agrees, outcome)
    return Comparison(account_id, True, True, None)


def print_comparison(comparison: Comparison) -> None:
    """The comparison for people."""
    outcome = comparison.outcome
    if outcome is None:
        print(
            "the running session compares itself with the exchange now: `status --detailed` and its alarms tell the "
            "result"
        )
        return
    if outcome.differences:
        print_table(
            "Differences",
            ("what", "store", "exchange", "verdict"),
            [_row(each) for each in outcome.differences],
        )
    done = "would add" if outcome.dry_run else "added"
    print(
        f"account {short_id(comparison.account_id)}: {outcome.orders_checked} orders checked,"
        f" {done} {outcome.fills_added} fills and {outcome.income_added} other bookings,"
        f" {outcome.unresolved} unresolved"
    )
    print("store and exchange agree" if outcome.agrees else "store and exchange do NOT agree")


def last_recovery(app: Application, account_id: str) -> RecoveryRow | None:
    """The last comparison that the account's journal knows of."""
    reads = app.open_reads()
    try:
        return next(iter(reads.recoveries(account_id, limit=1)), None)
    finally:
        reads.close()


def print_last_recovery(row: RecoveryRow) -> None:
    """The same for people."""
    report = row.report
    verdict = "they agree" if report.agrees else f"they differ in {report.differences}, trading is halted"
    print(
        f"Last comparison: {moment(row.at_ms)} ({report.cause}), {report.orders_checked} orders checked,"
        f" added {report.fills_added} fills and {report.income_added} other bookings,"
        f" {report.unresolved} unresolved; {verdict}"
    )


def _row(difference: Difference) -> tuple[str, str, str, str]:
    return difference.subject, difference.ours, difference.theirs, difference.verdict
