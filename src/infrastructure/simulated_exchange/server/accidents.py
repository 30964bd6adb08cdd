"""What can befall an account or a market, on demand: the engine's own hand, by the names of the admin API."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from src.infrastructure.simulated_exchange.records import EXPIRE_MAKER
from src.infrastructure.simulated_exchange.rules import FILTER_MAX
from src.infrastructure.simulated_exchange.server.admin_values import (
    AMOUNT_MAX,
    RATE_MAX,
    account_of,
    decimal_of,
    flag_of,
    optional_decimal_of,
)
from src.infrastructure.simulated_exchange.server.services import Services
from src.infrastructure.simulated_exchange.symbol_market import STATUSES


class Accidents:
    """Each makes happen what the market could make happen; events and durability are as usual."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.operations: dict[str, Callable[[dict[str, Any]], Any]] = {
            "POST liquidation": self._liquidate,
            "POST adl": self._deleverage,
            "POST settlement": self._settle,
            "POST funding": self._pay_funding,
            "POST owner_trades": self._trade_by_owner,
            "POST symbol_status": self._set_status,
            "POST filters": self._change_filters,
            "POST hanging_triggers": self._hang_triggers,
        }

    def _liquidate(self, body: dict[str, Any]) -> Any:
        engine = self._services.venue.writing()
        engine.force_liquidation(account_of(body), str(body["symbol"]), str(body.get("side", "BOTH")))
        return {}

    def _deleverage(self, body: dict[str, Any]) -> Any:
        number, symbol, price = account_of(body), str(body["symbol"]), self._price(body)
        self._services.venue.writing().force_adl(number, symbol, str(body.get("side", "BOTH")), price)
        return {}

    def _settle(self, body: dict[str, Any]) -> Any:
        self._services.venue.writing().force_settlement(str(body["symbol"]), self._price(body))
        return {}

    def _pay_funding(self, body: dict[str, Any]) -> Any:
        rate = optional_decimal_of(body, "rate", -RATE_MAX, RATE_MAX)
        self._services.venue.writing().force_funding(str(body["symbol"]), rate)
        return {}

    def _trade_by_owner(self, body: dict[str, Any]) -> Any:
        """A manual order: ``side`` BUY or SELL, MARKET without a price; NONE lets it trade with the account's own."""
        return self._services.venue.writing().trade_by_owner(
            account_of(body),
            str(body["symbol"]),
            str(body["side"]),
            decimal_of(body, "quantity", Decimal(0), AMOUNT_MAX),
            price=self._price(body),
            position_side=str(body.get("position_side", "BOTH")),
            reduce_only=flag_of(body, "reduce_only", False),
            self_trade_prevention=str(body.get("self_trade_prevention", EXPIRE_MAKER)),
        )

    def _set_status(self, body: dict[str, Any]) -> Any:
        """Another status of a symbol; the public is told by contractInfo."""
        symbol, status = str(body["symbol"]), str(body["status"])
        if status not in STATUSES:
            raise ValueError(f"there is no status {status[:40]!r}; there are: {', '.join(STATUSES)}")
        venue = self._services.venue
        venue.writing().set_symbol_status(symbol, status)
        self._services.market.contract_info(symbol, status, venue.clock.now_ms())
        return {}

    def _hang_triggers(self, body: dict[str, Any]) -> Any:
        """From now on triggers of a symbol hang, unless ``hangs`` is false: then they go on."""
        self._services.venue.writing().hang_triggers(str(body["symbol"]), flag_of(body, "hangs", True))
        return {}

    def _change_filters(self, body: dict[str, Any]) -> Any:
        """Other filters of a symbol, by the instrument's own names."""
        given = {name: value for name, value in body.items() if name != "symbol"}
        values = {
            name: value if isinstance(value, int) else decimal_of(given, name, Decimal(0), FILTER_MAX)
            for name, value in given.items()
        }
        self._services.venue.writing().change_filters(str(body["symbol"]), **values)
        return {}

    def _price(self, body: dict[str, Any]) -> Decimal | None:
        """The price that is given, within the symbol's own bounds; None for that of the market."""
        instrument = self._services.venue.engine.instrument(str(body["symbol"]))
        return optional_decimal_of(body, "price", instrument.price_min, instrument.price_max)
