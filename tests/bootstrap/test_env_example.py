"""``.env.example`` names every setting, at its default, and can be used as it is."""

from pathlib import Path

import pytest

from src.bootstrap.settings import ROOT, Settings, load_settings
from src.bootstrap.settings.sources import env_of

TEXT = (ROOT / ".env.example").read_text("utf-8")


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_named(field: str):
    assert any(f"{name}=" in TEXT for name in env_of(field).names)


def test_used_as_it_is_it_gives_the_defaults(tmp_path: Path):
    (tmp_path / ".env").write_text(TEXT, "utf-8")

    loaded = load_settings(environment={}, root=tmp_path)

    assert loaded.settings == Settings()
