"""Puts audits together: whose books are compared with which exchange's, and where outcomes are kept.

Outcomes of a running session's audits are appended to a file of the account, one JSON document a line, so that what was
found and when survives the session. A line that a killed process left unfinished is passed over.
"""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from src.application.ports.store import AccountRow
from src.bootstrap.paper_account import exchange_file
from src.bootstrap.paper_config import PAPER
from src.bootstrap.settings import Settings
from src.infrastructure.audit.request import AuditRequest, Credentials
from src.infrastructure.brokers.paper_broker import PAPER_ACCOUNT
from src.infrastructure.persistence.databases import Database, SqliteDatabase
from src.interfaces.cli.audits import AuditDifference, AuditOutcome
from src.interfaces.cli.composition import ConfigurationError

DIFFERENCES_KEPT: Final = 100
_TAIL_BYTES: Final = 1 << 17


def audit_request(
    settings: Settings, database: Database, account_id: str, exchange: str, since_ms: int = 0
) -> AuditRequest:
    """What is to be compared for an account; raises ConfigurationError when the key in the settings is not its own."""
    is_server = not isinstance(database, SqliteDatabase)
    url = settings.database_url
    place = url.get_secret_value() if is_server and url is not None else database.name
    request = AuditRequest(account_id, place, is_server=is_server, since_ms=since_ms)
    if exchange == PAPER:
        file = exchange_file(settings.data_folder, account_id)
        return replace(request, file=file, account=PAPER_ACCOUNT)
    return _at_venue(request, settings, exchange)


def _at_venue(request: AuditRequest, settings: Settings, exchange: str) -> AuditRequest:
    from src.bootstrap.venue import venue_of_account  # loads the exchange's client
    from src.infrastructure.brokers.binance_places import DEMO, MAINNET

    venue = venue_of_account(settings, exchange, request.account_id)
    return replace(
        request,
        venue=Credentials(venue.place.rest_url, venue.api_key, venue.secret),
        is_exact=venue.place not in (MAINNET, DEMO),
    )


def audit_now(settings: Settings, database: Database, row: AccountRow, since_ms: int) -> AuditOutcome:
    """Audit in this process; raises ConfigurationError when a side cannot be read."""
    from src.infrastructure.audit.auditor import run_audit  # sessions leave it to another process
    from src.infrastructure.audit.records import AuditFailure

    request = audit_request(settings, database, row.account_id, row.exchange, since_ms)
    begun_ns = time.monotonic_ns()
    try:
        report = run_audit(request)
    except AuditFailure as failure:
        raise ConfigurationError(str(failure)) from None
    return outcome_of(asdict(report), (time.monotonic_ns() - begun_ns) // 1_000_000)


def outcome_of(report: dict[str, Any], took_ms: int) -> AuditOutcome:
    """A report of the auditor, in this process or from another, with when it was made."""
    differences = tuple(AuditDifference(**each) for each in report.pop("differences"))
    return AuditOutcome(**report, at_ms=time.time_ns() // 1_000_000, took_ms=took_ms, differences=differences)


def failed(account_id: str, exchange: str, failure: str) -> AuditOutcome:
    """An audit that could not be made."""
    return AuditOutcome(account_id, exchange, at_ms=time.time_ns() // 1_000_000, failure=failure)


def _file_of(data_dir: Path, account_id: str) -> Path:
    return data_dir / "audits" / f"{account_id[:8]}.jsonl"


def keep_outcome(data_dir: Path, outcome: AuditOutcome) -> None:
    """Append an outcome to the account's file."""
    path = _file_of(data_dir, outcome.account_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = replace(outcome, differences=outcome.differences[:DIFFERENCES_KEPT])
    with path.open("ab") as file:
        file.write(msgspec.json.encode(kept) + b"\n")


def last_outcome(data_dir: Path, account_id: str) -> AuditOutcome | None:
    """The newest outcome of an account, or None when it has none."""
    try:
        with _file_of(data_dir, account_id).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
            lines = file.read().splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        # Neither a person's look at a session nor anything else of it depends on this.
        return failed(account_id, "", f"{error.filename} cannot be read ({error.strerror}): move it away")
    for line in reversed(lines):
        try:
            return msgspec.json.decode(line, type=AuditOutcome)
        except msgspec.DecodeError:
            continue
    return None
