"""Raw events, as captured from Binance, in our words; what cannot be read says so."""

import re
from decimal import Decimal

import pytest

from src.domain.market.sides import OrderSide
from src.domain.orders.news import FillReport, OrderNews
from src.domain.orders.types import OrderStatus, OrderType
from src.infrastructure.brokers.binance_events import WalletNotice, read_event

TRADE = (
    '{"e":"ORDER_TRADE_UPDATE","E":1789478303612,"T":1789478303610,"o":{"s":"BTCUSDT","c":"my-1","S":"BUY",'
    '"o":"LIMIT","f":"GTC","q":"0.010","p":"76000","ap":"76000","sp":"0","x":"TRADE","X":"FILLED","i":8886774,'
    '"l":"0.010","z":"0.010","L":"76000","n":"0.15200000","N":"USDT","T":1789478303610,"t":109100866,"b":"0",'
    '"a":"0","m":true,"R":false,"wt":"CONTRACT_PRICE","ot":"LIMIT","ps":"BOTH","cp":false,"rp":"0","pP":false,'
    '"si":0,"ss":0,"V":"EXPIRE_MAKER","pm":"NONE","gtd":0,"er":"0"}}'
)
TRIGGERED = (
    '{"e":"ALGO_UPDATE","T":1765431097030,"E":1765431097037,"o":{"caid":"O-1","aid":1000000033225453,'
    '"at":"CONDITIONAL","o":"STOP_MARKET","s":"DOGEUSDT","S":"BUY","ps":"BOTH","f":"GTC","q":"38",'
    '"X":"TRIGGERED","ai":"88937381063","ap":"0","aq":"0","act":"MARKET","tp":"0.13855","p":"0",'
    '"V":"EXPIRE_MAKER","wt":"CONTRACT_PRICE","pm":"NONE","cp":false,"pP":false,"R":false,"tt":1765431097019,'
    '"gtd":0,"ia":false}}'
)
FUNDING = (
    '{"e":"ACCOUNT_UPDATE","E":1789488000012,"T":1789488000005,"a":{"m":"FUNDING_FEE","B":[{"a":"USDT",'
    '"wb":"122624.1","cw":"100.1","bc":"-0.5"}],"P":[],"S":"BTCUSDT"}}'
)


def order_news(raw: str) -> OrderNews:
    news = read_event(raw)
    assert isinstance(news, OrderNews)
    return news


def test_a_trade_is_an_order_and_a_fill():
    news = order_news(TRADE)

    assert (news.order.client_order_id, news.order.exchange_order_id) == ("my-1", 8886774)
    assert (news.order.status, news.order.filled_quantity) == (OrderStatus.FILLED, Decimal("0.010"))
    assert (news.order.order_type, news.order.limit_price) == (OrderType.LIMIT, Decimal(76000))
    assert news.fill == FillReport(
        symbol="BTCUSDT",
        trade_id=109100866,
        exchange_order_id=8886774,
        side=OrderSide.BUY,
        position_side=news.order.position_side,
        price=Decimal(76000),
        quantity=Decimal("0.010"),
        realized_pnl=Decimal(0),
        commission=Decimal("0.152"),
        commission_asset="USDT",
        is_maker=True,
        traded_ms=1789478303610,
        client_order_id="my-1",
    )


def test_an_event_without_a_trade_brings_no_fill():
    raw = TRADE.replace('"l":"0.010"', '"l":"0"').replace('"n":"0.15200000","N":"USDT",', "")

    assert order_news(raw.replace('"x":"TRADE","X":"FILLED"', '"x":"NEW","X":"NEW"')).fill is None


def test_a_liquidations_execution_is_a_fill_too():
    assert order_news(TRADE.replace('"x":"TRADE"', '"x":"CALCULATED"')).fill is not None


def test_the_exchanges_own_type_of_a_liquidation_is_one_that_trades_at_once():
    news = order_news(TRADE.replace('"o":"LIMIT"', '"o":"LIQUIDATION"').replace("my-1", "autoclose-1"))

    assert news.order.order_type is OrderType.MARKET
    assert news.fill is not None
    assert news.fill.client_order_id == "autoclose-1"


def test_why_an_order_expired_is_kept():
    raw = TRADE.replace('"er":"0"', '"er":"4"').replace('"X":"FILLED"', '"X":"EXPIRED_IN_MATCH"')

    assert order_news(raw).order.status is OrderStatus.EXPIRED
    assert order_news(raw).order.reason == "expiry reason 4"


@pytest.mark.parametrize(
    ("wire", "ours"),
    [
        ("NEW", OrderStatus.NEW),
        ("TRIGGERING", OrderStatus.TRIGGERED),
        ("TRIGGERED", OrderStatus.TRIGGERED),
        ("FINISHED", OrderStatus.TRIGGERED),
        ("CANCELED", OrderStatus.CANCELED),
        ("EXPIRED", OrderStatus.EXPIRED),
        ("REJECTED", OrderStatus.REJECTED),
    ],
)
def test_a_conditional_order_is_never_filled_only_triggered(wire: str, ours: OrderStatus):
    news = order_news(TRIGGERED.replace('"X":"TRIGGERED"', f'"X":"{wire}"'))

    assert news.order.status is ours
    assert (news.order.algo_id, news.order.stop_price) == (1000000033225453, Decimal("0.13855"))
    assert news.order.filled_quantity == 0
    assert news.fill is None


def test_before_its_trigger_a_conditional_order_has_no_order_id():
    assert order_news(TRIGGERED.replace("88937381063", "")).order.exchange_order_id is None


def test_a_funding_event_names_no_transaction_and_is_a_notice_to_ask():
    assert read_event(FUNDING) == WalletNotice("FUNDING_FEE", 1789488000005, (("USDT", Decimal("122624.1")),))


@pytest.mark.parametrize(
    "raw",
    [
        FUNDING.replace("FUNDING_FEE", "ORDER"),
        '{"e":"TRADE_LITE","E":1727683915920,"T":1727683915920,"s":"ETHUSDT","q":"0.037","i":8389765739703625592}',
        '{"e":"ACCOUNT_CONFIG_UPDATE","E":1,"T":1,"ac":{"s":"BTCUSDT","l":25}}',
        '{"e":"listenKeyExpired","E":1736996475556,"listenKey":"x"}',
    ],
)
def test_some_events_say_nothing_that_is_kept(raw: str):
    assert read_event(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "[]",
        '{"e":"SOMETHING_NEW","E":1}',
        TRADE[:-5],
        '{"z":' + "[" * 100_000,
        TRADE.replace('"q":"0.010"', '"q":"NaN"'),
        TRADE.replace('"n":"0.15200000"', '"n":"Infinity"'),
        TRADE.replace('"X":"FILLED"', '"X":"HALF_FILLED"'),
        TRADE.replace('"o":"LIMIT"', '"o":"SOMETHING_NEW"'),
        TRADE.replace('"i":8886774', '"i":"many"'),
        TRIGGERED.replace('"X":"TRIGGERED"', '"X":"STUCK"'),
        TRIGGERED.replace("88937381063", "many"),
    ],
)
def test_what_cannot_be_read_is_a_value_error(raw: str):
    with pytest.raises(ValueError):
        read_event(raw)


@pytest.mark.parametrize(
    ("raw", "sound"),
    [
        (TRADE, '"t":109100866'),
        (TRADE, '"i":8886774'),
        (TRADE, '"T":1789478303610,"t"'),
        (TRIGGERED, '"aid":1000000033225453'),
        (TRIGGERED, '"ai":"88937381063"'),
        (FUNDING, '"T":1789488000005'),
    ],
)
def test_an_id_or_a_time_that_no_database_takes_cannot_be_read(raw: str, sound: str):
    number = re.search(r"[0-9]+", sound)
    assert number is not None
    largest, beyond = (raw.replace(sound, sound.replace(number[0], str(n))) for n in (2**63 - 1, 2**63))

    assert read_event(largest) is not None
    with pytest.raises(ValueError):
        read_event(beyond)
