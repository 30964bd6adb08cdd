"""What a caller of the library configures: the fields and defaults of the user's documents, checked at once.

Standard library only, so that ``TradingConfig(dry_run=True)`` costs nothing. The command line fills one from its
settings. Shares are fractions, 0.1 being ten percent; they are floats because callers write floats, and
:meth:`TradingConfig.exact` gives the decimal that was written, which is what money is computed with.
"""

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Final

PAPER: Final = "paper"
TESTNET: Final = "testnet"
LIVE: Final = "live"

_SHARES: Final = (
    "position_size_pct",
    "stop_loss_pct",
    "take_profit_pct",
    "max_daily_loss_pct",
    "slippage_tolerance",
)
_MAY_BE_ZERO: Final = frozenset({"take_profit_pct"})
_MAY_EXCEED_ONE: Final = frozenset({"position_size_pct", "take_profit_pct"})


@dataclass(frozen=True, init=False)
class TradingConfig:
    """Settings of one trading session.

    ``position_size_pct`` is the largest share of the portfolio in one position; ``stop_loss_pct`` and
    ``take_profit_pct`` (0: no target) are distances from the entry price; ``max_daily_loss_pct`` is the share of
    equity whose loss in one day stops new entries. With ``use_market_orders=False`` entries are LIMIT IOC at the best
    price plus or minus ``slippage_tolerance``. ``retry_attempts`` counts repeated reads, never a submit.
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

    def __init__(
        self,
        api_key: str = api_key,
        api_secret: str = "",
        testnet: bool = testnet,
        dry_run: bool = dry_run,
        max_positions: int = max_positions,
        position_size_pct: float = position_size_pct,
        stop_loss_pct: float = stop_loss_pct,
        take_profit_pct: float = take_profit_pct,
        max_daily_loss_pct: float = max_daily_loss_pct,
        use_market_orders: bool = use_market_orders,
        slippage_tolerance: float = slippage_tolerance,
        retry_attempts: int = retry_attempts,
        auto_restart: bool = auto_restart,
        save_state_interval: int = save_state_interval,
        log_trades: bool = log_trades,
        *,
        use_testnet: bool | None = None,
    ) -> None:
        given = locals()
        for each in fields(self):
            object.__setattr__(self, each.name, given[each.name])
        if use_testnet is not None:
            object.__setattr__(self, "testnet", use_testnet)
        self._check()

    @property
    def use_testnet(self) -> bool:
        """Whether orders go to the exchange's test network."""
        return self.testnet

    @property
    def exchange(self) -> str:
        """Where orders go: paper with ``dry_run`` or without a key, else testnet or live."""
        if self.dry_run or not self.api_key:
            return PAPER
        return TESTNET if self.testnet else LIVE

    def _check(self) -> None:
        for name in ("testnet", "dry_run", "use_market_orders", "auto_restart", "log_trades"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name}={getattr(self, name)!r} is neither True nor False")
        for name in _SHARES:
            self._check_share(name)
        for name, least in (("max_positions", 1), ("retry_attempts", 0), ("save_state_interval", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name}={value!r} is not a whole number of at least {least}")
        if bool(self.api_key) is not bool(self.api_secret):
            missing = "api_secret" if self.api_key else "api_key"
            raise ValueError(
                f"{missing} is missing: give key and secret together, or neither for paper trading"
            )

    def _check_share(self, name: str) -> None:
        """A fraction is a finite number above zero and at most 1, unless more or none has a meaning."""
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValueError(f"{name}={value!r} is not a number: write a fraction like 0.02 for two percent")
        share = Decimal(str(value))
        in_range = share.is_finite() and share >= 0
        if (
            not in_range
            or (not share and name not in _MAY_BE_ZERO)
            or (share > 1 and name not in _MAY_EXCEED_ONE)
        ):
            raise ValueError(f"{name}={value} is out of range: write a fraction like 0.02 for two percent")
        object.__setattr__(self, name, float(value))
