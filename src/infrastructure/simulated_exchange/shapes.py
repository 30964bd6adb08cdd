"""What a request for an order must look like, whatever the account and the market are: the first of the checks."""

import re
from decimal import Decimal
from typing import Final

from src.infrastructure.simulated_exchange.algo_orders import LIMITED
from src.infrastructure.simulated_exchange.errors import refusal
from src.infrastructure.simulated_exchange.records import (
    BUY,
    CONTRACT_PRICE,
    EXPIRE_BOTH,
    EXPIRE_MAKER,
    EXPIRE_TAKER,
    FOK,
    GTC,
    GTD,
    GTX,
    IOC,
    LIMIT,
    MARK_PRICE,
    MARKET,
    NONE,
    SELL,
    STOP,
    STOP_MARKET,
    TAKE_PROFIT,
    TAKE_PROFIT_MARKET,
    TRAILING_STOP_MARKET,
    OrderRequest,
)
from src.infrastructure.simulated_exchange.state import ExchangeState

CLIENT_ID: Final = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
CONDITIONAL_TYPES: Final = frozenset(
    {STOP, STOP_MARKET, TAKE_PROFIT, TAKE_PROFIT_MARKET, TRAILING_STOP_MARKET}
)
CLOSING_TYPES: Final = frozenset({STOP_MARKET, TAKE_PROFIT_MARKET})
TIMES_IN_FORCE: Final = frozenset({GTC, IOC, FOK, GTX, GTD})
PREVENTION_MODES: Final = frozenset({NONE, EXPIRE_TAKER, EXPIRE_MAKER, EXPIRE_BOTH})
PRICE_MATCHES: Final = frozenset({"OPPONENT", "OPPONENT_5", "QUEUE", "QUEUE_5", "QUEUE_10", "QUEUE_20"})
GOOD_TILL_LEAD_MS: Final = 600_000
GOOD_TILL_MAX_MS: Final = 253_402_300_799_000
CALLBACK_MIN: Final = Decimal("0.1")


def check_ordinary_shape(state: ExchangeState, request: OrderRequest) -> None:
    """Type, side, time in force and ids of an order for the ordinary store."""
    if request.type in CONDITIONAL_TYPES:
        raise refusal(-4120)
    if request.type not in (LIMIT, MARKET):
        raise refusal(-1116)
    if request.type == LIMIT:
        _need(request.time_in_force, "timeInForce")
        _check_limit(state, request)
    elif request.price_match != NONE:
        raise refusal(-5038)
    elif request.price is not None:
        raise refusal(-1106, "price")
    _need(request.quantity, "quantity")
    _check_common_shape(request)


def check_algo_shape(state: ExchangeState, request: OrderRequest) -> None:
    """Type, side, prices, working type and ids of an order for the conditional store."""
    if request.type not in CONDITIONAL_TYPES:
        raise refusal(-1116)
    if request.type == TRAILING_STOP_MARKET:
        _check_trailing(state, request)
    else:
        _check_fixed(request)
    if request.working_type not in (CONTRACT_PRICE, MARK_PRICE):
        raise refusal(-1130, "workingType")
    if request.type in LIMITED:
        _check_limit(state, request)
    elif request.price_match != NONE:
        raise refusal(-5038)
    elif request.price is not None:
        raise refusal(-1106, "price")
    if request.close_position:
        _check_closing_shape(request)
    else:
        _need(request.quantity, "quantity")
    _check_common_shape(request)


def _check_trailing(state: ExchangeState, request: OrderRequest) -> None:
    _need(request.callback_rate, "callbackRate")
    rate = request.callback_rate or Decimal(0)
    if not rate.is_finite() or not CALLBACK_MIN <= rate <= state.rules.callback_rate_max:
        raise refusal(-2007)
    if request.activate_price is not None and not request.activate_price > 0:
        raise refusal(-4135)
    if request.trigger_price is not None:
        raise refusal(-1106, "triggerPrice")


def _check_fixed(request: OrderRequest) -> None:
    """A trigger that stays where it is has a price, and nothing that belongs to one that follows the market."""
    _need(request.trigger_price, "triggerPrice")
    if request.callback_rate is not None:
        raise refusal(-1106, "callbackRate")
    if request.activate_price is not None:
        raise refusal(-1106, "activatePrice")


def _check_closing_shape(request: OrderRequest) -> None:
    if request.type not in CLOSING_TYPES:
        raise refusal(-4136, request.type, "true")
    if request.quantity:
        raise refusal(-4137)
    if request.reduce_only:
        raise refusal(-1106, "reduceonly")


def _check_limit(state: ExchangeState, request: OrderRequest) -> None:
    """Time in force, its date, and a price or where in the book it is found."""
    time_in_force = request.time_in_force or GTC
    if time_in_force not in TIMES_IN_FORCE:
        raise refusal(-1115)
    if time_in_force == GTD:
        _need(request.good_till_ms or None, "goodTillDate")
        if not state.now_ms + GOOD_TILL_LEAD_MS < request.good_till_ms < GOOD_TILL_MAX_MS:
            raise refusal(-5040)
    elif request.good_till_ms:
        raise refusal(-1106, "goodTillDate")
    check_limit_price(request.price, request.price_match)


def check_limit_price(price: Decimal | None, price_match: str) -> None:
    """A limit order has a price, or says where in the book it is found."""
    if price_match == NONE:
        _need(price, "price")
    elif price_match not in PRICE_MATCHES:
        raise refusal(-5037)
    elif price is not None:
        raise refusal(-1106, "price")


def _check_common_shape(request: OrderRequest) -> None:
    if request.side not in (BUY, SELL):
        raise refusal(-1117)
    if request.self_trade_prevention not in PREVENTION_MODES:
        raise refusal(-5039)
    if request.client_order_id is not None and not CLIENT_ID.fullmatch(request.client_order_id):
        raise refusal(-4015)


def _need(value: object, name: str) -> None:
    if value is None or value == "":
        raise refusal(-1102, name)
