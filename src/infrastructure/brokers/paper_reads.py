"""What a paper account can be asked and told outside the flow of orders; answered by the engine at once."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from src.application.ports.broker import BrokerRefused, KeyPermissions, LeverageBracket, VenueTime
from src.application.ports.failpoints import failpoint
from src.domain.market.instrument import Instrument
from src.domain.orders.news import (
    BalanceReport,
    FillReport,
    IncomeReport,
    OrderReport,
    PositionReport,
)
from src.infrastructure.brokers.binance_answers import (
    algo_report,
    balance_report,
    fill_report,
    income_report,
    leverage_bracket,
    order_report,
    position_report,
)
from src.infrastructure.brokers.binance_codes import (
    MARGIN_TYPE_IS_SET,
    NO_SUCH_ORDER,
    NO_SUCH_SYMBOL,
    NOT_THERE,
    POSITION_MODE_IS_SET,
)
from src.infrastructure.simulated_exchange.answers import Answer
from src.infrastructure.simulated_exchange.engine import Engine
from src.infrastructure.simulated_exchange.engine_reads import PAGE
from src.infrastructure.simulated_exchange.errors import ExchangeError
from src.infrastructure.simulated_exchange.records import ISOLATED

# A paper key can only trade, and nobody else has it.
PERMISSIONS: Final = KeyPermissions(can_trade=True, can_withdraw=False, ip_restricted=True)


@contextmanager
def _asking(name: str, *tolerated: int) -> Iterator[None]:
    """One read or setting: its failpoint, and the exchange's refusal in the port's words."""
    failpoint(f"broker.read.{name}")
    try:
        yield
    except ExchangeError as no:
        if no.code not in tolerated:
            raise BrokerRefused(no.code, no.message) from no


class PaperReads(ABC):
    """The reads and settings of the Broker port over ``engine`` for one of its accounts.

    Of a symbol that the exchange does not know there are no orders and no trades; all else that it refuses raises
    :class:`BrokerRefused`. Their failpoints are "broker.read.<name>".
    """

    def __init__(self, engine: Engine, account: int) -> None:
        self._engine = engine
        self._account = account

    async def find(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """The order, ordinary before conditional; a triggered one is the ordinary order with its algo id."""
        with _asking("find"):
            algo = self._find_algo(symbol, client_order_id)
            try:
                answer = self._engine.query_order(self._account, symbol, client_order_id=client_order_id)
            except ExchangeError as no:
                if no.code not in NOT_THERE:
                    raise
                return algo
            report = order_report(answer)
            return report if algo is None else replace(report, algo_id=algo.algo_id)

    async def find_by_exchange_id(self, symbol: str, exchange_order_id: int) -> OrderReport | None:
        """An ordinary order of the account by its id, forced ones included."""
        with _asking("find_by_exchange_id", *NOT_THERE):
            return order_report(self._engine.query_order(self._account, symbol, order_id=exchange_order_id))
        return None

    async def open_orders(self, symbol: str | None = None) -> list[OrderReport]:
        """Every open ordinary order, or those of a symbol."""
        with _asking("open_orders"):
            return [order_report(answer) for answer in self._engine.open_orders(self._account, symbol)]

    async def open_algo_orders(self, symbol: str | None = None) -> list[OrderReport]:
        """Every waiting conditional order, or those of a symbol."""
        with _asking("open_algo_orders"):
            return [algo_report(answer) for answer in self._engine.open_algo_orders(self._account, symbol)]

    async def orders(self, symbol: str, since_ms: int) -> list[OrderReport]:
        """Every order of a symbol since a moment, of both books."""
        with _asking("orders"):
            algos = self._engine.all_algo_orders(self._account, symbol, since_ms)
            found = {report.client_order_id: report for report in map(algo_report, algos)}
            for report in map(order_report, self._engine.all_orders(self._account, symbol, since_ms)):
                algo = found.get(report.client_order_id)
                ended = report if algo is None else replace(report, algo_id=algo.algo_id)
                found[report.client_order_id] = ended
            return list(found.values())

    async def positions(self) -> list[PositionReport]:
        """Every position that is not flat."""
        with _asking("positions"):
            reports = [position_report(answer) for answer in self._engine.position_risk(self._account)]
            return [self._with_settings(report) for report in reports if report.quantity]

    async def balances(self) -> list[BalanceReport]:
        """Wallets by asset."""
        with _asking("balances"):
            return [balance_report(answer) for answer in self._engine.balance(self._account)]

    async def trades(self, symbol: str, from_id: int) -> list[FillReport]:
        """One page of trades with id ≥ ``from_id``, oldest first."""
        with _asking("trades", NO_SUCH_SYMBOL):
            return [
                fill_report(answer) for answer in self._engine.user_trades(self._account, symbol, from_id)
            ]
        return []

    async def first_trades(self, symbol: str, since_ms: int) -> list[FillReport]:
        """The first page of trades made at or after ``since_ms``, oldest first."""
        from_id = 0
        while page := await self.trades(symbol, from_id):
            if found := [fill for fill in page if fill.traded_ms >= since_ms]:
                return found
            from_id = page[-1].trade_id + 1
        return []

    async def income(self, since_ms: int) -> list[IncomeReport]:
        """Every change of the wallet at or after ``since_ms``, profits and commissions included, oldest first."""
        with _asking("income"):
            return [income_report(answer) for answer in self._income_rows(since_ms, self._engine.now_ms)]

    async def server_time(self) -> VenueTime:
        """Engine time."""
        with _asking("server_time"):
            return VenueTime(self._engine.now_ms, 0)

    async def leverage(self, symbol: str) -> int:
        """The leverage set for a symbol."""
        with _asking("leverage"):
            return self._engine.leverage(self._account, symbol)

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol."""
        with _asking("set_leverage"):
            self._engine.set_leverage(self._account, symbol, leverage)
            self._send_events()

    async def margin_type(self, symbol: str) -> str:
        """CROSSED or ISOLATED."""
        with _asking("margin_type"):
            return self._engine.margin_type(self._account, symbol)

    async def set_margin_type(self, symbol: str, margin_type: str) -> None:
        """Set CROSSED or ISOLATED; refused while the symbol has orders (-4047) or a position (-4048)."""
        with _asking("set_margin_type", MARGIN_TYPE_IS_SET):
            self._engine.set_margin_type(self._account, symbol, margin_type)

    async def hedge_mode(self) -> bool:
        """Whether the account keeps LONG and SHORT apart."""
        with _asking("hedge_mode"):
            return self._engine.hedge_mode(self._account)

    async def set_hedge_mode(self, enabled: bool) -> None:
        """Set the position mode; refused while there are orders (-4067) or positions (-4068)."""
        with _asking("set_hedge_mode", POSITION_MODE_IS_SET):
            self._engine.set_hedge_mode(self._account, enabled)

    async def leverage_brackets(self, symbol: str) -> list[LeverageBracket]:
        """The symbol's brackets, lowest notional first."""
        with _asking("leverage_brackets"):
            return [leverage_bracket(row) for row in self._engine.leverage_brackets(symbol)[0]["brackets"]]

    async def instruments(self) -> list[Instrument]:
        """What the simulated exchange trades."""
        with _asking("instruments"):
            return list(self._engine.instruments)

    async def countdown_cancel_all(self, symbol: str, countdown_ms: int) -> None:
        """(Re)arm the symbol's dead-man switch, in engine time; 0 disarms it."""
        with _asking("countdown_cancel_all"):
            self._engine.countdown_cancel_all(self._account, symbol, countdown_ms)

    async def key_permissions(self) -> KeyPermissions:
        """A paper key may trade and nothing else."""
        with _asking("key_permissions"):
            return PERMISSIONS

    def _with_settings(self, report: PositionReport) -> PositionReport:
        """What positionRisk does not carry."""
        return replace(
            report,
            leverage=self._engine.leverage(self._account, report.symbol),
            is_isolated=self._engine.margin_type(self._account, report.symbol) == ISOLATED,
        )

    @abstractmethod
    def _send_events(self) -> None:
        """Put the engine's new events on their way."""

    def _find_algo(self, symbol: str, client_algo_id: str) -> OrderReport | None:
        try:
            answer = self._engine.query_algo_order(self._account, client_algo_id=client_algo_id)
        except ExchangeError as no:
            if no.code != NO_SUCH_ORDER:
                raise
            return None
        return algo_report(answer) if answer["symbol"] == symbol else None

    def _income_rows(self, since_ms: int, until_ms: int) -> list[Answer]:
        rows: list[Answer] = []
        page = self._engine.income(self._account, since_ms, until_ms)
        while page:
            rows += page
            if len(page) < PAGE:
                break
            page = self._engine.income(self._account, since_ms, until_ms, after_id=page[-1]["tranId"])
        return rows
