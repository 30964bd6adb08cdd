"""What a caller of the library configures: the fields and defaults of the user's documents, checked at once.

Standard library only, so that ``TradingConfig(dry_run=True)`` costs nothing. The command line fills one from its
settings. Shares are fractions, 0.1 being ten percent; they are floats because callers write floats, and
:meth:`TradingConfig.exact` gives the decimal that was written, which is what money is computed with.
"""

from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from typing import Final

PAPER: Final = "paper"
TESTNET: Final = "testnet"
LIVE: Final = "live"

_SHARES: Final = (
    ("position_size_pct", True),
    ("stop_loss_pct", False),
    ("take_profit_pct", True),
    ("max_daily_loss_pct", False),
    ("slippage_tolerance", False),
)
"""The fractions, and whether one above 1 has a meaning."""


@dataclass(frozen=True)
class TradingConfig:
    """Settings of one trading session.

    ``position_size_pct`` is the largest share of the portfolio in one position, ``stop_loss_pct`` and
    ``take_profit_pct`` are distances from the entry price, ``max_daily_loss_pct`` is the share of equity whose loss
    in one day stops new entries. With ``use_market_orders=False`` entries are LIMIT IOC at the best price plus or
    minus ``slippage_tolerance``. ``retry_attempts`` counts reads and cancels, never a submit.
    ``save_state_interval`` is in seconds. ``use_testnet`` is another name for ``testnet``.

    Raises ValueError, in one line with cause and fix, for a value without a meaning.
    """

    api_key: str = ""
    api_secret: str = field(default="", repr=False)
    testnet: bool = True

    dry_run: bool = False
    max_positions: int = 10
    position_size_pct: float = 0.1

    stop_loss_pct: float = 0.02
    take_profit_pct: float = 0.05
    max_daily_loss_pct: float = 0.02

    use_market_orders: bool = True
    slippage_tolerance: float = 0.001
    retry_attempts: int = 3

    auto_restart: bool = True
    save_state_interval: int = 60

    log_trades: bool = True
    use_testnet: InitVar[bool | None] = None

    # The constructor's keyword and the attribute share one name, which dataclasses allow and checkers do not.
    @property  # type: ignore[misc]
    def use_testnet(self) -> bool:  # noqa: F811
        """Whether orders go to the exchange's test network."""
        return self.testnet

    def __post_init__(self, use_testnet: object) -> None:
        # Without the keyword, the property itself arrives as its default.
        if isinstance(use_testnet, bool):
            object.__setattr__(self, "testnet", use_testnet)
        for name in ("testnet", "dry_run", "use_market_orders", "auto_restart", "log_trades"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name}={getattr(self, name)!r} is neither True nor False")
        for name, above_one in _SHARES:
            self._check_share(name, above_one)
        for name, least in (("max_positions", 1), ("retry_attempts", 0), ("save_state_interval", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name}={value!r} is not a whole number of at least {least}")
        if bool(self.api_key) is not bool(self.api_secret):
            missing = "api_secret" if self.api_key else "api_key"
            raise ValueError(
                f"{missing} is missing: give key and secret together, or neither for paper trading"
            )

    @property
    def exchange(self) -> str:
        """Where orders go: paper with ``dry_run`` or without a key, else testnet or live."""
        if self.dry_run or not self.api_key:
            return PAPER
        return TESTNET if self.testnet else LIVE

    def exact(self, name: str) -> Decimal:
        """The fraction called ``name`` as the decimal that was written: 0.02 is exactly two hundredths."""
        return Decimal(str(getattr(self, name)))

    def _check_share(self, name: str, above_one: bool) -> None:
        """A fraction is a finite number above zero, and at most 1 unless more has a meaning."""
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValueError(f"{name}={value!r} is not a number: write a fraction like 0.02 for two percent")
        share = Decimal(str(value))
        if not share.is_finite() or share <= 0 or (share > 1 and not above_one):
            raise ValueError(f"{name}={value} is out of range: write a fraction like 0.02 for two percent")
        object.__setattr__(self, name, float(value))
