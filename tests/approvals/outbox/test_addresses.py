"""Which URLs and addresses the portal may connect to."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.outbox.addresses import DeliveryRefused, is_public, read_address, read_url, require_allowed

CLOSED = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "::/96", "fc00::/7", "fe80::/10",
    "fec0::/10", "ff00::/8", "100::/64", "2001::/32", "2001:2::/48", "2001:10::/28", "2001:db8::/32", "2002::/16",
    "3fff::/20", "5f00::/16", "64:ff9b:1::/48",
]  # fmt: skip


@pytest.mark.parametrize("network", CLOSED)
@given(data=st.data())
def test_no_address_of_a_closed_network_is_public(network, data):
    closed = ip_network(network)
    offset = data.draw(st.integers(0, closed.num_addresses - 1))
    address = closed[offset]
    assert not is_public(address)
    if address.version == 4:
        assert not is_public(IPv6Address(f"::ffff:{address}"))
        assert not is_public(IPv6Address(int(IPv6Address("64:ff9b::")) | int(address)))
        assert not is_public(IPv6Address((0x2002 << 112) | (int(address) << 80) | 1))


@given(st.ip_addresses())
def test_nothing_is_public_that_python_calls_private(address):
    if is_public(address) and address not in IPv6Network("64:ff9b::/96"):
        assert address.is_global
        assert not address.is_multicast


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.32.0.1", "2606:4700::1111", "2a00:1450::1",
     "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
)  # fmt: skip
def test_ordinary_hosts_are_public(address):
    assert is_public(ip_address(address))


def test_allowed_networks_open_exactly_themselves():
    networks = [IPv4Network("10.1.0.0/16"), IPv6Network("fd00::/8")]
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1"):
        require_allowed("http", ip_address(address), networks)
        require_allowed("https", ip_address(address), networks)
    for address in ("10.2.0.1", "127.0.0.1", "fe80::1", "64:ff9b::10.1.2.3", "2002:a01:203::1"):
        with pytest.raises(DeliveryRefused, match="not on the public Internet"):
            require_allowed("https", ip_address(address), networks)


def test_the_public_internet_wants_https():
    require_allowed("https", IPv4Address("8.8.8.8"), [])
    with pytest.raises(DeliveryRefused, match="only https"):
        require_allowed("http", IPv4Address("8.8.8.8"), [])


def test_resolved_addresses_are_read_without_zone_and_mapping():
    assert read_address("fe80::1%eth0") == IPv6Address("fe80::1")
    assert read_address("::ffff:127.0.0.1") == IPv4Address("127.0.0.1")


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://Hooks.Example.com", ("https", "hooks.example.com", 443, "/", "hooks.example.com")),
        ("https://a.example:8443/x?y=1#z", ("https", "a.example", 8443, "/x?y=1", "a.example:8443")),
        ("http://127.0.0.1:80/", ("http", "127.0.0.1", 80, "/", "127.0.0.1")),
        ("https://[2606:4700::1111]:9/", ("https", "2606:4700::1111", 9, "/", "[2606:4700::1111]:9")),
        ("https://xn--bcher-kva.example/?", ("https", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example")),
    ],
)
def test_urls_are_taken_apart(url, parts):
    target = read_url(url)
    assert (target.scheme, target.host, target.port, target.path, target.authority) == parts


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "//example.com", "https:example.com", "https://", "https:///x", "ftp://example.com",
        "file:///etc/passwd", "gopher://example.com", "javascript:alert(1)",
        "https://user@example.com", "https://user:pw@example.com", "https://example.com@127.0.0.1/",
        "https://example.com:0/", "https://example.com:65536/", "https://example.com:/", "https://example.com:8x/",
        "https://example.com:-1/", "https://example.com:٣/", "https://example.com./", "https://.example.com/",
        "https://a..b/", "https://-a.example/", "https://" + "a" * 64 + ".example/", "https://" + "a." * 127 + "aa/",
        "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://0177.0.0.1/", "https://127.1/",
        "https://127.0.0.01/", "https://1.2.3.4.5/", "https://256.1.1.1/", "https://127.0.0.0x1/", "https://a.0x/",
        "https://①②⑦.0.0.1/", "https://bücher.example/", "https://example。com/",
        "https://[::1]evil.example/", "https://evil.example[::1]/", "https://[::1", "https://[fe80::1%25eth0]/",
        "https://[127.0.0.1]/", "https://[v1.x]/", "https://[]/",
        "https://a.example\\@127.0.0.1/", "https://a.example/\r\nHost: b", "https://a.example/ x", "https://a.example/\t",
        " https://a.example/", "https://a%2eexample/", "https://a.example/" + "x" * 2048,
    ],
)  # fmt: skip
def test_ambiguous_urls_are_refused(url):
    with pytest.raises(DeliveryRefused) as refused:
        read_url(url)
    assert refused.value.reason.endswith(".")


@given(st.text())
def test_any_text_is_taken_apart_or_refused(text):
    for url in (text, f"https://{text}", f"https://example.com{text}"):
        try:
            target = read_url(url)
        except DeliveryRefused:
            continue
        assert read_url(f"{target.scheme}://{target.authority}{target.path}") == target
