"""The table of closed candles: no projection of the journal, but written in its transactions.

One row per bar, in the order in which they are read: by symbol and timeframe, then by time. Prices are in quote asset
per base asset, the volume in base asset, times in ms since the epoch.
"""

from sqlalchemy import Column, PrimaryKeyConstraint, String, Table

from src.infrastructure.persistence.columns import account_column, amount, metadata, whole

candles = Table(
    "candles",
    metadata,
    account_column(),
    Column("symbol", String(32), nullable=False),
    Column("timeframe", String(8), nullable=False),
    whole("open_ms"),
    *(amount(name) for name in ("open", "high", "low", "close", "volume")),
    PrimaryKeyConstraint("account_no", "symbol", "timeframe", "open_ms"),
    sqlite_with_rowid=False,
)
