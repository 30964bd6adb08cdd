"""What the exchange is told before a session trades: position mode, margin type and leverage; and what it says."""

from collections.abc import Awaitable, Iterable

from src.application.ports.broker import Broker, BrokerRefused
from src.application.trading.market_desk import MarketDesk
from src.application.trading.session_parts import SessionParts
from src.domain.ledger.state import Ledger
from src.domain.market.view import MarginBracket
from src.domain.money import quantize_amount
from src.domain.orders.news import PositionReport


async def prepare_account(parts: SessionParts, *, resumes: bool) -> list[str]:
    """Bring the account in line with the session's options, changing nothing that is so already.

    Raises BrokerRefused, with what to do, where the exchange does not allow it: it changes no mode while positions or
    orders are open. A leverage that somebody else has set keeps no unfinished session (``resumes``) from its positions:
    what could not be done is returned, a sentence each.
    """
    broker, options = parts.broker, parts.options
    undone = []
    if await broker.hedge_mode() is not options.hedge_mode:
        wish = "hedge mode" if options.hedge_mode else "one-way mode"
        await _changed(broker.set_hedge_mode(options.hedge_mode), f"the account is not in {wish}")
    for symbol in options.symbols:
        if parts.desk.instrument(symbol) is None:
            continue  # not listed any more
        if await broker.margin_type(symbol) != options.margin_type:
            state = f"the margin type of {symbol} is not {options.margin_type}"
            await _changed(broker.set_margin_type(symbol, options.margin_type), state)
        try:
            await _set_leverage(broker, symbol, options.leverage_of(symbol))
        except BrokerRefused as refused:
            if not resumes:
                raise
            undone.append(refused.message)
        parts.desk.set_brackets(
            symbol,
            [
                MarginBracket(each.notional_cap, each.maintenance_rate, each.deduction, each.leverage_max)
                for each in await broker.leverage_brackets(symbol)
            ],
        )
    return undone


def note_isolated_wallets(desk: MarketDesk, ledger: Ledger, reports: Iterable[PositionReport]) -> None:
    """Remember what isolated positions have beyond cost over leverage: margin that was added, or taken back, by hand.

    The exchange says what a wallet is, not why; the difference holds until the position is closed or read again.
    """
    session = ledger.session
    for report in reports:
        position = ledger.positions.get((report.symbol, report.position_side))
        if session is None or position is None or not report.isolated_wallet:
            continue
        own = abs(position.cost) / session.options.leverage_of(report.symbol)
        added = quantize_amount(report.isolated_wallet - own)
        desk.set_margin_added(report.symbol, report.position_side, position.opened_ms, added)


async def _set_leverage(broker: Broker, symbol: str, leverage: int) -> None:
    try:
        await broker.set_leverage(symbol, leverage)
    except BrokerRefused as refused:
        raise BrokerRefused(
            refused.code,
            f"{symbol} cannot have leverage {leverage}: give it another one with --leverages {symbol}=N; "
            f"the exchange says: {refused.message}",
        ) from refused


async def _changed(change: Awaitable[None], state: str) -> None:
    try:
        await change
    except BrokerRefused as refused:
        raise BrokerRefused(
            refused.code,
            f"{state}, and the exchange does not change that now: close positions and orders first "
            f"(emergency-close --stops), or start the session as the account is; it says: {refused.message}",
        ) from refused
