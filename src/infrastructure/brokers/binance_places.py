"""Where Binance can be reached: the exchange itself, and its demo venue. Source: USDⓈ-M general information."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """Roots of the REST API, of the streams and of the spot exchange, without paths.

    The spot exchange alone knows what a key may do; None where there is nobody to ask.
    """

    rest_url: str
    ws_url: str
    spot_url: str | None

    @property
    def host(self) -> str:
        """The REST API's host, fit for the name of a file."""
        return self.rest_url.split("//", 1)[-1].replace(":", "-")


MAINNET: Final = Place("https://fapi.binance.com", "wss://fstream.binance.com", "https://api.binance.com")
DEMO: Final = Place("https://demo-fapi.binance.com", "wss://fstream.binancefuture.com", None)


def local_place(rest_url: str) -> Place:
    """An exchange that speaks all of it at one address, as the local one does."""
    rest_url = rest_url.rstrip("/")
    return Place(rest_url, "ws" + rest_url.removeprefix("http"), rest_url)


def place_at(rest_url: str) -> Place:
    """The place of a REST root: one of Binance's, whose streams are elsewhere, or an exchange at one address."""
    known = {place.rest_url: place for place in (MAINNET, DEMO)}
    return known.get(rest_url.rstrip("/")) or local_place(rest_url)
