"""What an answer proves. The table of codes is a test a row; the rest are the bodies that are no such answer."""

import json

import pytest

from src.infrastructure.brokers.binance_codes import REFUSALS
from src.infrastructure.brokers.binance_outcomes import Fate, judge
from src.infrastructure.brokers.binance_transport import Reply

UNLISTED = (-1000, -1001, -1006, -1007, -1013, -9999, -4117, -5043)


def a_reply(status: int, body: object) -> Reply:
    return Reply(status, body if isinstance(body, bytes) else json.dumps(body).encode(), {})


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_a_client_error_with_a_code_of_the_refusals_means_that_nothing_happened(code: int):
    verdict = judge(a_reply(400, {"code": code, "msg": "no"}))

    assert (verdict.fate, verdict.code, verdict.message) == (Fate.REFUSED, code, "no")


@pytest.mark.parametrize("code", sorted(REFUSALS - {-1008}))
@pytest.mark.parametrize("status", [200, 500, 502, 503, 504])
def test_the_same_code_elsewhere_proves_nothing(status: int, code: int):
    assert judge(a_reply(status, {"code": code, "msg": "no"})).fate is Fate.UNKNOWN


@pytest.mark.parametrize("code", UNLISTED)
@pytest.mark.parametrize("status", [400, 408, 409, 500, 503])
def test_a_code_that_is_not_listed_proves_nothing(status: int, code: int):
    assert judge(a_reply(status, {"code": code, "msg": "?"})).fate is Fate.UNKNOWN


@pytest.mark.parametrize("status", [400, 503])
def test_throttled_by_the_system_means_that_nothing_happened(status: int):
    assert judge(a_reply(status, {"code": -1008, "msg": "throttled"})).fate is Fate.REFUSED


def test_a_duplicate_id_means_that_an_order_exists():
    assert judge(a_reply(400, {"code": -4116, "msg": "ClientOrderId is duplicated."})).fate is Fate.EXISTS


def test_a_timeout_is_unknown_whatever_it_says():
    assert judge(a_reply(408, {"code": -2019, "msg": "Margin is insufficient."})).fate is Fate.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b"Service Unavailable.",
        b"Unknown error, please check your request or try again later.",
        b"[]",
        b"null",
        b'"ok"',
        b'{"orderId":1',
        b'{"orderId":1}{"orderId":1}',
        b"\xff\xfe",
        b'{"msg":"verw\xe4hrt"}',
        b'{"msg":' + b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("status", [200, 301, 400, 403, 429, 418, 451, 500, 503])
def test_a_body_that_is_no_object_proves_nothing(status: int, body: bytes):
    assert judge(a_reply(status, body)).fate is Fate.UNKNOWN


def test_every_prefix_of_a_good_answer_proves_nothing():
    whole = json.dumps({"orderId": 22542179, "clientOrderId": "c-1", "status": "NEW"}).encode()

    assert [judge(a_reply(200, whole[:cut])).fate for cut in range(len(whole))] == [Fate.UNKNOWN] * len(whole)
    assert judge(a_reply(200, whole)).fate is Fate.DONE


@pytest.mark.parametrize("code", ["200", 200])
def test_a_positive_code_inside_a_success_is_a_success(code: object):
    assert (
        judge(a_reply(200, {"algoId": 1, "clientAlgoId": "c", "code": code, "msg": "success"})).fate
        is Fate.DONE
    )
