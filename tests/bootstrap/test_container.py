"""The container of long-lived users, and that commands do without it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from dependency_injector import providers

from src.application.trading.config import TradingConfig
from src.bootstrap.container import Container
from src.bootstrap.settings import ROOT
from src.infrastructure.messaging.event_bus import InProcessEventBus
from tests.application.trading.callers import data_folder

__all__ = ["data_folder"]


async def test_services_of_a_container_share_its_bus_and_its_database(data_folder: Path):
    container = Container(config=providers.Object(TradingConfig(dry_run=True)))
    moved: list[object] = []
    container.event_bus().subscribe("session.moved", moved.append)
    service = container.service()

    await service.start_session(portfolio_id="mine", symbols=["BTCUSDT"], strategies=["sma_cross"])
    portfolio = container.portfolios().get("mine")
    await service.stop_session()
    await container.event_bus().drain()

    assert container.service() is not service
    assert portfolio is not None and portfolio.wallet_balance == 10_000
    assert len(moved) >= 3


def test_every_part_can_be_overridden(data_folder: Path):
    container = Container()
    other = InProcessEventBus()
    container.event_bus.override(providers.Object(other))
    container.said.override(providers.Object({"stop_loss_pct": "0.07"}))

    assert container.event_bus() is other
    assert f"{container.application().settings.stop_loss_pct}" == "0.07"


@pytest.mark.parametrize(
    "command",
    [("--help",), ("status",), ("start-session", "--duration", "1s", "--speed", "max")],
)
def test_no_command_waits_for_the_containers_library(tmp_path: Path, command: tuple[str, ...]):
    (tmp_path / "empty").touch()
    environment = os.environ | {
        "STEADYHAND_DATA_DIR": str(tmp_path / "data"),
        "STEADYHAND_ENV_FILE": str(tmp_path / "empty"),
        "STEADYHAND_CONFIG": str(tmp_path / "empty"),
    }
    script = (
        "import sys; from src.interfaces.cli.__main__ import _Program; from src.interfaces.cli.app import main; "
        f"main({list(command)!r}, _Program()); print('loaded:', sorted({{'dependency_injector', 'tenacity'}} & "
        "set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "loaded: []"
