"""Which session at an exchange a command is about, and its parts: the one of the key, or that of a known account."""

from dataclasses import replace

from src.application.ports.broker import BrokerRefused, BrokerUnavailable, RateLimitError
from src.application.ports.store import AccountRow, ReadModels
from src.application.trading.session_parts import SessionParts
from src.bootstrap.going_live import refuse_contradiction
from src.bootstrap.selection import Selection, select_account
from src.bootstrap.settings import Settings
from src.bootstrap.venue import LOCAL_URL, Venue, venue_of, venue_of_account, venue_parts
from src.infrastructure.persistence.databases import Database
from src.interfaces.cli.composition import ConfigurationError, SessionRequest


def open_venue(
    settings: Settings,
    request: SessionRequest,
    reads: ReadModels,
    database: Database,
    venue: Venue | None = None,
) -> SessionParts:
    """The parts of the session that a request for an exchange is about: the key's unfinished one, or a new one.

    Raises ConfigurationError, and BrokerError for an exchange that does not answer.
    """
    if venue is None:
        refuse_contradiction(settings, request.exchange)
        venue = venue_of(settings, request.exchange, settings.data_folder)
    selection = select_account(settings, request, reads, database, venue.account_id)
    return _parts(settings, selection, venue, is_resumed=selection.is_resumed)


def open_account(settings: Settings, selection: Selection, row: AccountRow) -> SessionParts:
    """The parts of the account's last session, finished or not; raises as :func:`open_venue`."""
    venue = venue_of_account(settings, row.exchange, row.account_id)
    return _parts(settings, selection, venue, is_resumed=True)


def _parts(settings: Settings, selection: Selection, venue: Venue, *, is_resumed: bool) -> SessionParts:
    venue = replace(venue, may_withdraw=settings.allow_withdrawal_key)
    try:
        return venue_parts(selection.config, venue, selection.accounts, is_resumed=is_resumed)
    except (BrokerUnavailable, RateLimitError) as error:
        hint = (
            "start it with `./steadyhand testnet`"
            if venue.place.rest_url == LOCAL_URL
            else "check the network"
        )
        raise BrokerUnavailable(
            f"{venue.place.host} does not answer ({error}): {hint}, then repeat this"
        ) from None
    except BrokerRefused as error:
        raise ConfigurationError(
            f"{venue.place.host} refuses: {error}: check the key and what it may do"
        ) from None
