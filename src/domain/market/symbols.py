"""Spelling of symbols: BTCUSDT, BTC/USDT, BTC/USD and BTC/USDT:USDT all name the same future."""

from src.domain.shared.errors import InvariantViolated

QUOTE_ASSETS = ("USDT", "USDC", "BUSD", "INR", "USD")


def canonical_symbol(text: str) -> str:
    """The exchange's spelling of a symbol, e.g. BTCUSDT; a bare USD quote means USDT.

    Raises :class:`InvariantViolated` for text that cannot be a symbol.
    """
    name = text.strip().upper().split(":", 1)[0]
    if "/" in name:
        base, _, quote = name.partition("/")
        name = base + ("USDT" if quote == "USD" else quote)
    if not name.isascii() or not name.isalnum() or not 2 <= len(name) <= 24:
        raise InvariantViolated(f"{text!r} is not a symbol; write it like BTCUSDT or BTC/USDT")
    return name


def split_symbol(symbol: str) -> tuple[str, str]:
    """Base and quote asset of a canonical symbol; a symbol without a known quote is quoted in USDT."""
    for quote in QUOTE_ASSETS:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol[: -len(quote)], quote
    return symbol, "USDT"
