"""Every REST operation by method and path, and every WebSocket API method: one table each.

Weights and order counts: endpoint pages of USDⓈ-M futures and general info, as of November 2026.
"""

from typing import Final

from src.infrastructure.simulated_exchange.server import account_handlers as account
from src.infrastructure.simulated_exchange.server import candle_handlers as candles
from src.infrastructure.simulated_exchange.server import market_handlers as market
from src.infrastructure.simulated_exchange.server import order_handlers as orders
from src.infrastructure.simulated_exchange.server import setting_handlers as settings
from src.infrastructure.simulated_exchange.server.candle_handlers import weight_of_klines
from src.infrastructure.simulated_exchange.server.market_handlers import by_symbol, weight_of_depth
from src.infrastructure.simulated_exchange.server.services import Endpoint, Handler, Security, Weight

_ONE_ORDER: Final = (1, 1)
_BATCH: Final = (5, 1)


def _public(operation: str, handler: Handler, weight: Weight = 1) -> Endpoint:
    return Endpoint(operation, handler, weight=weight)


def _keyed(operation: str, handler: Handler, weight: Weight = 1) -> Endpoint:
    return Endpoint(operation, handler, Security.KEY, weight)


def _read(operation: str, handler: Handler, weight: Weight = 1) -> Endpoint:
    return Endpoint(operation, handler, Security.READ, weight)


def _trade(
    operation: str, handler: Handler, weight: Weight = 1, counts: tuple[int, int] = (0, 0)
) -> Endpoint:
    return Endpoint(operation, handler, Security.TRADE, weight, counts)


_MARKET: Final = {
    "GET /fapi/v1/ping": _public("ping", market.ping),
    "GET /fapi/v1/time": _public("time", market.server_time),
    "GET /fapi/v1/exchangeInfo": _public("exchange_info", market.info),
    "GET /fapi/v1/depth": _public("depth", market.depth, weight_of_depth),
    "GET /fapi/v1/trades": _public("trades", market.trades, 5),
    "GET /fapi/v1/historicalTrades": _keyed("historical_trades", market.trades, 200),
    "GET /fapi/v1/aggTrades": _public("agg_trades", market.aggregate_trades, 20),
    "GET /fapi/v1/klines": _public("klines", candles.klines, weight_of_klines),
    "GET /fapi/v1/continuousKlines": _public("klines", candles.klines, weight_of_klines),
    "GET /fapi/v1/markPriceKlines": _public("mark_klines", candles.price_klines, weight_of_klines),
    "GET /fapi/v1/indexPriceKlines": _public("index_klines", candles.price_klines, weight_of_klines),
    "GET /fapi/v1/premiumIndexKlines": _public("premium_klines", candles.premium_klines, weight_of_klines),
    "GET /fapi/v1/premiumIndex": _public("premium_index", market.premium_index, by_symbol(1, 10)),
    "GET /fapi/v1/fundingRate": Endpoint("funding_rate", market.funding_rates, weight=0, is_pooled=True),
    "GET /fapi/v1/fundingInfo": Endpoint("funding_info", market.funding_info, weight=0, is_pooled=True),
    "GET /fapi/v1/ticker/24hr": _public("day_ticker", market.day_ticker, by_symbol(1, 40)),
    "GET /fapi/v1/ticker/price": _public("price_ticker", market.price_ticker, by_symbol(1, 2)),
    "GET /fapi/v2/ticker/price": _public("price_ticker", market.price_ticker, by_symbol(1, 2)),
    "GET /fapi/v1/ticker/bookTicker": _public("book_ticker", market.book_ticker, by_symbol(2, 5)),
    "GET /fapi/v1/openInterest": _public("open_interest", market.open_interest),
    "GET /fapi/v1/symbolAdlRisk": _public("adl_risk", market.adl_risk),
    # python-binance asks the spot exchange whether it is there.
    "GET /api/v3/ping": _public("ping", market.ping),
    "GET /api/v3/time": _public("time", market.server_time),
}

_ORDERS: Final = {
    "POST /fapi/v1/order": _trade("order.place", orders.place, 0, _ONE_ORDER),
    "PUT /fapi/v1/order": _trade("order.modify", orders.modify, 0, _ONE_ORDER),
    "DELETE /fapi/v1/order": _trade("order.cancel", orders.cancel),
    "GET /fapi/v1/order": _read("order.query", orders.query),
    "POST /fapi/v1/order/test": _trade("order.test", orders.place_test, 0),
    "POST /fapi/v1/batchOrders": _trade("batch.place", orders.place_batch, 5, _BATCH),
    "PUT /fapi/v1/batchOrders": _trade("batch.modify", orders.modify_batch, 5, _BATCH),
    "DELETE /fapi/v1/batchOrders": _trade("batch.cancel", orders.cancel_batch),
    "GET /fapi/v1/orderAmendment": _read("order.amendments", orders.amendments),
    "GET /fapi/v1/openOrder": _read("order.query", orders.query_open),
    "GET /fapi/v1/openOrders": _read("orders.open", orders.open_orders, by_symbol(1, 40)),
    "GET /fapi/v1/allOrders": _read("orders.all", account.all_orders, 5),
    "DELETE /fapi/v1/allOpenOrders": _trade("orders.cancel_all", orders.cancel_all),
    "POST /fapi/v1/countdownCancelAll": _trade("orders.countdown", orders.countdown, 10),
    "POST /fapi/v1/algoOrder": _trade("algo.place", orders.place_algo, 0, _ONE_ORDER),
    "DELETE /fapi/v1/algoOrder": _trade("algo.cancel", orders.cancel_algo),
    "GET /fapi/v1/algoOrder": _read("algo.query", orders.query_algo),
    "GET /fapi/v1/openAlgoOrders": _read("algos.open", orders.open_algos, by_symbol(1, 40)),
    "GET /fapi/v1/allAlgoOrders": _read("algos.all", account.all_algos, 5),
    "DELETE /fapi/v1/algoOpenOrders": _trade("algos.cancel_all", orders.cancel_all_algos),
    "GET /fapi/v1/forceOrders": _read("orders.forced", account.force_orders, by_symbol(20, 50)),
}

_ACCOUNT: Final = {
    "GET /fapi/v2/account": _read("account", account.account_v2, 5),
    "GET /fapi/v3/account": _read("account", account.account, 5),
    "GET /fapi/v2/balance": _read("balance", account.balance, 5),
    "GET /fapi/v3/balance": _read("balance", account.balance, 5),
    "GET /fapi/v2/positionRisk": _read("positions", account.position_risk_all, 5),
    "GET /fapi/v3/positionRisk": _read("positions", account.position_risk, 5),
    "GET /fapi/v1/adlQuantile": _read("adl", account.adl_quantile, 5),
    "GET /fapi/v1/apiTradingStatus": _read("trading_status", account.trading_status, by_symbol(1, 10)),
    "GET /fapi/v1/userTrades": _read("trades.user", account.user_trades, 5),
    "GET /fapi/v1/income": _read("income", account.income, 30),
    "GET /sapi/v1/account/apiRestrictions": _read("key.restrictions", account.api_restrictions),
    "GET /fapi/v1/accountConfig": _read("account.config", account.account_config, 5),
    "GET /fapi/v1/symbolConfig": _read("symbol.config", settings.symbol_config, 5),
    "GET /fapi/v1/commissionRate": _read("commission", settings.commission_rate, 20),
    "GET /fapi/v1/leverageBracket": _read("brackets", settings.leverage_bracket),
    "GET /fapi/v1/rateLimit/order": _read("order.limits", settings.order_limits),
    "POST /fapi/v1/leverage": _trade("leverage", settings.set_leverage),
    "POST /fapi/v1/positionMargin": _trade("position_margin", settings.change_position_margin),
    "GET /fapi/v1/positionMargin/history": _read("position_margin.changes", settings.position_margin_changes),
    "POST /fapi/v1/marginType": _trade("margin_type", settings.set_margin_type),
    "GET /fapi/v1/positionSide/dual": _read("position_mode", settings.position_mode, 30),
    "POST /fapi/v1/positionSide/dual": _trade("position_mode.set", settings.set_position_mode),
    "GET /fapi/v1/multiAssetsMargin": _read("multi_assets", settings.multi_assets_mode, 30),
    "POST /fapi/v1/multiAssetsMargin": _trade("multi_assets.set", settings.set_multi_assets_mode),
    "GET /fapi/v1/feeBurn": _read("fee_burn", settings.fee_burn, 30),
    "POST /fapi/v1/feeBurn": _trade("fee_burn.set", settings.set_fee_burn),
    "POST /fapi/v1/listenKey": _keyed("listen_key.start", settings.start_stream),
    "PUT /fapi/v1/listenKey": _keyed("listen_key.keep", settings.keep_stream),
    "DELETE /fapi/v1/listenKey": _keyed("listen_key.stop", settings.stop_stream),
}

REST: Final[dict[str, Endpoint]] = _MARKET | _ORDERS | _ACCOUNT
"""Operations by "METHOD /path"."""

SOCKET: Final[dict[str, Endpoint]] = {
    "ping": REST["GET /fapi/v1/ping"],
    "time": REST["GET /fapi/v1/time"],
    "depth": REST["GET /fapi/v1/depth"],
    "ticker.price": REST["GET /fapi/v1/ticker/price"],
    "ticker.book": REST["GET /fapi/v1/ticker/bookTicker"],
    "order.place": REST["POST /fapi/v1/order"],
    "order.modify": REST["PUT /fapi/v1/order"],
    "order.cancel": REST["DELETE /fapi/v1/order"],
    "order.status": REST["GET /fapi/v1/order"],
    "algoOrder.place": REST["POST /fapi/v1/algoOrder"],
    "algoOrder.cancel": REST["DELETE /fapi/v1/algoOrder"],
    "account.balance": REST["GET /fapi/v2/balance"],
    "v2/account.balance": REST["GET /fapi/v3/balance"],
    "account.status": REST["GET /fapi/v2/account"],
    "v2/account.status": REST["GET /fapi/v3/account"],
    "account.position": REST["GET /fapi/v2/positionRisk"],
    "v2/account.position": REST["GET /fapi/v3/positionRisk"],
    "userDataStream.start": REST["POST /fapi/v1/listenKey"],
    "userDataStream.ping": REST["PUT /fapi/v1/listenKey"],
    "userDataStream.stop": REST["DELETE /fapi/v1/listenKey"],
}
"""Operations of the WebSocket API by method."""
