"""The reading half of the engine: queries in Binance's terms, the accounts' settings, the audit. Changes nothing."""

from src.infrastructure.simulated_exchange import answers, audit, queries
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.engine_core import EngineCore
from src.infrastructure.simulated_exchange.records import CROSSED, ISOLATED, Trade

PAGE: int = 1000


class EngineReads(EngineCore):
    """What can be asked. KeyError for an account that does not exist; :class:`ExchangeError` for a refusal."""

    def leverage(self, number: int, symbol: str) -> int:
        """The leverage set for a symbol."""
        self._state.market(symbol)
        return self._state.leverage(self._account(number), symbol)

    def margin_type(self, number: int, symbol: str) -> str:
        """CROSSED or ISOLATED."""
        self._state.market(symbol)
        return ISOLATED if symbol in self._account(number).isolated else CROSSED

    def hedge_mode(self, number: int) -> bool:
        """Whether an account keeps LONG and SHORT apart."""
        return self._account(number).is_hedged

    def leverage_brackets(self, symbol: str | None = None) -> list[Answer]:
        """GET leverageBracket, of one symbol or of all."""
        markets = self._state.markets.values() if symbol is None else (self._state.market(symbol),)
        return [answers.brackets(market.rules) for market in markets]

    def query_order(
        self, number: int, symbol: str, order_id: int | None = None, client_order_id: str | None = None
    ) -> Answer:
        """GET order."""
        account = self._account(number)
        return queries.order(self._state, self._store, account, symbol, order_id, client_order_id)

    def query_algo_order(
        self, number: int, algo_id: int | None = None, client_algo_id: str | None = None
    ) -> Answer:
        """GET algoOrder."""
        return queries.algo_order(self._store, self._account(number), algo_id, client_algo_id)

    def has_orders(self, number: int) -> bool:
        """Whether an account has ever sent an order that was accepted."""
        return queries.has_orders(self._store, self._account(number))

    def open_orders(self, number: int, symbol: str | None = None) -> list[Answer]:
        """GET openOrders, oldest first."""
        found = self._account(number).orders.values()
        return [answers.order(order) for order in found if symbol in (None, order.symbol)]

    def open_algo_orders(self, number: int, symbol: str | None = None) -> list[Answer]:
        """GET openAlgoOrders, oldest first."""
        found = self._account(number).algos.values()
        return [answers.algo(algo) for algo in found if symbol in (None, algo.symbol)]

    def all_orders(self, number: int, symbol: str, since_ms: int) -> list[Answer]:
        """GET allOrders of a span that reaches to now, oldest first."""
        return queries.all_orders(self._store, self._account(number), symbol, since_ms)

    def all_algo_orders(self, number: int, symbol: str, since_ms: int) -> list[Answer]:
        """GET allAlgoOrders of a span that reaches to now, oldest first."""
        return queries.all_algo_orders(self._store, self._account(number), symbol, since_ms)

    def user_trades(self, number: int, symbol: str, from_id: int = 0, limit: int = PAGE) -> list[Answer]:
        """GET userTrades from an id on, oldest first, at most 1000."""
        self._state.market(symbol)
        found = self._store.trades(self._account(number).number, symbol, from_id, min(limit, PAGE))
        return [answers.trade(trade) for trade in found]

    def trade_records(self, number: int, symbol: str, from_id: int = 0) -> list[Trade]:
        """The same trades with the market reference that the wire does not carry."""
        return self._store.trades(self._account(number).number, symbol, from_id, PAGE)

    def income(
        self,
        number: int,
        since_ms: int = 0,
        until_ms: int | None = None,
        income_type: str | None = None,
        after_id: int = 0,
        limit: int = PAGE,
    ) -> list[Answer]:
        """GET income in a span of time, both ends included, oldest first; a page begins after a tranId."""
        until = self._state.now_ms if until_ms is None else until_ms
        account = self._account(number).number
        found = self._store.wallet_postings(account, since_ms, until, income_type, after_id, min(limit, PAGE))
        return [answers.income(posting) for posting in found]

    def balance(self, number: int) -> list[Answer]:
        """GET balance."""
        return queries.balance(self._state, self._account(number))

    def position_risk(self, number: int, symbol: str | None = None) -> list[Answer]:
        """GET positionRisk: what has a position or an open order."""
        return queries.position_risk(self._state, self._account(number), symbol)

    def audit(self) -> list[audit.AuditLine]:
        """Compare memory with the file's postings and trades; see audit.py."""
        return audit.audit(self._state, self._store)
