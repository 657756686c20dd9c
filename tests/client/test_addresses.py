"""Addresses behind proxies: what counts, what never does, and that every result is an address."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_client.addresses import client_address, limited_as, valid_address

PEER = "192.0.2.9"


@pytest.mark.parametrize(
    ("forwarded_for", "trusted", "address"),
    [
        ("203.0.113.1", 1, "203.0.113.1"),
        ("203.0.113.1", 0, PEER),
        ("203.0.113.1", -1, PEER),
        ("6.6.6.6, 203.0.113.1", 1, "203.0.113.1"),
        ("203.0.113.1, 10.0.0.1", 2, "203.0.113.1"),
        ("10.0.0.1", 2, PEER),
        ("", 1, PEER),
        (" , ,203.0.113.1 ,", 1, "203.0.113.1"),
        ("203.0.113.1:4711", 1, "203.0.113.1"),
        ("2001:DB8:0::1", 1, "2001:db8::1"),
        ("[2001:db8::1]", 1, "2001:db8::1"),
        ("[2001:db8::1]:4711", 1, "2001:db8::1"),
        ('"[2001:db8::1]:4711"', 1, "2001:db8::1"),
        ("fe80::1%eth0", 1, "fe80::1"),
        ("[fe80::1%eth0]:80", 1, "fe80::1"),
        ("::ffff:203.0.113.1", 1, "203.0.113.1"),
        ("unknown", 1, PEER),
        ("_hidden", 1, PEER),
        ("unix:", 1, PEER),
        ("203.0.113.1:port", 1, PEER),
        ("203.0.113.999", 1, PEER),
        ("203.0.113.01", 1, PEER),
        ("for=203.0.113.1", 1, PEER),
        ("[2001:db8::1", 1, PEER),
        ("no address, however long" + "x" * 300, 1, PEER),
        ("1\u0662.0.0.1", 1, PEER),
    ],
)
def test_as_many_entries_count_as_there_are_trusted_proxies(forwarded_for: str, trusted: int, address: str) -> None:
    """What a client wrote in front of them does not, and what is no address is not taken for one."""
    assert client_address(forwarded_for, PEER, trusted) == address


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ("192.0.2.9:50", "192.0.2.9"),
        ("::1", "::1"),
        ("", None),
        (None, None),
        ("/run/console.sock", None),
        ("testclient", None),
        ("unknown", None),
    ],
)
def test_a_peer_without_an_address_has_none(peer: str | None, address: str | None) -> None:
    """A Unix socket, or a server that took a proxy's word for it."""
    assert client_address("", peer, 1) == address


@pytest.mark.parametrize(
    ("address", "limited"),
    [
        ("203.0.113.1", "203.0.113.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_an_ipv6_network_counts_as_one(address: str, limited: str) -> None:
    """A subscriber has a /64 and would otherwise have as many limits as they like."""
    assert limited_as(address) == limited


@given(st.text(max_size=120), st.text(max_size=60), st.integers(0, 4))
def test_whatever_is_sent_the_result_is_an_address_or_none(forwarded_for: str, peer: str, trusted: int) -> None:
    """The audit's column takes nothing else, and an error would be one of every sign-in and change."""
    address = client_address(forwarded_for, peer, trusted)
    assert address is None or str(ipaddress.ip_address(address)) == address == valid_address(address)
