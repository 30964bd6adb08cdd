"""The auditor over REST beside a session that trades, at whatever place these tests trade at."""

import asyncio
from decimal import Decimal
from pathlib import Path

from src.application.trading.vocabulary import OrderSide
from src.infrastructure.audit.auditor import run_audit
from src.infrastructure.audit.records import Report
from src.infrastructure.audit.request import AuditRequest, Credentials
from tests.integration.trading.places import SYMBOL, Start, TradingPlace, assert_equal_books, price_of, until


async def test_a_session_is_equal_to_what_the_exchange_tells_while_it_runs_and_at_rest(
    place: TradingPlace, start: Start, tmp_path: Path
):
    service = await start(place)
    account = service._active().parts.account.account_id
    request = AuditRequest(
        account,
        str(next(tmp_path.rglob("steadyhand.db"))),
        venue=Credentials(place.place.rest_url, place.key, place.secret),
        is_exact=place.admin_url is not None,
    )

    async def audit() -> Report:
        return await asyncio.to_thread(run_audit, request)

    reports = [await audit()]
    for side, quantity in ((OrderSide.BUY, "0.011"), (OrderSide.SELL, "0.01"), (OrderSide.SELL, "0.012")):
        away = Decimal("0.1") if side is OrderSide.BUY else Decimal("-0.1")
        price, paid = price_of(service), service.snapshot().commission
        await service.place_order(
            SYMBOL, side, quantity, stop_loss=price * (1 - away), take_profit=price * (1 + away)
        )
        await until(lambda paid=paid: service.snapshot().commission > paid)
        reports.append(await audit())
    await assert_equal_books(service)
    reports.append(await audit())

    assert [report.differences for report in reports] == [()] * 5
    assert reports[-1].trades >= 3
