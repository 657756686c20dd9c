"""Client addresses behind proxies: the one rule for the client's middlewares, the console, and their logs."""

import ipaddress
import re

# With a port, as some proxies append it; IPv6 then stands in brackets, and in quotes where Forwarded was copied.
_WITH_PORT = re.compile(r'^"?(?:\[([^\]]+)\]|([0-9.]+))(?::\d{1,5})?"?$')
_LONGEST = 100


def client_address(forwarded_for: str, peer: str | None, trusted_proxies: int) -> str | None:
    """The address of whoever sent a request; None where it is not known.

    `forwarded_for` is all of X-Forwarded-For. With N trusted proxies, which each append what they saw, its Nth entry
    from the right counts; what stands before it came from the client. Without trusted proxies, with too few entries, or
    where that entry is no address (`unknown`), the peer's address counts. A Unix socket has none.
    """
    entries = [entry for part in forwarded_for.split(",") if (entry := part.strip())]
    if trusted_proxies > 0 and len(entries) >= trusted_proxies:
        seen = valid_address(entries[-trusted_proxies])
        if seen is not None:
            return seen
    return valid_address(peer or "")


def valid_address(text: str) -> str | None:
    """The IP address in its canonical form, without port, brackets and zone; None where `text` is none.

    PostgreSQL's `inet` takes every result.
    """
    if len(text) > _LONGEST:
        return None
    found = _WITH_PORT.match(text)
    bare = (found[1] or found[2]) if found else text
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def limited_as(address: str) -> str:
    """What an address counts as in a limit: for IPv6 its /64 network, which one subscriber has all of."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else address
