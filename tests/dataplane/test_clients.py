"""Which client a request is from: its address and the keyed hash that limits, rules and the recorder know it by."""
from gateway.dataplane.clients import Clients
from gateway.dataplane.trusted import TrustedProxies

SEED = (1, 2)


def clients(seed=SEED):
    return Clients(TrustedProxies(()), seed)


def test_an_ipv4_client_is_known_by_its_mapped_address():
    client = clients().of("192.0.2.7")
    assert (client.high, client.low) == (0, 0xFFFF_C000_0207)
    mapped = clients().of("::ffff:192.0.2.7")
    assert (mapped.high, mapped.low, mapped.key) == (client.high, client.low, client.key)


def test_an_ipv6_client_is_known_by_its_whole_address():
    client = clients().of("2001:db8::1")
    assert (client.high, client.low) == (0x2001_0DB8_0000_0000, 1)


def test_a_client_without_an_address_has_a_key_too():
    assert clients().of("").key != 0


def test_keys_differ_by_address_and_by_the_seed_of_the_boot():
    assert clients().of("192.0.2.7").key != clients().of("192.0.2.8").key
    assert clients().of("192.0.2.7").key != clients((3, 4)).of("192.0.2.7").key
    assert clients().of("192.0.2.7").key == clients().of("192.0.2.7").key
