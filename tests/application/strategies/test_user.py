"""Users' own strategies, as they are named in text."""

import pytest

from src.application.strategies import UserStrategySpec, parse_strategy, parse_strategy_list


def test_modules_and_files_are_told_from_shipped_names():
    shipped, module, file = parse_strategy_list("rsi:period=7,my.pack:Mine:fast=5,slow=0.5,lab/mine.py:Mine")

    assert shipped.strategy_id == "rsi:period=7"
    assert module == UserStrategySpec("my.pack", "Mine", (("fast", "5"), ("slow", "0.5")))
    assert isinstance(file, UserStrategySpec) and file.is_file and not file.parameters


def test_parameters_become_what_they_most_plainly_are():
    spec = parse_strategy("a.b:C:count=5,share=0.5,on=True,name=Left")

    assert isinstance(spec, UserStrategySpec)
    assert spec.arguments == {"count": 5, "share": 0.5, "on": True, "name": "Left"}


@pytest.mark.parametrize("text", ["a.b:C", "dir/File.py:C:Fast=5,slow=6"])
def test_its_id_reads_back_as_the_same(text: str):
    assert parse_strategy(text).strategy_id == text


@pytest.mark.parametrize(
    ("text", "changed"),
    [("a.b:C:x=1,y=2", "a.b:C:x=3,y=2"), ("sma_cross:fast=5", "sma_cross:fast=5,slow=20")],
)
def test_some_parameters_change_and_the_others_stay(text: str, changed: str):
    wanted = "x=3" if "x" in text else "slow=20"

    assert parse_strategy(text).with_text(wanted) == changed


@pytest.mark.parametrize("text", ["a.b", "a.b:", "a.b:1C", "mine.py:C:x", "mine.py:C:x=1,x=2"])
def test_what_cannot_be_read_is_refused_in_one_line(text: str):
    with pytest.raises(ValueError) as refused:
        parse_strategy(text)

    assert "\n" not in str(refused.value)
