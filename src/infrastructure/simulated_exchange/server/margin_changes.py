"""What was changed about the wallets of isolated positions, for positionMargin/history."""

from collections import deque
from typing import Any, Final

KEPT: Final = 1_000


class MarginChanges:
    """The newest changes of each account, since the server started: the exchange's file keeps the wallets alone."""

    def __init__(self) -> None:
        self._rows: dict[int, deque[dict[str, Any]]] = {}

    def note(self, account: int, change: dict[str, Any]) -> None:
        """Remember one change, as REST shows it."""
        self._rows.setdefault(account, deque(maxlen=KEPT)).append(change)

    def of(self, account: int) -> list[dict[str, Any]]:
        """An account's changes, oldest first."""
        return list(self._rows.get(account, ()))
