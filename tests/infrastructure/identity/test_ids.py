"""Ids: valid, different where they must be, and equal where a seed says so."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from src.domain.orders.client_order_ids import client_order_id, is_ours
from src.infrastructure.identity.ids import RandomIds, SeededIds

SEEDS = st.integers(0, 2**63 - 1)


def test_random_ids_are_uuids_and_differ():
    ids = RandomIds()
    made = [ids.session_id() for _ in range(100)]

    assert len(set(made)) == 100
    assert {uuid.UUID(each).version for each in made} == {4}


def test_random_namespaces_make_ids_of_ours():
    for _ in range(20):
        namespace = RandomIds().namespace()

        assert is_ours(client_order_id(namespace, 1, 1), namespace)


@given(SEEDS)
def test_equal_seeds_give_equal_ids(seed: int):
    one, other = SeededIds(seed), SeededIds(seed)

    assert one.account_id() == other.account_id()
    assert one.namespace() == other.namespace()
    assert [one.session_id() for _ in range(3)] == [other.session_id() for _ in range(3)]


@given(SEEDS, st.integers(0, 5))
def test_a_later_process_goes_on_with_the_sessions_of_an_earlier_one(seed: int, before: int):
    all_at_once = SeededIds(seed)
    made = [all_at_once.session_id() for _ in range(before + 1)]

    assert SeededIds(seed, before).session_id() == made[before]
    assert len(set(made)) == before + 1


@given(SEEDS)
def test_a_seeded_namespace_fits_the_client_order_id(seed: int):
    ids = SeededIds(seed)

    assert is_ours(client_order_id(ids.namespace(), 1, 1), ids.namespace())
    assert uuid.UUID(ids.account_id()).version == 4


def test_different_seeds_give_different_accounts():
    assert len({SeededIds(seed).account_id() for seed in range(200)}) == 200
