"""Buckets of players' networks."""

import pytest

from streaming_system.tracker.ingest.player_networks import NETWORK_BUCKETS, network_bucket

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("address", "neighbour"),
    [
        ("192.0.2.1", "192.0.2.254"),
        ("192.0.2.1", "::ffff:192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:ffff::1"),
    ],
)
def test_addresses_of_one_network_have_one_bucket(address, neighbour):
    assert network_bucket(address, KEY) == network_bucket(neighbour, KEY)


def test_other_networks_have_other_buckets():
    addresses = [f"192.0.{number}.1" for number in range(10)]
    addresses += [f"2001:db8:{number}::1" for number in range(10)]

    assert len({network_bucket(address, KEY) for address in addresses}) >= 19


def test_many_networks_share_a_bucket():
    buckets = {network_bucket(f"10.{a}.{b}.1", KEY) for a in range(100) for b in range(100)}

    assert len(buckets) <= NETWORK_BUCKETS
    assert buckets <= set(range(NETWORK_BUCKETS))


def test_bucket_depends_on_the_key():
    addresses = [f"192.0.{number}.1" for number in range(10)]

    assert [network_bucket(a, KEY) for a in addresses] != [
        network_bucket(a, b"x" * 32) for a in addresses
    ]


@pytest.mark.parametrize("address", [None, "", "unix:", "192.0.2"])
def test_unknown_address_has_no_bucket(address):
    assert network_bucket(address, KEY) is None
