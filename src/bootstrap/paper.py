"""Puts a paper session together: a market without a network, the simulated exchange, and the session around them."""

import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from decimal import Decimal
from functools import partial
from pathlib import Path

from src.application.ports.failpoints import failpoint
from src.application.ports.store import AccountRow
from src.application.sizing import parse_sizer
from src.application.trading.market_desk import MarketDesk
from src.application.trading.session_parts import SessionParts
from src.bootstrap.catching_up import PastCandles
from src.bootstrap.markets import (
    check_timeframe,
    flaws_of,
    keeps_candles,
    mark_equity_ms_of,
    quality_of,
    synchronous_of,
    tick_ms_of,
)
from src.bootstrap.paper_account import exchange_path, identity_of, open_exchange_account
from src.bootstrap.paper_config import PAPER, SETTLE_ASSET, PaperConfig, policy_of, session_options
from src.bootstrap.paper_lock import join_exchange, opening_alone
from src.domain.ledger.events import AccountOpened
from src.domain.market.instrument import Instrument
from src.infrastructure.brokers.paper_broker import PaperBroker
from src.infrastructure.identity.ids import SeededIds
from src.infrastructure.market_data.source import MarketSource
from src.infrastructure.messaging.event_bus import InProcessEventBus
from src.infrastructure.monitoring.kill_switch import FileKillSwitch
from src.infrastructure.persistence.side_journal import FileSideJournal, SideHeader, ensure
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.latency import LatencyModel
from src.infrastructure.simulated_exchange.rules import ExchangeRules
from src.infrastructure.simulated_exchange.store import ExchangeStore
from src.infrastructure.time.inputs import PaperInputs
from src.infrastructure.time.timeline import Timeline

MakeMarket = Callable[[PaperConfig], MarketSource]


def paper_parts(
    config: PaperConfig,
    make_market: MakeMarket,
    market_id: str,
    accounts: list[AccountRow],
    account_id: str | None = None,
) -> SessionParts:
    """Open files and market of a paper session; what was opened is closed again when it cannot be.

    ``market_id`` tells this market from others; ``accounts`` are those that the database knows; ``account_id`` asks
    for one of them even if its session is finished. Raises StoreError, SourceError and ValueError, in one line each.
    """
    ids = identity_of(config, market_id, accounts, account_id)
    account_id = ids.account_id()
    path = exchange_path(config, account_id, accounts)
    with ExitStack() as opened:
        source = opened.enter_context(closing(make_market(config)))
        synchronous = synchronous_of(source, config.speed, config.synchronous)
        desk = MarketDesk(_instruments(source, config), config.timeframe, quality_of(source, config.quality))
        history = PastCandles(source, config.timeframe, desk)
        with opening_alone(path):
            engine = _open_exchange(opened, path, synchronous, config, source)
            timeline = Timeline(open_exchange_account(engine, account_id, accounts, config, source, history))
        broker = PaperBroker(engine, timeline, latency=config.latency or LatencyModel(seed=config.seed))
        return SessionParts(
            account=AccountOpened(account_id, ids.namespace(), PAPER, SETTLE_ASSET),
            owner=f"pid {os.getpid()}",
            options=session_options(config, market_id),
            store=config.place.store(synchronous),
            broker=broker,
            desk=desk,
            inputs=PaperInputs(source, timeline, broker, config.speed, history.learn),
            bus=InProcessEventBus(),
            kill_switch=FileKillSwitch(config.data_dir / "HALT", account_id, is_watched=config.stays_awake),
            side_journal=opened.enter_context(_side_journal(config, ids)),
            ids=ids,
            sizer=parse_sizer(config.sizing),
            policy=policy_of(config),
            limits=config.limits,
            history=history.candles,
            close=opened.pop_all().close,
            mark_equity_ms=mark_equity_ms_of(source, config.save_state_interval_ms),
            stays_awake=config.stays_awake,
            reads=config.place.reads,
            tick_ms=tick_ms_of(source),
            keeps_candles=keeps_candles(source),
            auto_execute=config.auto_execute,
            notes=[source.description],
            end_notes=partial(flaws_of, source),
        )


def _open_exchange(
    opened: ExitStack, path: Path, synchronous: str, config: PaperConfig, source: MarketSource
) -> Engine:
    """The exchange over its file; others are told that it is open."""
    opened.callback(join_exchange(path).release)
    file = opened.enter_context(closing(ExchangeStore(path, synchronous=synchronous, failpoint=failpoint)))
    rules = rules_of(config.funding_interval_ms, config.funding_rate, config.leverage)
    return Engine(file, source.instruments.values(), rules=rules, cursor=source.cursor)


def _side_journal(config: PaperConfig, ids: SeededIds) -> closing[FileSideJournal]:
    return closing(ensure(config.data_dir, SideHeader(ids.account_id(), PAPER, ids.namespace())))


def rules_of(funding_interval_ms: int, funding_rate: Decimal, leverage: int = 10) -> ExchangeRules:
    """The rules of a paper account's exchange; ``leverage`` is that of symbols for which none was set."""
    return ExchangeRules(
        funding_interval_ms=funding_interval_ms, funding_rate=funding_rate, leverage=leverage
    )


def _instruments(source: MarketSource, config: PaperConfig) -> dict[str, Instrument]:
    """Those traded; raises ValueError for one, or a timeframe, that the market does not have."""
    check_timeframe(source, config.timeframe)
    for symbol in config.symbols:
        if symbol not in source.instruments:
            raise ValueError(
                f"{symbol} is not in this market: it has {', '.join(sorted(source.instruments))}"
            )
    return {symbol: source.instruments[symbol] for symbol in config.symbols}
