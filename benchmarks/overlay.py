"""A second order book, for checking: the depth book overlaid by the newest best bid and ask.

The rule: both streams carry update ids of one sequence. While the ticker is the newer one (or the depth is not
whole yet), its two prices are the top, and depth levels at or better than them do not count; else the depth speaks
for itself. Chain rule of the depth: Binance USDⓈ-M Futures, "How to manage a local order book correctly".

Written with dicts and plain loops: slow, short, and unlike the book that it checks.
"""

from typing import Any

from benchmarks.recordings import Line, units


class Overlay:
    """The book of one symbol; prices and quantities in units of 10⁻⁸."""

    def __init__(self) -> None:
        # By "is ask": the live levels, and the best price of them as long as they stay as they are.
        self._sides: dict[bool, dict[int, str]] = {True: {}, False: {}}
        self._best_prices: dict[bool, int | None] = {}
        self._depth_id = 0
        self._is_whole = False
        self._is_bridging = False
        self._waiting: list[dict[str, Any]] = []
        self._ticker_id = 0
        self._ticker: dict[bool, tuple[int, int]] = {}

    @property
    def update_id(self) -> int:
        """The newest id seen on either stream."""
        return max(self._depth_id, self._ticker_id)

    def apply(self, line: Line) -> bool:
        """Learn from a line; return whether it was one about the book."""
        if line.kind == "bookTicker":
            self._apply_ticker(line.body)
        elif line.kind == "depthUpdate":
            self._apply_depth(line.body)
        elif line.kind == "snapshot":
            self._apply_snapshot(line.body)
        else:
            return False
        return True

    def shown(self, is_ask: bool, price: int) -> int:
        """The quantity that the book shows at a price; 0 when there is none."""
        top = self._top(is_ask)
        if top is not None:
            if price == top[0]:
                return top[1]
            if (price < top[0]) is is_ask:
                return 0
        return units(self._sides[is_ask].get(price, "0"))

    def mid_twice(self) -> int | None:
        """Best bid plus best ask, or None when a side is empty."""
        bid, ask = self._best(False), self._best(True)
        return None if bid is None or ask is None else bid + ask

    def _top(self, is_ask: bool) -> tuple[int, int] | None:
        """The ticker's level of a side while the ticker rules, else None."""
        if self._ticker and (self._ticker_id >= self._depth_id or not self._is_whole or self._is_crossed()):
            return self._ticker[is_ask]
        return None

    def _is_crossed(self) -> bool:
        """Whether the depth alone makes no sense; then the last ticker is the better witness."""
        bid, ask = self._best_depth(False), self._best_depth(True)
        return bid is not None and ask is not None and bid >= ask

    def _best(self, is_ask: bool) -> int | None:
        top = self._top(is_ask)
        return top[0] if top is not None else self._best_depth(is_ask)

    def _best_depth(self, is_ask: bool) -> int | None:
        if is_ask not in self._best_prices:
            prices = self._sides[is_ask]
            best = min(prices, default=None) if is_ask else max(prices, default=None)
            self._best_prices[is_ask] = best
        return self._best_prices[is_ask]

    def _apply_ticker(self, body: dict[str, Any]) -> None:
        bid, ask = (units(body["b"]), units(body["B"])), (units(body["a"]), units(body["A"]))
        if body["u"] >= self._ticker_id and bid[0] < ask[0]:
            self._ticker_id = body["u"]
            self._ticker = {False: bid, True: ask}

    def _apply_snapshot(self, body: dict[str, Any]) -> None:
        if self._is_whole and body["lastUpdateId"] < self._depth_id:
            return
        self._sides = {True: {}, False: {}}
        self._update(body["bids"], body["asks"])
        self._depth_id = body["lastUpdateId"]
        self._is_whole = self._is_bridging = True
        waiting, self._waiting = self._waiting, []
        for update in waiting:
            self._apply_depth(update)

    def _apply_depth(self, body: dict[str, Any]) -> None:
        final, known = body["u"], self._depth_id
        if final < known or (final == known and not self._is_bridging):
            return
        follows = body["pu"] == known or not known or (self._is_bridging and body["U"] <= known)
        self._is_bridging = False
        if not follows:
            self._is_whole = False
            self._waiting.clear()
            self._sides = {True: {}, False: {}}
        self._depth_id = final
        self._update(body["b"], body["a"])
        if not self._is_whole:
            self._waiting.append(body)

    def _update(self, bids: list[list[str]], asks: list[list[str]]) -> None:
        self._best_prices.clear()
        for levels, side in ((bids, self._sides[False]), (asks, self._sides[True])):
            for price, quantity in levels:
                if quantity.strip("0."):
                    side[units(price)] = quantity
                else:
                    side.pop(units(price), None)
