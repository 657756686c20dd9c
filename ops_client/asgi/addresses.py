"""Where a request comes from, and what of it is limited as one."""

import ipaddress
import re

from ops_client.asgi.types import Scope

_PORT = re.compile(r"^(?:\[(.+)\]|([0-9.]+))(?::\d+)?$")  # some proxies tell the port as well


def client_address(scope: Scope, trusted_proxies: int = 0) -> str:
    """The peer's address, or what the outermost trusted proxy saw where that is an address."""
    forwarded = [part.strip() for part in header(scope, b"x-forwarded-for").split(",") if part.strip()]
    if trusted_proxies and len(forwarded) >= trusted_proxies:
        seen = _PORT.sub(r"\1\2", forwarded[-trusted_proxies])
        if _ip(seen) is not None:
            return seen
    peer = scope.get("client")
    return str(peer[0]) if peer else "unknown"


def limited_address(address: str) -> str:
    """What an address is limited as: of IPv6 the network of 64 bits, since who has one address has all of it."""
    ip = _ip(address)
    if not isinstance(ip, ipaddress.IPv6Address):
        return address
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None


def header(scope: Scope, name: bytes) -> str:
    """All values of a header, as one."""
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return ",".join(values)
