"""Client order ids: legal at the exchange, never the same twice, ours recognisable, everybody else's not."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.domain.orders.client_order_ids import (
    NAMESPACE_LENGTH,
    base36,
    client_order_id,
    emergency_order_id,
    is_emergency,
    is_ours,
)

# The exchange's own rule for newClientOrderId and clientAlgoId.
LEGAL = re.compile(r"^[\.A-Z\:/a-z0-9_-]{1,36}$")
ALPHABET = string.ascii_letters + string.digits + "._:/-"
NAMESPACES = st.text(
    string.ascii_lowercase + string.digits, min_size=NAMESPACE_LENGTH, max_size=NAMESPACE_LENGTH
)
NUMBERS = st.tuples(st.integers(0, 36**4 - 1), st.integers(0, 36**7 - 1), st.integers(0, 35))


@given(NAMESPACES, NUMBERS)
def test_an_id_is_legal_at_the_exchange_and_recognised_as_ours(namespace, numbers):
    text = client_order_id(namespace, *numbers)

    assert LEGAL.match(text)
    assert is_ours(text, namespace)


@given(st.lists(st.tuples(NAMESPACES, NUMBERS), unique=True, max_size=50))
def test_different_numbers_make_different_ids(keys):
    ids = {client_order_id(namespace, *numbers) for namespace, numbers in keys}

    assert len(ids) == len(keys)


@given(NAMESPACES, NUMBERS)
def test_the_same_numbers_make_the_same_id(namespace, numbers):
    assert client_order_id(namespace, *numbers) == client_order_id(namespace, *numbers)


@given(NAMESPACES, NUMBERS, st.data())
def test_an_id_with_one_changed_character_is_not_ours(namespace, numbers, data):
    text = client_order_id(namespace, *numbers)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda character: character != text[place]))

    assert not is_ours(text[:place] + other + text[place + 1 :], namespace)


@given(NAMESPACES, NUMBERS, st.data())
def test_an_id_that_was_cut_or_lengthened_is_not_ours(namespace, numbers, data):
    text = client_order_id(namespace, *numbers)
    cut = data.draw(st.integers(0, len(text) - 1))

    assert not is_ours(text[:cut], namespace)
    assert not is_ours(text + data.draw(st.sampled_from(ALPHABET)), namespace)


@given(NAMESPACES, NAMESPACES, NUMBERS)
def test_an_id_of_another_namespace_is_not_ours(mine, theirs, numbers):
    assert is_ours(client_order_id(theirs, *numbers), mine) is (mine == theirs)


@pytest.mark.parametrize(
    "text",
    ["", "-", "sh1", "sh1-", "web_a1b2", "autoclose-1754", "adl_autoclose", "settlement_autoclose-1", "ABC"],
)
def test_ids_that_others_make_are_not_ours(text):
    assert not is_ours(text, "sh1")


@given(st.integers(0, 36**7 - 1))
def test_base_36_reads_back_and_sorts_like_the_number(number):
    text = base36(number, 7)

    assert int(text, 36) == number
    assert len(text) == 7
    assert number == 0 or base36(number - 1, 7) < text


@pytest.mark.parametrize(("number", "width"), [(36, 1), (36**4, 4), (-1, 4), (-(36**5), 4)])
def test_a_number_that_does_not_fit_is_refused(number, width):
    with pytest.raises(ValueError, match="does not fit"):
        base36(number, width)


@pytest.mark.parametrize("attempt", [-1, 36, 1_000])
def test_an_attempt_that_one_digit_cannot_tell_is_refused(attempt):
    with pytest.raises(ValueError, match=f"attempt {attempt} does not fit into one digit"):
        client_order_id("sh1", 1, 1, attempt)


# --- orders that no session sends -----------------------------------------------------------------------------

MOMENTS = st.tuples(st.integers(0, 36**8 - 1), st.integers(0, 36**5 - 1))


@given(NAMESPACES, MOMENTS)
def test_an_id_of_an_emergency_is_legal_ours_and_told_from_a_sessions(namespace, moment):
    text = emergency_order_id(namespace, *moment)

    assert LEGAL.match(text)
    assert is_ours(text, namespace)
    assert is_emergency(text, namespace)


@given(NAMESPACES, NUMBERS)
def test_an_id_of_a_session_is_none_of_an_emergency(namespace, numbers):
    assert not is_emergency(client_order_id(namespace, *numbers), namespace)


@given(st.lists(st.tuples(NAMESPACES, MOMENTS), unique=True, max_size=50))
def test_another_moment_or_number_makes_another_id_of_an_emergency(keys):
    assert len({emergency_order_id(namespace, *moment) for namespace, moment in keys}) == len(keys)


@given(NAMESPACES, MOMENTS, st.data())
def test_an_id_of_an_emergency_with_one_changed_character_is_not_ours(namespace, moment, data):
    text = emergency_order_id(namespace, *moment)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda character: character != text[place]))

    assert not is_ours(text[:place] + other + text[place + 1 :], namespace)


@given(NAMESPACES, NAMESPACES, MOMENTS)
def test_an_id_of_an_emergency_of_another_namespace_is_not_ours(mine, theirs, moment):
    assert is_ours(emergency_order_id(theirs, *moment), mine) is (mine == theirs)
