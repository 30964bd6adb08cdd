"""The exchange's own hand: what happens to an account or a market without anybody's request.

For tests and fault schedules: each call makes happen what the market could make happen, is as durable, and is told
by the same events.
"""

from collections.abc import Collection
from decimal import Decimal

from src.domain.market.instrument import Instrument
from src.infrastructure.simulated_exchange import clockwork, firing, liquidation
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.engine_orders import EngineOrders
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.records import BOTH, EXPIRE_MAKER, GTC, LIMIT, MARKET, OrderRequest
from src.infrastructure.simulated_exchange.rules import check_filters
from src.infrastructure.simulated_exchange.symbol_market import HALTED, TRADING
from src.infrastructure.simulated_exchange.units import to_units

# What the exchange's own web page puts before the ids of orders that people make there.
OWNERS_ID: str = "web_"


class EngineHands(EngineOrders):
    """Liquidation, deleveraging, settlement, funding, the owner's own trades, stuck triggers, changes of a symbol."""

    def force_liquidation(self, number: int, symbol: str, position_side: str = BOTH) -> None:
        """Liquidate what stands and falls with this position, whatever its margin; -4054 when there is none."""
        account = self._account(number)
        position = account.look_at(symbol, position_side)
        if not position.quantity:
            raise refusal(-4054)
        asset = self._state.market(symbol).rules.margin_asset
        key = f"{symbol}:{position_side}" if symbol in account.isolated else asset
        liquidation.liquidate(self._state, account, key, is_forced=True)
        self._commit_changes()

    def force_adl(
        self, number: int, symbol: str, position_side: str = BOTH, price: Decimal | None = None
    ) -> None:
        """Close a position against somebody's liquidation, at ``price`` or the mark price; -4054 without position."""
        account = self._account(number)
        position = account.look_at(symbol, position_side)
        if not position.quantity:
            raise refusal(-4054)
        at = 0 if price is None else to_units(price)
        liquidation.close_at(self._state, account, position, liquidation.ADL_ID, at)
        self._commit_changes()

    def force_settlement(self, symbol: str, price: Decimal | None = None) -> None:
        """End a symbol: every open order expires, every position is closed at ``price`` or the mark price."""
        market = self._state.market(symbol)
        at = 0 if price is None else to_units(price)
        market.status = "SETTLING"
        self._state.changes.state = True
        liquidation.settle_symbol(self._state, market, at)
        self._commit_changes()

    def force_funding(self, symbol: str, rate: Decimal | None = None) -> None:
        """Pay a symbol's funding now, at the market's rate or at ``rate``; the next regular time stays as it is."""
        clockwork.pay_funding(self._state, self._state.market(symbol), rate)
        self._commit_changes()

    def trade_by_owner(
        self,
        number: int,
        symbol: str,
        side: str,
        quantity: Decimal,
        *,
        price: Decimal | None = None,
        position_side: str = BOTH,
        reduce_only: bool = False,
        self_trade_prevention: str = EXPIRE_MAKER,
    ) -> Answer:
        """An order of the account's owner, made by hand: MARKET, or LIMIT with a price; its id begins with "web_".

        With ``self_trade_prevention`` NONE it trades with the account's own resting orders.
        """
        request = OrderRequest(
            symbol=symbol,
            side=side,
            type=MARKET if price is None else LIMIT,
            quantity=quantity,
            timestamp=self._state.now_ms,
            price=price,
            time_in_force=None if price is None else GTC,
            reduce_only=reduce_only,
            position_side=position_side,
            self_trade_prevention=self_trade_prevention,
            client_order_id=f"{OWNERS_ID}{self._state.counters.order + 1}",
        )
        return self.new_order(number, request)

    def set_symbol_status(self, symbol: str, status: str) -> None:
        """TRADING, or a status in which no order is taken and nothing trades (TRADING_HALT, SETTLING, CLOSE …).

        Cancelling goes on. Positions and resting orders stay.
        """
        self._state.market(symbol).status = status
        self._state.changes.state = True
        self._commit_changes()

    def hang_triggers(self, symbol: str, hangs: bool) -> None:
        """Let conditional orders whose price comes hang in status TRIGGERING, or let go of those that do.

        Until then they are listed as open and cannot be canceled; what they are let go into is what they would have met
        at their trigger: an order, or a rejection.
        """
        firing.let_hang(self._state, self._state.market(symbol), hangs)
        self._commit_changes()

    def symbol_status(self, symbol: str) -> str:
        """The symbol's status, as exchangeInfo states it; one that trades but is unknown is a halted one."""
        market = self._state.market(symbol)
        return HALTED if market.status == TRADING and market.is_unknown else market.status

    def mark_unknown(self, symbols: Collection[str]) -> list[str]:
        """Say of which symbols the market is not known at present: they are halted, all others are not.

        Return the symbols for which that is news. Nothing of it is stored: it is about this run and its market.
        """
        changed = [
            symbol for symbol, market in self._markets.items() if market.is_unknown is not (symbol in symbols)
        ]
        for symbol in changed:
            self._markets[symbol].is_unknown = symbol in symbols
        return changed

    def change_filters(self, symbol: str, **values: Decimal | int) -> Instrument:
        """Give the instrument other filters from now on (``tick_size``, ``notional_min`` …); return what it is then.

        Orders that rest stay as they are. They hold after a restart, too, whatever instruments it is given. Raises
        ValueError for what is no filter, or none that anything could be traded by.
        """
        market = self._state.market(symbol)
        for name, value in values.items():
            kept = getattr(market.instrument, name, None)
            if kept is None or type(kept) is not type(value) or isinstance(kept, str):
                raise ValueError(f"{name} of an instrument cannot be changed to {value!r}")
        check_filters(market.instrument, values)
        market.change_filters({name: f"{value}" for name, value in values.items()})
        self._state.changes.state = True
        self._commit_changes()
        return market.instrument
