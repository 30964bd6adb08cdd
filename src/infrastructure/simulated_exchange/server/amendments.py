"""What was changed about orders, for orderAmendment: the newest changes of each account, since the server started."""

from collections import deque
from typing import Any, Final

KEPT: Final = 1_000


class Amendments:
    """The newest changes by account. The exchange's file counts an order's changes, it does not keep them."""

    def __init__(self) -> None:
        self._rows: dict[int, deque[dict[str, Any]]] = {}
        self._counts: dict[int, int] = {}
        self._number = 0

    def note(self, account: int, before: dict[str, Any], after: dict[str, Any], now_ms: int) -> None:
        """Remember one change; ``before`` and ``after`` are orders as REST shows them."""
        self._number += 1
        order_id = after["orderId"]
        self._counts[order_id] = self._counts.get(order_id, 0) + 1
        changed = {
            name: {"before": before[field], "after": after[field]}
            for name, field in (("price", "price"), ("origQty", "origQty"))
        }
        self._rows.setdefault(account, deque(maxlen=KEPT)).append(
            {
                "amendmentId": self._number,
                "symbol": after["symbol"],
                "pair": after["symbol"],
                "orderId": order_id,
                "clientOrderId": after["clientOrderId"],
                "time": now_ms,
                "amendment": changed | {"count": self._counts[order_id]},
            }
        )

    def of(self, account: int) -> list[dict[str, Any]]:
        """An account's changes, oldest first."""
        return list(self._rows.get(account, ()))
