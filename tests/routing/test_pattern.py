"""The syntax of paths and hosts in a match, and which routes get into each other's way."""
import pytest

from gateway.model import address
from gateway.routing import pattern, plan


def test_a_pattern_knows_its_segments_names_and_tail():
    made = pattern.compile_pattern("/Shops/{shop}/items/{item_2}/**")
    assert made.segments == ("Shops", None, "items", None)
    assert made.names == ("shop", "item_2")
    assert made.tail
    assert made.captures == 4


def test_the_smallest_patterns():
    assert pattern.compile_pattern("/").segments == ("",)
    assert pattern.compile_pattern("/**").segments == ()
    assert pattern.compile_pattern("/a/").segments == ("a", "")


def test_literals_are_normalised_as_requests_are():
    assert pattern.compile_pattern("/%6frders/%2fx/%7e").segments == ("orders", "%2Fx", "~")
    assert pattern.normalise("/%41%2d%2D%3a%C3%bc%4g%") == "/A--%3A%C3%BC%4g%"


def test_names_make_no_difference_to_the_shape():
    assert pattern.compile_pattern("/a/{x}").shape == pattern.compile_pattern("/%61/{y}").shape
    assert pattern.compile_pattern("/a/{x}").shape != pattern.compile_pattern("/a/{x}/**").shape


@pytest.mark.parametrize(("path", "says"), [
    ("orders/**", "must start with `/`: write `/orders/\\*\\*`"),
    ("", "must start with"),
    ("/a/**/b", "a final `\\*\\*` for everything that follows"),
    ("/a/*", "write `{name}` for one segment"),
    ("/a/b**", "write `{name}` for one segment"),
    ("/{id}/x/{id}", "`{id}` stands in the path twice"),
    ("/{Id}", "a name is made of a-z"),
    ("/{}", "a name is made of a-z"),
    ("/{9a}", "a name is made of a-z"),
    ("/v{id}", "must be a whole segment"),
    ("/{id}.json", "must be a whole segment"),
    ("/{a}{b}", "a name is made of"),
    ("/a?b=c", "percent-encode"),
    ("/a b", "percent-encode"),
    ("/ä", "percent-encode"),
    ("/%zz", "percent-encode"),
    ("/a\n", "percent-encode"),
    ("/a/../b", "may not have `.` or `..` segments"),
    ("/%2e", "may not have `.` or `..` segments"),
    ("/" + "x" * 256, "at most 255 bytes"),
    ("/a" * 65, "at most 64 segments, this one has 65"),
    ("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/**", "at most 8"),
])
def test_a_faulty_path_is_refused_with_what_to_write(path, says):
    with pytest.raises(ValueError, match=says):
        pattern.compile_pattern(path)


def test_the_largest_pattern_is_taken():
    assert pattern.compile_pattern("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/**").captures == 9
    assert len(pattern.compile_pattern("/a" * 64 + "/**").segments) == 64
    assert pattern.compile_pattern("/" + "%78" * 255).segments == ("x" * 255,)


def test_hosts_are_read_without_case_and_final_dot():
    assert pattern.compile_host("API.Example.com.") == (False, "api.example.com")
    assert pattern.compile_host("*.Example.com") == (True, "example.com")
    assert pattern.compile_host("xn--bcher-kva.test") == (False, "xn--bcher-kva.test")
    assert pattern.compile_host("[::1]") == (False, "[::1]")


@pytest.mark.parametrize("host", [
    "a.test", "A.Test.", "*.a.test", "*.a.test.", "a_b.test", "127.0.0.1", "*.com", "x" * 63 + ".test",
    "*." + "a." * 120 + "a", "[::1]", "[FE80::1]", "[::ffff:1.2.3.4]", "[fe80::1%eth0]", "*.[::1]",
])
def test_whatever_host_the_config_lets_through_the_router_takes(host):
    assert pattern.compile_host(address.host_pattern(host))


@pytest.mark.parametrize(("host", "says"), [
    ("", "not a host name"), ("*", "leave `host` out for any host"), ("*.", "not a host name"),
    ("a.*.test", "a `\\*` may only stand first"), ("*a.test", "a `\\*` may only stand first"),
    ("a.test:80", "without its port; write `a.test`"), ("http://a.test", "without its port"),
    ("a..test", "not a host name"), ("büro.test", "punycode"), ("a/b", "not a host name"),
    (".".join(["a" * 63] * 4), "not a host name"), ("a.test\n", "not a host name"),
])
def test_a_faulty_host_is_refused_with_what_to_write(host, says):
    with pytest.raises(ValueError, match=says):
        pattern.compile_host(host)


def conflicts(*matches: plan.Match) -> list[tuple[int, int]]:
    return pattern.conflicts([plan.Route(f"r{number}", match) for number, match in enumerate(matches)])


def test_routes_that_take_just_the_same_requests_conflict():
    assert conflicts(plan.Match("/a/{x}"), plan.Match("/a/b"), plan.Match("/%61/{y}")) == [(0, 2)]
    assert conflicts(plan.Match(hosts=("a.test",)), plan.Match(hosts=("A.test.",))) == [(0, 1)]
    assert conflicts(plan.Match(methods=("GET",)), plan.Match(methods=("HEAD", "GET"))) == [(0, 1)]
    headers = ("a", "1"), ("b", "*")
    assert conflicts(plan.Match(headers=headers), plan.Match(headers=headers[::-1])) == [(0, 1)]


def test_one_host_in_common_is_a_conflict_told_once():
    three, two = plan.Match(hosts=("a.test", "b.test", "c.test")), plan.Match(hosts=("c.test", "b.test"))
    assert conflicts(three, two) == [(0, 1)]


def test_three_alike_are_two_conflicts_with_the_first():
    assert conflicts(*[plan.Match("/a")] * 3) == [(0, 1), (0, 2)]


def test_routes_that_the_order_of_specificity_tells_apart_do_not_conflict():
    assert conflicts(plan.Match(), plan.Match(hosts=("a.test",)), plan.Match(hosts=("*.a.test",)),
                     plan.Match("/a"), plan.Match("/a/"), plan.Match("/a/**"), plan.Match("/{x}"), plan.Match("/a%2Fb"),
                     plan.Match(methods=("GET",)), plan.Match(methods=("HEAD",)),
                     plan.Match(headers=(("a", "1"),)), plan.Match(headers=(("a", "2"),))) == []
