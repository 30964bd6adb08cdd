"""Orders: the engine's half of Binance's order endpoints, each one commit unless the engine is held."""

from decimal import Decimal

from src.infrastructure.simulated_exchange import (
    canceling,
    checks,
    modifying,
    placing,
    queries,
    settings,
    shapes,
)
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.engine_reads import EngineReads
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.records import NONE, OrderRequest


class EngineOrders(EngineReads):
    """What can be ordered, changed and cancelled. :class:`ExchangeError` for a refusal, which has changed nothing."""

    def new_order(self, number: int, request: OrderRequest) -> Answer:
        """POST order."""
        return self._answer(placing.place(self._state, self._account(number), request))

    def test_order(self, request: OrderRequest) -> Answer:
        """POST order/test: refused for what is wrong with the request itself; its time is the gateway's to judge."""
        placing.check_request(self._state, request)
        return {}

    def new_algo_order(self, number: int, request: OrderRequest) -> Answer:
        """POST algoOrder: any of the five conditional types."""
        return self._answer(placing.place_algo(self._state, self._account(number), request))

    def modify_order(
        self,
        number: int,
        symbol: str,
        quantity: Decimal,
        price: Decimal | None,
        timestamp: int,
        *,
        recv_window: int = 5000,
        order_id: int | None = None,
        client_order_id: str | None = None,
        modify_id: int | None = None,
        reduce_only: bool = False,
        price_match: str = NONE,
    ) -> Answer:
        """PUT order: another price, or place in the book, and total quantity of a resting limit order.

        ``reduce_only`` asks that the order be one that only reduces (-5047); it changes nothing.
        """
        checks.check_timestamp(self._state, timestamp, recv_window)
        shapes.check_limit_price(price, price_match)
        account = self._account(number)
        order = modifying.modifiable(self._state, account, symbol, order_id, client_order_id)
        if reduce_only and not order.closes:
            raise refusal(-5047)
        wanted = modifying.Wanted(quantity, price, price_match)
        return self._answer(modifying.modify(self._state, account, order, wanted, modify_id))

    def cancel_order(
        self, number: int, symbol: str, order_id: int | None = None, client_order_id: str | None = None
    ) -> Answer:
        """DELETE order, by either id."""
        account = self._account(number)
        return self._answer(canceling.cancel(self._state, account, symbol, order_id, client_order_id))

    def cancel_algo_order(
        self, number: int, algo_id: int | None = None, client_algo_id: str | None = None
    ) -> Answer:
        """DELETE algoOrder, by either id; -2011 for one that has ended or hangs, -2013 for one that never was."""
        account = self._account(number)
        answer = canceling.cancel_algo(self._state, account, algo_id, client_algo_id)
        if answer is None:
            queries.algo_order(self._store, account, algo_id, client_algo_id)
            raise refusal(-2011)
        return self._answer(answer)

    def cancel_all_orders(self, number: int, symbol: str) -> Answer:
        """DELETE allOpenOrders: conditional orders stay."""
        return self._answer(canceling.cancel_all(self._state, self._account(number), symbol))

    def cancel_all_algo_orders(self, number: int, symbol: str) -> Answer:
        """DELETE algoOpenOrders."""
        return self._answer(canceling.cancel_all_algos(self._state, self._account(number), symbol))

    def countdown_cancel_all(self, number: int, symbol: str, countdown_ms: int) -> Answer:
        """POST countdownCancelAll: cancel the symbol's ordinary orders that far from now; 0 disarms."""
        settings.set_countdown(self._state, self._account(number), symbol, countdown_ms)
        self._sleep()
        return self._answer({"symbol": symbol, "countdownTime": str(countdown_ms)})

    # --- settings of an account ---------------------------------------------------------------------------

    def set_leverage(self, number: int, symbol: str, leverage: int) -> Answer:
        """POST leverage."""
        return self._answer(settings.set_leverage(self._state, self._account(number), symbol, leverage))

    def set_margin_type(self, number: int, symbol: str, margin_type: str) -> Answer:
        """POST marginType."""
        return self._answer(settings.set_margin_type(self._state, self._account(number), symbol, margin_type))

    def set_hedge_mode(self, number: int, enabled: bool) -> Answer:
        """POST positionSide/dual."""
        return self._answer(settings.set_hedge_mode(self._state, self._account(number), enabled))

    def change_position_margin(
        self, number: int, symbol: str, amount: Decimal, kind: int, position_side: str = "BOTH"
    ) -> Answer:
        """POST positionMargin: ``kind`` 1 adds ``amount`` to an isolated position's wallet, 2 takes it back."""
        account = self._account(number)
        return self._answer(
            settings.change_position_margin(self._state, account, symbol, position_side, amount, kind)
        )
