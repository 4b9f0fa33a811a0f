"""What an IP address alone tells: whether it is meant for inside use. Knows no host and no domain."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

_INSIDE = tuple(
    ipaddress.ip_network(n)
    for n in (
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # RFC 6598
        "169.254.0.0/16",  # RFC 3927
        "127.0.0.0/8",
        "fc00::/7",  # RFC 4193
        "fe80::/10",
        "::1/128",
    )
)


@lru_cache(maxsize=65536)
def is_address(text: str) -> bool:
    """Whether this is an IP address, and no name of a host or a file."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=65536)
def is_private(address: str) -> bool:
    """Whether no packet from elsewhere can reach the address: RFC 1918, 6598, 3927, 4193, loopback.

    Documentation addresses (RFC 5737) count as public: people write examples and labs with them.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed.version == network.version and parsed in network for network in _INSIDE)
