"""Scenes of amendments: an order that rests, and the wish to have it otherwise."""

from decimal import Decimal

from src.domain.decisions.news import RequestModify
from tests.support.domain_scene import Scene


def resting(scene: Scene, **changes):
    order = scene.place(**({"limit_price": 99, "quantity": 2} | changes))
    scene.accept(order)
    return order


def request(scene: Scene, order, price=None, quantity=None):
    new_price = None if price is None else Decimal(price)
    new_quantity = None if quantity is None else Decimal(quantity)
    return scene.decide(RequestModify(order.client_order_id, new_price, new_quantity, "by hand"))
