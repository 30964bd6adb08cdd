"""What a comparison with the exchange weighs: a hundred broken streams in six minutes have to fit into its limits."""

from typing import Any

import pytest

from tests.integration.trading.places import Start, TradingPlace

LIGHT_MAX = 110
"""About 17 of these a minute, and a new book of two symbols with each, stay below the 2,000 that are not kept back."""


async def test_a_comparison_after_a_lost_stream_is_light(
    local: TradingPlace, start: Start, monkeypatch: pytest.MonkeyPatch
):
    service = await start(local)
    runner = service._active()
    broker: Any = runner.parts.broker
    budget = getattr(broker, "guarded", broker)._client._budget
    weights: list[int] = []
    spend = budget.spend

    def counted(weight: int, *, urgent: bool = False) -> None:
        weights.append(weight)
        spend(weight, urgent=urgent)

    monkeypatch.setattr(budget, "spend", counted)
    await runner.recovery.recover("a test", new_stream=True)

    assert 0 < sum(weights) <= LIGHT_MAX
    assert 40 not in weights, "nobody asked for the orders of every symbol"
