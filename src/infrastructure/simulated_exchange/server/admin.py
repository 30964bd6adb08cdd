"""The admin API: accounts, keys, money, faults, the market's accidents, and the truth for checkers.

Off unless asked for, and for the loopback interface like the rest. JSON in, JSON out; 400 with one line for what
cannot be done. Nothing here exists on the real exchange.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

import msgspec
from aiohttp import web

from src.infrastructure.simulated_exchange.errors import ExchangeError, ExchangeFailure
from src.infrastructure.simulated_exchange.server.accidents import Accidents
from src.infrastructure.simulated_exchange.server.admin_values import (
    AMOUNT_MAX,
    account_of,
    decimal_of,
    flag_of,
    optional_decimal_of,
    whole_of,
)
from src.infrastructure.simulated_exchange.server.bars import DAY_MS
from src.infrastructure.simulated_exchange.server.fault_rules import (
    Accident,
    FaultRule,
    Faults,
    read_schedule,
)
from src.infrastructure.simulated_exchange.server.keys import ApiKey
from src.infrastructure.simulated_exchange.server.parameters import MOMENT_MAX
from src.infrastructure.simulated_exchange.server.refusals import last_resort
from src.infrastructure.simulated_exchange.server.services import Services
from src.infrastructure.simulated_exchange.server.sockets import StreamSockets
from src.infrastructure.simulated_exchange.server.users import random_listen_key

PREFIX: Final = "/admin/"
LIMIT_MAX: Final = 10**9
SKEW_MAX_MS: Final = 100 * DAY_MS
"""Longer than anything is remembered, and short enough to work off what falls due meanwhile at once."""


class AdminApi:
    """Answers admin requests."""

    def __init__(
        self,
        services: Services,
        faults: Faults,
        sockets: StreamSockets,
        market_state: Callable[[], dict[str, Any]],
    ) -> None:
        self._services = services
        self._faults = faults
        self._sockets = sockets
        self._operations: dict[str, Callable[[dict[str, Any]], Any]] = {
            "POST accounts": self._create_account,
            "POST deposits": self._deposit,
            "GET keys": self._list_keys,
            "POST keys": self._put_key,
            "DELETE keys": self._revoke_key,
            "POST faults": self._add_faults,
            "PUT faults": self._replace_faults,
            "GET faults": self._count_faults,
            "POST clock": self._move_clock,
            "POST limits": self._set_limits,
            "POST streams/expire": self._expire_key,
            "POST streams/cut": self._cut_streams,
            "POST streams/mute": self._mute_streams,
            "GET truth": self._truth,
            "GET market": lambda body: market_state(),
            **Accidents(services).operations,
        }

    async def befall(self, accident: Accident) -> None:
        """Make the request that a schedule names, when its time has come.

        What cannot be (no position to liquidate) does not happen; KeyError for a request that there is not.
        """
        operation = self._operations[accident.request]
        await asyncio.sleep(accident.at_ms / 1_000)
        try:
            operation(dict(accident.body))
            await self._services.venue.durable()
        except ExchangeError as error:
            self._faults.injected[f"refused {accident.request} {error.code}"] += 1
        else:
            self._faults.injected[accident.request] += 1

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """The answer to one request."""
        operation = self._operations.get(f"{request.method} {request.path.removeprefix(PREFIX)}")
        if operation is None:
            return _respond(404, {"error": f"there is no {request.method} {request.path}"})
        try:
            with last_resort(KeyError, ValueError, TypeError, RecursionError, web.HTTPException):
                text = await request.read()
                body = msgspec.json.decode(text, type=dict[str, Any]) if text else {}
                answer = operation(body | dict(request.query))
                await self._services.venue.durable()
        except ExchangeFailure as failure:
            return _respond(500, {"error": str(failure)})
        except KeyError as error:
            return _respond(400, {"error": f"{error.args[0]} is missing or unknown"})
        except RecursionError:
            return _respond(400, {"error": "the body is nested too deep"})
        except (ValueError, TypeError, ExchangeError) as error:
            return _respond(400, {"error": str(error)})
        return _respond(200, answer)

    def _create_account(self, body: dict[str, Any]) -> Any:
        """A new account with a key of its own; ``balance`` is what it starts with, in USDT."""
        number, asset = account_of(body), str(body.get("asset", "USDT"))
        amount = optional_decimal_of(body, "balance", Decimal(0), AMOUNT_MAX)
        key = _key_of(body, number)
        self._services.keys.check(key)
        engine = self._services.venue.writing()
        engine.create_account(number, str(body.get("id", f"account-{number}")))
        if amount is not None:
            engine.deposit(number, asset, amount)
        self._services.keys.put(key)
        return asdict(key)

    def _deposit(self, body: dict[str, Any]) -> Any:
        number, asset = account_of(body), str(body.get("asset", "USDT"))
        amount = decimal_of(body, "amount", -AMOUNT_MAX, AMOUNT_MAX)
        engine = self._services.venue.writing()
        held = next((row["balance"] for row in engine.balance(number) if row["asset"] == asset), "0")
        if abs(Decimal(held) + amount) > AMOUNT_MAX:
            raise ValueError(f"a wallet holds {AMOUNT_MAX:f} at most: this one has {held} {asset}")
        return engine.deposit(number, asset, amount)

    def _list_keys(self, body: dict[str, Any]) -> Any:
        return [asdict(key) | {"secret": "…"} for key in self._services.keys]

    def _put_key(self, body: dict[str, Any]) -> Any:
        """A key with its permissions; key and secret are made up when they are not given."""
        number = account_of(body)
        if self._services.venue.engine.account_id(number) is None:
            raise KeyError(f"account {number}")
        key = _key_of(body, number)
        self._services.keys.put(key)
        return asdict(key)

    def _revoke_key(self, body: dict[str, Any]) -> Any:
        self._services.keys.revoke(str(body["key"]))
        return {}

    def _add_faults(self, body: dict[str, Any]) -> Any:
        self._faults.add(msgspec.convert(body["rules"], list[FaultRule]))
        return {}

    def _replace_faults(self, body: dict[str, Any]) -> Any:
        self._faults.replace(read_schedule(msgspec.json.encode(body)))
        return {}

    def _count_faults(self, body: dict[str, Any]) -> Any:
        return dict(self._faults.injected)

    def _move_clock(self, body: dict[str, Any]) -> Any:
        clock = self._services.venue.clock
        clock.skew_ms = whole_of(body, "skew_ms", -SKEW_MAX_MS, SKEW_MAX_MS)
        return {"now_ms": clock.now_ms()}

    def _set_limits(self, body: dict[str, Any]) -> Any:
        """Other limits (null lifts one), a ban, or ``forget``."""
        names = [name for name in ("weight", "orders_10s", "orders_1m") if name in body]
        values = {name: None if body[name] is None else whole_of(body, name, 0, LIMIT_MAX) for name in names}
        ban_ms = whole_of(body, "ms", 0, SKEW_MAX_MS, 120_000)
        limits = self._services.limits
        for name, value in values.items():
            setattr(limits, name, value)
        if "ban" in body:
            limits.ban(str(body["ban"]), self._services.venue.clock.now_ms() + ban_ms)
        if body.get("forget"):
            limits.forget()
        return {}

    def _expire_key(self, body: dict[str, Any]) -> Any:
        now_ms = self._services.venue.clock.now_ms()
        self._services.users.expire_key(account_of(body), now_ms)
        return {}

    def _cut_streams(self, body: dict[str, Any]) -> Any:
        count = len(self._sockets.open)
        self._sockets.cut_all()
        return {"cut": count}

    def _mute_streams(self, body: dict[str, Any]) -> Any:
        """Let every stream connection fall silent for ``ms``; pings and requests are answered."""
        pause_ms = whole_of(body, "ms", 0, DAY_MS)
        silent = list(self._sockets.open)
        for listener in silent:
            listener.is_mute = True

        def speak() -> None:
            for listener in silent:
                listener.is_mute = False

        asyncio.get_running_loop().call_later(pause_ms / 1_000, speak)
        return {"mute": len(silent)}

    def _truth(self, body: dict[str, Any]) -> Any:
        """Everything the exchange knows of an account, from its file; amounts in units of 10⁻⁸."""
        number = account_of(body)
        engine = self._services.venue.reading()
        return self._services.archive.ground_truth(number) | {
            "now_ms": engine.now_ms,
            "balance": engine.balance(number),
            "positions": engine.position_risk(number),
            "open_orders": engine.open_orders(number),
            "open_algo_orders": engine.open_algo_orders(number),
        }


def _key_of(body: dict[str, Any], number: int) -> ApiKey:
    """The key that a body describes; what is not given of it is made up."""
    addresses = body.get("addresses", [])
    if not isinstance(addresses, list) or not all(isinstance(one, str) for one in addresses):
        raise ValueError("addresses has to be a list of texts")
    return ApiKey(
        key=str(body.get("key") or random_listen_key()),
        secret=str(body.get("secret") or random_listen_key()),
        account=number,
        may_trade=flag_of(body, "may_trade", True),
        may_withdraw=flag_of(body, "may_withdraw", False),
        addresses=tuple(addresses),
        expires_ms=whole_of(body, "expires_ms", 0, MOMENT_MAX, 0),
    )


def _respond(status: int, answer: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), status=status, content_type="application/json")
