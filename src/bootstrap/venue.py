"""Puts a session on a real exchange together: Binance, its demo venue, or the local exchange.

Without a key ``testnet`` is the local exchange with the key that it wrote down for itself; with one it is Binance's
demo venue. ``live`` is Binance. The account of a session is its key's: the same key at the same place finds the same
account again. What has to be known before the session can be made (instruments, history) is read in a loop of its
own; the session's connections are opened in the session's loop.
"""

import asyncio
import hashlib
import json
import os
import uuid
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from src.application.ports.broker import Consistency, KeyPermissions
from src.application.ports.ids import Ids
from src.application.ports.store import AccountRow
from src.application.sizing import parse_sizer
from src.application.trading.market_desk import MarketDesk
from src.application.trading.session_parts import SessionParts
from src.application.trading.synchrony import ASLEEP_MS
from src.bootstrap.markets import DEFAULT_SYMBOLS
from src.bootstrap.paper_config import SETTLE_ASSET, PaperConfig, policy_of, session_options
from src.bootstrap.settings import Settings
from src.domain.ledger.events import AccountOpened
from src.domain.market.candle import Candle
from src.domain.market.instrument import Instrument
from src.infrastructure.brokers.binance_answers import FORGETS_MS
from src.infrastructure.brokers.binance_futures_broker import PESSIMISTIC, BinanceFuturesBroker
from src.infrastructure.brokers.binance_history import INTERVALS
from src.infrastructure.brokers.binance_places import DEMO, MAINNET, Place, local_place
from src.infrastructure.brokers.binance_reads import BinanceReads
from src.infrastructure.identity.ids import RandomIds
from src.infrastructure.messaging.event_bus import InProcessEventBus
from src.infrastructure.monitoring.kill_switch import FileKillSwitch
from src.infrastructure.persistence.side_journal import SideHeader, ensure
from src.infrastructure.time.live_inputs import LiveInputs
from src.infrastructure.time.machine import HERE, Machine
from src.interfaces.cli.composition import ConfigurationError

TESTNET: Final = "testnet"
LIVE: Final = "live"
LOCAL_URL: Final = "http://127.0.0.1:18080"
HISTORY_BARS: Final = 500
DEAD_MAN_MS: Final = 120_000

READ_YOUR_WRITES: Final = Consistency(
    read_your_writes=True, arrival_margin_ms=1_000, quiescence_ms=2_000, forgets_ms=FORGETS_MS
)
"""The local exchange answers reads from the state that accepted the order."""


@dataclass(frozen=True, slots=True)
class Venue:
    """Where to trade, and as whom. The secret is kept out of every representation."""

    name: str
    place: Place
    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    consistency: Consistency = PESSIMISTIC
    may_withdraw: bool = False

    @property
    def account_id(self) -> str:
        """The account's id: it follows from the place and the key, and tells neither."""
        digest = hashlib.sha256(f"{self.name} {self.place.rest_url} {self.api_key}".encode()).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))


def venue_of(settings: Settings, name: str, data_dir: Path) -> Venue:
    """The venue that an exchange's name and the settings mean; raises ConfigurationError with cause and fix."""
    key, secret = settings.api_key.get_secret_value(), settings.api_secret.get_secret_value()
    if name == LIVE:
        if not key:
            raise ConfigurationError("trading live needs a key: set BINANCE_API_KEY and BINANCE_API_SECRET")
        return Venue(LIVE, MAINNET, key, secret)
    url = settings.testnet_url
    if key and url is None:
        return Venue(TESTNET, DEMO, key, secret)
    if not key:
        key, secret = _local_key(data_dir)
    return Venue(TESTNET, local_place(url or LOCAL_URL), key, secret, READ_YOUR_WRITES)


def venue_of_account(settings: Settings, exchange: str, account_id: str) -> Venue:
    """The venue of an account that is known, with the key in the settings.

    Raises ConfigurationError when that is another account's.
    """
    venue = venue_of(settings, exchange, settings.data_folder)
    if venue.account_id != account_id:
        raise ConfigurationError(
            f"the key in the settings is not that of account {account_id[:8]} at {exchange}: set BINANCE_API_KEY and "
            "BINANCE_API_SECRET, or STEADYHAND_TESTNET_URL, as its session had them, or name another account with "
            "--account"
        )
    return venue


def _local_key(data_dir: Path) -> tuple[str, str]:
    """The first key of the local exchange, from the file that it keeps beside its own."""
    path = data_dir / "testnet" / "keys.json"
    try:
        row = json.loads(path.read_text(encoding="utf-8"))[0]
        return str(row["key"]), str(row["secret"])
    except FileNotFoundError:
        raise ConfigurationError(
            "there is no local exchange yet: start one with `./steadyhand testnet`, or set BINANCE_API_KEY and "
            "BINANCE_API_SECRET for Binance's demo venue"
        ) from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigurationError(
            f"the local exchange's keys.json cannot be read ({type(error).__name__}): start the exchange again"
        ) from None


@dataclass(frozen=True, slots=True)
class Before:
    """What was read before the session: of its ``symbols``, the instruments that can be held and their history.

    ``margin_assets`` are those of all contracts that have their margin in another asset than the account's;
    ``ahead_ms`` is how far the exchange's clock is ahead of the machine's.
    """

    symbols: tuple[str, ...]
    instruments: dict[str, Instrument]
    history: dict[str, list[Candle]]
    notes: list[str]
    margin_assets: dict[str, str]
    ahead_ms: int


def venue_parts(
    config: PaperConfig, venue: Venue, accounts: list[AccountRow], *, is_resumed: bool = False
) -> SessionParts:
    """Everything of a session at ``venue``; nothing is open yet but the store.

    Raises ConfigurationError for a symbol that is not listed or margined in another asset (a session that is resumed
    goes on without it) or a key that may not be used, BrokerError when the exchange does not answer.
    """
    return parts_after(_apart(look(config, venue, is_resumed=is_resumed)), config, venue, accounts)


def parts_after(
    before: Before,
    config: PaperConfig,
    venue: Venue,
    accounts: list[AccountRow],
    machine: Machine = HERE,
    ids: Ids | None = None,
) -> SessionParts:
    """The same, from what :func:`look` has read; ``ids`` None makes random ones."""
    config = replace(config, symbols=before.symbols)
    inputs, ids = LiveInputs(machine.steady_ns, machine.wall_ms() + before.ahead_ms), ids or RandomIds()
    desk = MarketDesk(before.instruments, config.timeframe, config.quality)
    inputs.on_leap = desk.forget_lags
    broker = broker_at(
        config.data_dir, venue, machine, post=inputs.post, symbols=tuple(before.instruments), on_frame=inputs.feed,
        on_gap=lambda symbol: inputs.post(lambda: desk.on_gap(symbol, inputs.now_ms())),
        on_trades=lambda heard: inputs.post(lambda: desk.on_trades(inputs.now_ms(), are_heard=heard)),
        on_time=inputs.catch_up, margin_assets=before.margin_assets,
    )  # fmt: skip
    desk.patience_ms, reread = ASLEEP_MS, partial(_reread, broker, config.timeframe, before.history)
    account_id = venue.account_id
    known = next((row for row in accounts if row.account_id == account_id), None)
    namespace = known.namespace if known else ids.namespace()
    side_journal = ensure(config.data_dir, SideHeader(account_id, venue.name, namespace))
    return SessionParts(
        account=AccountOpened(account_id, namespace, venue.name, SETTLE_ASSET),
        owner=f"pid {os.getpid()}",
        options=session_options(config, f"{venue.name} {venue.place.host}"),
        store=config.place.store(config.synchronous),
        broker=broker,
        desk=desk,
        inputs=inputs,
        bus=InProcessEventBus(),
        kill_switch=FileKillSwitch(config.data_dir / "HALT", account_id, is_watched=config.stays_awake),
        side_journal=side_journal,
        ids=ids,
        sizer=parse_sizer(config.sizing),
        policy=policy_of(config),
        limits=config.limits,
        history=lambda symbol, timeframe, count: before.history.get(symbol, [])[-count:] if count else [],
        close=side_journal.close,
        reread=reread if config.timeframe in INTERVALS else None,
        mark_equity_ms=config.save_state_interval_ms,
        stays_awake=config.stays_awake,
        auto_execute=config.auto_execute,
        dead_man_ms=DEAD_MAN_MS,
        has_a_past=True,
        notes=[f"{venue.name} at {venue.place.host}", *before.notes],
    )


async def _reread(
    broker: BinanceReads, timeframe: str, history: dict[str, list[Candle]], symbol: str
) -> None:
    history[symbol] = await broker.candles(symbol, timeframe, HISTORY_BARS)


def broker_at(data_dir: Path, venue: Venue, machine: Machine = HERE, **options: Any) -> BinanceFuturesBroker:
    """A broker for the venue's key, which shares the host's weight with all others of the data folder."""
    return BinanceFuturesBroker(
        venue.api_key,
        venue.secret,
        venue.name != LIVE,
        place=venue.place,
        consistency=venue.consistency,
        weight_file=data_dir / "run" / f"weight-{venue.place.host}",
        machine=machine,
        **options,
    )


def _apart(work: Coroutine[Any, Any, Before]) -> Before:
    """Run it in a loop of its own: in this thread if that has none, else in another."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def look(
    config: PaperConfig, venue: Venue, machine: Machine = HERE, *, is_resumed: bool = False
) -> Before:
    """Read instruments and history, and refuse a key that may do more than trade; raises as :func:`venue_parts`."""
    symbols = tuple(config.symbols or DEFAULT_SYMBOLS)
    broker = broker_at(config.data_dir, venue, machine)
    try:
        ahead_ms = (await broker.set_clock()).now_ms - machine.wall_ms()
        listed = {instrument.symbol: instrument for instrument in await broker.instruments()}
        others = {one.symbol: one.margin_asset for one in listed.values() if one.margin_asset != SETTLE_ASSET}
        gone = [symbol for symbol in symbols if symbol not in listed or symbol in others]
        # What still lives is not over: such a list is incomplete, and nobody would look after it.
        alive = await _alive(broker, gone) if is_resumed else gone
        if alive:
            named = [f"{s} (margin in {others[s]}, not {SETTLE_ASSET})" if s in others else s for s in alive]
            where = f"cannot be traded at {venue.place.host}"
            raise ConfigurationError(f"{', '.join(named)} {where}: choose other symbols")
        found = {symbol: listed[symbol] for symbol in symbols if symbol not in gone}
        history = {symbol: await broker.candles(symbol, config.timeframe, HISTORY_BARS) for symbol in found}
        return Before(symbols, found, history, await _notes_on_key(broker, venue), others, ahead_ms)
    finally:
        await broker.close()


async def _alive(reads: BinanceReads, symbols: list[str]) -> list[str]:
    """Those of some symbols in which the account has a position or an open order."""
    if not symbols:
        return []
    alive = {position.symbol for position in await reads.positions()}
    for symbol in symbols:
        if await reads.open_orders(symbol) or await reads.open_algo_orders(symbol):
            alive.add(symbol)
    return [symbol for symbol in symbols if symbol in alive]


async def _notes_on_key(reads: BinanceReads, venue: Venue) -> list[str]:
    """What a person should know of the key; raises ConfigurationError for one that may move money away.

    Binance's demo venue has no place to ask.
    """
    if venue.place.spot_url is None:
        return []
    return check_key(await reads.key_permissions(), may_withdraw=venue.may_withdraw)


def check_key(permissions: KeyPermissions, *, may_withdraw: bool) -> list[str]:
    """Remarks on a key; raises ConfigurationError for one that may do too little or too much."""
    if not permissions.can_trade:
        raise ConfigurationError("this key may not trade futures: allow it, or take another key")
    if permissions.can_withdraw and not may_withdraw:
        raise ConfigurationError(
            "this key may move money out of the account: take one that may only trade, or set "
            "STEADYHAND_ALLOW_WITHDRAWAL_KEY=true"
        )
    return [] if permissions.ip_restricted else ["the key works from any address: bind it to yours"]


def venue_behind(broker: object) -> Venue:
    """The venue of a broker that somebody made, which places no orders of its own from here on.

    Raises ValueError for a broker of another kind.
    """
    if not isinstance(broker, BinanceFuturesBroker):
        raise ValueError(
            f"a session cannot trade through a {type(broker).__name__}: set a BinanceFuturesBroker"
        )
    broker.serve_session()
    name = TESTNET if broker.testnet else LIVE
    return Venue(name, broker.place, *broker.credentials, broker.consistency)
