"""Many clients, everything at once, with everything going wrong: the books agree, and a restart finds the same."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from src.infrastructure.simulated_exchange.server.fault_rules import FaultRule, FaultSchedule
from src.infrastructure.simulated_exchange.server.keys import ApiKey
from src.infrastructure.simulated_exchange.server.limits import Limits
from tests.support.exchange_server import Client, served

FAULTS = ("drop_request", "drop_answer", "duplicate", "reset_inside", "truncate", "delay_answer", "respond")
CLIENTS = 8
REQUESTS = 30


async def act(client: Client, random: Random, bid: float) -> None:
    """One thing that a client may do."""
    symbol = {"symbol": "BTCUSDT"}
    side = random.choice(("BUY", "SELL"))
    quantity = f"{random.randint(1, 9) / 1000}"
    price = f"{bid * random.uniform(0.98, 1.02):.1f}"
    choices: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "order", {"side": side, "type": "MARKET", "quantity": quantity}),
        (
            "POST",
            "order",
            {"side": side, "type": "LIMIT", "timeInForce": "GTC", "quantity": quantity, "price": price},
        ),
        (
            "POST",
            "order",
            {"side": side, "type": "LIMIT", "timeInForce": "IOC", "quantity": quantity, "price": price},
        ),
        ("DELETE", "allOpenOrders", {}),
        ("POST", "leverage", {"leverage": random.randint(1, 50)}),
        ("GET", "openOrders", {}),
    ]
    method, path, params = random.choice(choices)
    try:
        await client.signed(method, f"/fapi/v1/{path}", **symbol, **params)
    except (aiohttp.ClientError, ValueError):
        return  # What broke was meant to; the truth is asked for at the end.


async def keep_acting(client: Client, seed: int, bid: float) -> None:
    random = Random(seed)
    for _ in range(REQUESTS):
        await act(client, random, bid)


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_books_agree_after_a_storm(tmp_path: Path, seed: int):
    rules = tuple(FaultRule("*", fault, chance=0.05, count=None, ms=5) for fault in FAULTS)
    schedule = FaultSchedule(seed, rules)
    limits = Limits(None, None, None)
    async with served(tmp_path, limits=limits) as client:
        made = await client.admin("POST", "accounts", account=2, balance="5000")
        other = Client(client.server, client.session, ApiKey(made["key"], made["secret"], 2))
        bid = await client.price()
        client.server.faults.replace(schedule)

        storm = [
            keep_acting((client, other)[number % 2], seed * 100 + number, bid) for number in range(CLIENTS)
        ]
        await asyncio.gather(*storm)
        client.server.faults.replace(FaultSchedule())
        for one in (client, other):  # What rests could still trade until the server is down.
            await one.signed("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
        engine = client.server.services.venue.reading()

        assert sum(client.server.faults.injected.values()) > CLIENTS
        assert [line for line in engine.audit() if not line.holds] == []
        held = [engine.position_risk(number) for number in (1, 2)]
        truths = [await client.admin("GET", "truth", account=number) for number in (1, 2)]
        wallets = [engine.balance(number)[0]["balance"] for number in (1, 2)]

    async with served(tmp_path, speed=0.001) as client:
        engine = client.server.services.venue.engine
        amounts = [[row["positionAmt"] for row in engine.position_risk(number)] for number in (1, 2)]
        assert amounts == [[row["positionAmt"] for row in rows] for rows in held]
        again = [await client.admin("GET", "truth", account=number) for number in (1, 2)]
        for table in ("orders", "trades", "postings"):
            assert [truth[table] for truth in again] == [truth[table] for truth in truths]
        assert [engine.balance(number)[0]["balance"] for number in (1, 2)] == wallets
