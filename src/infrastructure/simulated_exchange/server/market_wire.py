"""Payloads of the public streams, spelled as Binance spells them (WebSocket Market Streams, `st` and `ps` included).

Format strings, not a JSON encoder: every value is a number, a fixed word or a symbol, and these are made thousands
of times a second. Prices and quantities keep the spelling they came with.
"""

from src.infrastructure.market_data.frames import BookTicker, MarkPrice, TradePrint
from src.infrastructure.simulated_exchange.server.bars import Bar, DayStatistics
from src.infrastructure.simulated_exchange.server.prints import Aggregate

_BOOLEAN = ("false", "true")


def book_ticker(ticker: BookTicker) -> str:
    """``<s>@bookTicker``."""
    return (
        f'{{"e":"bookTicker","u":{ticker.update_id},"E":{ticker.event_ms},"T":{ticker.transaction_ms},'
        f'"s":"{ticker.symbol}","ps":"{ticker.symbol}","b":"{ticker.bid_price}","B":"{ticker.bid_quantity}",'
        f'"a":"{ticker.ask_price}","A":"{ticker.ask_quantity}","st":1}}'
    )


def trade(print_: TradePrint) -> str:
    """``<s>@trade``."""
    return (
        f'{{"e":"trade","E":{print_.event_ms},"T":{print_.transaction_ms},"s":"{print_.symbol}",'
        f'"t":{print_.trade_id},"p":"{print_.price}","q":"{print_.quantity}","X":"MARKET",'
        f'"m":{_BOOLEAN[print_.buyer_is_maker]},"st":1}}'
    )


def aggregate(symbol: str, found: Aggregate, now_ms: int) -> str:
    """``<s>@aggTrade``."""
    return (
        f'{{"e":"aggTrade","E":{now_ms},"s":"{symbol}","a":{found.number},"p":"{found.price}",'
        f'"q":"{found.quantity}","nq":"{found.quantity}","f":{found.first_id},"l":{found.last_id},'
        f'"T":{found.time_ms},"m":{_BOOLEAN[found.buyer_is_maker]},"st":1}}'
    )


def mark_price(mark: MarkPrice, now_ms: int) -> str:
    """``<s>@markPrice``; the estimated settle price is the index price."""
    return (
        f'{{"e":"markPriceUpdate","E":{now_ms},"s":"{mark.symbol}","p":"{mark.mark_price}","ap":"{mark.mark_price}",'
        f'"i":"{mark.index_price}","P":"{mark.index_price}","r":"{mark.funding_rate}",'
        f'"T":{mark.next_funding_ms},"st":1}}'
    )


def levels(side: list[tuple[str, str]]) -> str:
    """Price levels as a JSON list."""
    return "[" + ",".join([f'["{price}","{quantity}"]' for price, quantity in side]) + "]"


def depth(
    symbol: str,
    now_ms: int,
    ids: tuple[int, int, int],
    bids: list[tuple[str, str]],
    asks: list[tuple[str, str]],
) -> str:
    """``<s>@depth…``; ``ids`` are U, u and pu."""
    first, final, previous = ids
    return (
        f'{{"e":"depthUpdate","E":{now_ms},"T":{now_ms},"s":"{symbol}","ps":"{symbol}","U":{first},"u":{final},'
        f'"pu":{previous},"b":{levels(bids)},"a":{levels(asks)},"st":1}}'
    )


def _kline(bar: Bar, interval: str, end_ms: int, closed: bool, symbol: str) -> str:
    named = f'"s":"{symbol}",' if symbol else ""
    return (
        f'{{"t":{bar.open_ms},"T":{end_ms - 1},{named}"i":"{interval}","f":{bar.first_id},"L":{bar.last_id},'
        f'"o":"{bar.open}","c":"{bar.close}","h":"{bar.high}","l":"{bar.low}","v":"{bar.volume}","n":{bar.count},'
        f'"x":{_BOOLEAN[closed]},"q":"{bar.quote}","V":"{bar.taker_volume}","Q":"{bar.taker_quote}","B":"0"}}'
    )


def kline(symbol: str, bar: Bar, interval: str, end_ms: int, closed: bool, now_ms: int) -> str:
    """``<s>@kline_<interval>``."""
    return (
        f'{{"e":"kline","E":{now_ms},"s":"{symbol}","k":{_kline(bar, interval, end_ms, closed, symbol)},'
        f'"ps":"{symbol}","st":1}}'
    )


def continuous_kline(symbol: str, bar: Bar, interval: str, end_ms: int, closed: bool, now_ms: int) -> str:
    """``<pair>_perpetual@continuousKline_<interval>``."""
    return (
        f'{{"e":"continuous_kline","E":{now_ms},"ps":"{symbol}","ct":"PERPETUAL",'
        f'"k":{_kline(bar, interval, end_ms, closed, "")},"st":1}}'
    )


def ticker(symbol: str, day: DayStatistics, now_ms: int) -> str:
    """``<s>@ticker``: 24 hours, without bid and ask."""
    return (
        f'{{"e":"24hrTicker","E":{now_ms},"s":"{symbol}","ps":"{symbol}","p":"{day.change}","P":"{day.change_percent}",'
        f'"w":"{day.average}","c":"{day.close}","Q":"{day.last_quantity}","o":"{day.open}","h":"{day.high}",'
        f'"l":"{day.low}","v":"{day.volume}","q":"{day.quote}","O":{day.open_ms},"C":{day.close_ms},'
        f'"F":{day.first_id},"L":{day.last_id},"n":{day.count},"st":1}}'
    )


def mini_ticker(symbol: str, day: DayStatistics, now_ms: int) -> str:
    """``<s>@miniTicker``."""
    return (
        f'{{"e":"24hrMiniTicker","E":{now_ms},"s":"{symbol}","ps":"{symbol}","c":"{day.close}","o":"{day.open}",'
        f'"h":"{day.high}","l":"{day.low}","v":"{day.volume}","q":"{day.quote}","st":1}}'
    )


def contract_info(symbol: str, status: str, now_ms: int) -> str:
    """``!contractInfo``: another status of a symbol."""
    return (
        f'{{"e":"contractInfo","E":{now_ms},"s":"{symbol}","ps":"{symbol}","ct":"PERPETUAL",'
        f'"dt":4133404800000,"ot":1567965300000,"cs":"{status}","st":1}}'
    )
