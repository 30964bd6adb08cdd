"""Which of Binance's answers mean that an order certainly does not exist.

Only codes on this list are a refusal; everything else leaves the outcome unknown, whatever its text says. A
duplicate client id (-4116) is the opposite of a refusal: an order with that id exists. Codes are compared, texts
are not: "codes are universal, but messages can vary". Source: the USDⓈ-M error-code page.
"""

from typing import Final

from src.domain.orders.news import OutcomeUnknown, Refused

DUPLICATE_CLIENT_ORDER_ID: Final = -4116
NO_SUCH_ORDER: Final = -2013
NO_SUCH_SYMBOL: Final = -1121
NOT_THERE: Final = frozenset({NO_SUCH_ORDER, NO_SUCH_SYMBOL})
"""Answers to a question about one order that mean: there is none. A symbol may have been delisted."""
NOT_IN_TIME: Final = frozenset({-1021, -5028})
"""The request came too late, or was signed with another time than the exchange's."""
MARGIN_TYPE_IS_SET: Final = -4046
POSITION_MODE_IS_SET: Final = -4059

REFUSALS: Final = frozenset(
    {
        # The gateway turned the request away.
        *(-1003, -1008, -1015, -1021, -1022, -2014, -2015),
        # It could not be read.
        *(-1100, -1101, -1102, -1104, -1105, -1106, -1111, -1115, -1116, -1117, NO_SUCH_SYMBOL, -1130),
        # The account may not, or cannot afford it.
        *(-2007, -2010, -2018, -2019, -2020, -2021, -2022, -2023, -2024, -2025, -2026, -2027, -2028),
        *(-4045, -4050, -4051, -4087, -4088, -4109, -4118, -4140, -4141, -4400, -4401, -4509),
        # The symbol takes nothing that opens or adds to a position (the filter POSITION_RISK_CONTROL).
        *(-4105, -4106, -4107),
        # A filter of the symbol, or a parameter that does not fit.
        *(-4001, -4002, -4003, -4004, -4005, -4013, -4014, -4015, -4016, -4023, -4024),
        *(-4060, -4061, -4062, -4120, -4130, -4131, -4135, -4136, -4137, -4138, -4142, -4164, -4183, -4184),
        *(-4210, -4211, -5021, -5022, -5028, -5037, -5038, -5039, -5040, -5041),
    }
)


def outcome_of_error(client_order_id: str, code: int, message: str) -> Refused | OutcomeUnknown:
    """What an error with this code says about the attempt that it answers."""
    if code in REFUSALS:
        return Refused(client_order_id, code, message)
    return OutcomeUnknown(client_order_id, f"{message} ({code})")
