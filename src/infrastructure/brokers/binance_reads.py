"""What an account at Binance can be asked and told outside the flow of orders."""

from collections.abc import Awaitable, Iterable
from dataclasses import replace
from typing import Any, Final, TypeVar

from src.application.ports.broker import (
    BrokerRefused,
    KeyPermissions,
    LeverageBracket,
    NetworkError,
    VenueTime,
)
from src.application.ports.failpoints import failpoint
from src.domain.market.candle import Candle
from src.domain.market.instrument import Instrument
from src.domain.orders.news import BalanceReport, FillReport, IncomeReport, OrderReport, PositionReport
from src.infrastructure.brokers import binance_endpoints as at
from src.infrastructure.brokers.binance_answers import (
    Answer,
    algo_report,
    balance_report,
    fill_report,
    income_report,
    leverage_bracket,
    lone_algo_report,
    order_report,
    position_report,
)
from src.infrastructure.brokers.binance_client import BinanceClient
from src.infrastructure.brokers.binance_codes import (
    MARGIN_TYPE_IS_SET,
    NO_SUCH_ORDER,
    NO_SUCH_SYMBOL,
    NOT_THERE,
    POSITION_MODE_IS_SET,
)
from src.infrastructure.brokers.binance_endpoints import Api, Endpoint
from src.infrastructure.brokers.binance_history import candles_before, orders_since
from src.infrastructure.brokers.binance_markets import instruments
from src.infrastructure.brokers.venue_clock import VenueClock

T = TypeVar("T")

PAGE: Final = 1_000
DAY_MS: Final = 86_400_000
TRADES_WINDOW_MS: Final = 7 * DAY_MS - 1
INCOME_WINDOW_MS: Final = 7 * DAY_MS
KEPT_MS: Final = 89 * DAY_MS
"""The exchange remembers trades and income for three months, and refuses to be asked about what was before."""
CLOCK_SAMPLES: Final = 5
_MOVES_MONEY: Final = ("enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer")


class BinanceReads:
    """The reads and settings of the Broker port. Each has the failpoint "broker.read.<name>".

    Of a symbol that the exchange does not know, as one that it delisted, there are no orders and no trades. Otherwise
    they raise :class:`BrokerRefused` where the exchange says no, :class:`NetworkError` and
    :class:`RateLimitError` where it does not answer or may not be asked.
    """

    def __init__(self, client: BinanceClient, clock: VenueClock) -> None:
        self._client = client
        self._clock = clock

    async def _ask(self, name: str, endpoint: Endpoint, **params: object) -> Any:
        failpoint(f"broker.read.{name}")
        if endpoint.api is not Api.PUBLIC and not self._clock.is_set:
            # It is signed with a time, and the wall's clock may be wrong by more than the exchange forgives.
            await self.set_clock()
        return await self._client.read(endpoint, params)

    async def _rows(
        self, name: str, endpoint: Endpoint, symbol: str | None = None, **params: object
    ) -> list[Any]:
        """The list of what there is of a symbol, or of all."""
        about = {} if symbol is None else {"symbol": symbol}
        rows: list[Any] = _about(symbol, await self._ask(name, endpoint, **about, **params))
        return rows

    async def find(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """The order, ordinary before conditional; a triggered one is the ordinary order with its algo id.

        A single query of a conditional order may deny one that exists: its lists are asked before it is denied.
        """
        algo = await self._algo_row(symbol, client_order_id)
        try:
            answer = await self._ask("find", at.QUERY_ORDER, symbol=symbol, origClientOrderId=client_order_id)
        except BrokerRefused as no:
            if no.code not in NOT_THERE:
                raise
            return None if algo is None else lone_algo_report(algo, self._clock.now().now_ms)
        report = order_report(_about(symbol, answer))
        return report if algo is None else replace(report, algo_id=algo_report(algo).algo_id)

    async def _algo_row(self, symbol: str, client_algo_id: str) -> Answer | None:
        try:
            answer = await self._ask("find_algo", at.QUERY_ALGO, clientAlgoId=client_algo_id)
            row: Answer = _about(symbol, answer)
            return row
        except BrokerRefused as no:
            if no.code != NO_SUCH_ORDER:
                raise
        rows = await _unless_gone(self._rows("find_algo", at.ALL_ALGOS, symbol, limit=PAGE))
        return next((row for row in rows if row["clientAlgoId"] == client_algo_id), None)

    async def find_by_exchange_id(self, symbol: str, exchange_order_id: int) -> OrderReport | None:
        """An ordinary order by its id, forced ones included (GET order, weight 1)."""
        try:
            answer = await self._ask("find", at.QUERY_ORDER, symbol=symbol, orderId=exchange_order_id)
        except BrokerRefused as no:
            if no.code not in NOT_THERE:
                raise
            return None
        return order_report(_about(symbol, answer))

    async def open_orders(self, symbol: str | None = None) -> list[OrderReport]:
        """Every open ordinary order, or those of a symbol, which weighs 1 instead of 40."""
        rows = await _unless_gone(self._rows("open_orders", at.OPEN_ORDERS, symbol))
        return [order_report(row) for row in rows]

    async def open_algo_orders(self, symbol: str | None = None) -> list[OrderReport]:
        """Every waiting conditional order, or those of a symbol, which weighs 1 instead of 40."""
        rows = await _unless_gone(self._rows("open_algo_orders", at.OPEN_ALGOS, symbol))
        return [algo_report(row) for row in rows]

    async def orders(self, symbol: str, since_ms: int) -> list[OrderReport]:
        """Every order of a symbol since a moment, of both books, as far back as seven days."""
        failpoint("broker.read.orders")
        now_ms = (await self.server_time()).now_ms
        return await _unless_gone(orders_since(self._client, symbol, since_ms, now_ms))

    async def positions(self) -> list[PositionReport]:
        """Every position that is not flat."""
        rows = await self._ask("positions", at.POSITION_RISK)
        held = [report for report in map(position_report, rows) if report.quantity]
        if not held:
            return []
        # The positions themselves do not say at which leverage they are held.
        configs = await self._ask("symbol_config", at.SYMBOL_CONFIG)
        leverage = {row["symbol"]: int(row["leverage"]) for row in configs}
        return [replace(report, leverage=leverage.get(report.symbol, 0)) for report in held]

    async def balances(self) -> list[BalanceReport]:
        """Wallets by asset; assets that were never held are left out."""
        rows = [balance_report(row) for row in await self._ask("balances", at.BALANCE)]
        return [row for row in rows if row.wallet_balance]

    async def trades(self, symbol: str, from_id: int) -> list[FillReport]:
        """One page of trades with id ≥ ``from_id``, oldest first."""
        rows = await _unless_gone(self._rows("trades", at.USER_TRADES, symbol, fromId=from_id, limit=PAGE))
        return [fill_report(row) for row in rows]

    async def first_trades(self, symbol: str, since_ms: int) -> list[FillReport]:
        """The first page of the last three months' trades made at or after ``since_ms``; a week is shown at a time."""
        return await _unless_gone(self._first_trades(symbol, since_ms))

    async def _first_trades(self, symbol: str, since_ms: int) -> list[FillReport]:
        now_ms = (await self.server_time()).now_ms
        since_ms = max(since_ms, now_ms - KEPT_MS)
        while since_ms <= now_ms:
            until_ms = since_ms + TRADES_WINDOW_MS
            rows = await self._rows(
                "trades", at.USER_TRADES, symbol, startTime=since_ms, endTime=until_ms, limit=PAGE
            )
            if rows:
                return [fill_report(row) for row in rows]
            since_ms = until_ms + 1
        return []

    async def income(self, since_ms: int) -> list[IncomeReport]:
        """Every change of the wallet at or after ``since_ms``, oldest first; the exchange keeps three months."""
        now_ms = (await self.server_time()).now_ms
        since_ms = max(since_ms, now_ms - KEPT_MS)
        rows: list[IncomeReport] = []
        while since_ms <= now_ms:
            until_ms = since_ms + INCOME_WINDOW_MS
            page = await self._income_page(since_ms, until_ms)
            rows += page
            since_ms = until_ms + 1
        return _without_repeats(rows)

    async def _income_page(self, since_ms: int, until_ms: int) -> list[IncomeReport]:
        rows: list[IncomeReport] = []
        while True:
            answer = await self._ask("income", at.INCOME, startTime=since_ms, endTime=until_ms, limit=PAGE)
            page = [income_report(row) for row in answer]
            rows += page
            if len(page) < PAGE:
                return rows
            # The last millisecond may be cut in two: it is read again, unless it fills a page alone.
            since_ms = max(page[-1].at_ms, since_ms + 1)

    async def server_time(self) -> VenueTime:
        """Ask the exchange for its time; the answer improves the estimate."""
        await self._ask("server_time", at.TIME)
        return self._clock.now()

    async def set_clock(self) -> VenueTime:
        """Ask several times, as the shortest round trip knows best."""
        for _ in range(CLOCK_SAMPLES):
            await self._ask("server_time", at.TIME)
        return self._clock.now()

    async def leverage(self, symbol: str) -> int:
        """The leverage set for a symbol."""
        return int((await self._symbol_config(symbol))["leverage"])

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol, unless it is so already."""
        if await self.leverage(symbol) != leverage:
            await self._ask("set_leverage", at.SET_LEVERAGE, symbol=symbol, leverage=leverage)

    async def margin_type(self, symbol: str) -> str:
        """CROSSED or ISOLATED."""
        return str((await self._symbol_config(symbol))["marginType"])

    async def _symbol_config(self, symbol: str) -> Any:
        rows = _about(symbol, await self._ask("symbol_config", at.SYMBOL_CONFIG, symbol=symbol))
        if not rows:
            raise NetworkError(f"the exchange says nothing about {symbol}")
        return rows[0]

    async def set_margin_type(self, symbol: str, margin_type: str) -> None:
        """Set CROSSED or ISOLATED; no error when it is so already."""
        await self._tolerating(
            MARGIN_TYPE_IS_SET, "set_margin_type", at.SET_MARGIN_TYPE, symbol=symbol, marginType=margin_type
        )

    async def hedge_mode(self) -> bool:
        """Whether the account keeps LONG and SHORT apart."""
        return bool((await self._ask("hedge_mode", at.POSITION_MODE))["dualSidePosition"])

    async def set_hedge_mode(self, enabled: bool) -> None:
        """Set the position mode; no error when it is so already."""
        flag = "true" if enabled else "false"
        await self._tolerating(
            POSITION_MODE_IS_SET, "set_hedge_mode", at.SET_POSITION_MODE, dualSidePosition=flag
        )

    async def _tolerating(self, code: int, name: str, endpoint: Endpoint, **params: object) -> None:
        try:
            await self._ask(name, endpoint, **params)
        except BrokerRefused as no:
            if no.code != code:
                raise

    async def leverage_brackets(self, symbol: str) -> list[LeverageBracket]:
        """The symbol's brackets, lowest notional first."""
        answer = await self._ask("leverage_brackets", at.LEVERAGE_BRACKET, symbol=symbol)
        (row,) = answer if isinstance(answer, list) else [answer]
        return sorted(map(leverage_bracket, row["brackets"]), key=lambda bracket: bracket.notional_floor)

    async def instruments(self) -> list[Instrument]:
        """What can be held, with filters: also what is halted for now."""
        return instruments(await self._ask("instruments", at.EXCHANGE_INFO))

    async def candles(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        """The last ``count`` closed candles, oldest first; none for a timeframe that the exchange does not keep."""
        failpoint("broker.read.candles")
        # By a time from before the question: what is running when it is answered is not taken for closed.
        now = self._clock.now() if self._clock.is_set else await self.set_clock()
        return await candles_before(self._client, symbol, timeframe, count, now.now_ms - now.error_ms)

    async def countdown_cancel_all(self, symbol: str, countdown_ms: int) -> None:
        """(Re)arm the symbol's dead-man switch for resting orders; 0 disarms it."""
        await self._ask("countdown_cancel_all", at.COUNTDOWN, symbol=symbol, countdownTime=countdown_ms)

    async def key_permissions(self) -> KeyPermissions:
        """What the key may do: trade futures, withdraw, and whether it is bound to addresses."""
        answer = await self._ask("key_permissions", at.KEY_RESTRICTIONS)
        return KeyPermissions(
            can_trade=bool(answer["enableFutures"]),
            can_withdraw=any(bool(answer.get(flag)) for flag in _MOVES_MONEY),
            ip_restricted=bool(answer["ipRestrict"]),
        )


async def _unless_gone(question: Awaitable[list[T]]) -> list[T]:
    """What there is of a symbol: nothing, when the exchange does not know the symbol any more."""
    try:
        return await question
    except BrokerRefused as no:
        if no.code != NO_SUCH_SYMBOL:
            raise
        return []


def _about(symbol: str | None, answer: Any) -> Any:
    """The answer, if it is about the symbol that was asked about; otherwise it is no answer, and is asked for again."""
    rows = answer if isinstance(answer, list) else [answer]
    if symbol is not None and any(row["symbol"] != symbol for row in rows):
        raise NetworkError(f"asked about {symbol}, the exchange answers about another symbol")
    return answer


def _without_repeats(rows: Iterable[IncomeReport]) -> list[IncomeReport]:
    """Rows of overlapping pages once each; a transaction id is unique within one type of income only."""
    return list({(row.transaction_id, row.income_type, row.asset, row.symbol): row for row in rows}.values())
