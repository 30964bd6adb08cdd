"""The command line in this process: what it prints, and the code that it ends with."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from src.interfaces.cli.app import main
from tests.support.fake_composition import FakeApplication, FakeComposition, FakeReads
from tests.support.session_builders import a_ledger, an_account


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def app() -> FakeApplication:
    """A program with one account whose session nobody runs."""
    return FakeApplication(FakeReads([an_account()], a_ledger()))


@pytest.fixture
def composition(app: FakeApplication) -> FakeComposition:
    return FakeComposition(app)


@pytest.fixture
def run(composition: FakeComposition, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line."""

    def running(*arguments: str) -> Ran:
        code = main(arguments, composition)
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return running
