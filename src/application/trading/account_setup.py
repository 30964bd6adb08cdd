"""What the exchange is told before a session trades: position mode, margin type and leverage; and what it says."""

from src.application.trading.session_parts import SessionParts
from src.domain.market.view import MarginBracket


async def prepare_account(parts: SessionParts) -> None:
    """Bring the account in line with the session's options, changing nothing that is so already.

    Raises BrokerRefused where the exchange does not allow it: it changes no mode while positions or orders are open.
    """
    broker, options = parts.broker, parts.options
    if await broker.hedge_mode() is not options.hedge_mode:
        await broker.set_hedge_mode(options.hedge_mode)
    for symbol in options.symbols:
        if await broker.margin_type(symbol) != options.margin_type:
            await broker.set_margin_type(symbol, options.margin_type)
        await broker.set_leverage(symbol, options.leverage_of(symbol))
        parts.desk.set_brackets(
            symbol,
            [
                MarginBracket(each.notional_cap, each.maintenance_rate, each.deduction, each.leverage_max)
                for each in await broker.leverage_brackets(symbol)
            ],
        )
