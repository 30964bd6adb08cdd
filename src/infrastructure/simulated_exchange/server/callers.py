"""Who may use what needs no signature: programs, and pages of this machine, but no page of the web.

A browser lets any page send requests to this machine. It says where the page is from (Origin), unless the page's own
name leads here, which the Host then is. Programs send no Origin, and the name or address by which they know the server.
"""

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web


def is_foreign(request: web.BaseRequest, own_host: str) -> bool:
    """Whether a request came for another host than this machine, or from a page that another one served."""
    return not all(
        (
            *(_is_here(f"//{host}", own_host) for host in request.headers.getall("Host", ())),
            *(_is_here(origin, own_host) for origin in request.headers.getall("Origin", ())),
        )
    )


def _is_here(url: str, own_host: str) -> bool:
    """Whether a URL's host is the loopback interface, or what the server is bound to."""
    try:
        host = urlsplit(url).hostname
        return host in ("localhost", own_host) or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
