"""Which route takes a request: each rule of the router as a transcript of requests and the routes that took them."""
import pytest

from gateway.routing import plan
from gateway.routing.router import Router

ANSWERS = {-1: "no route", -2: "wrong method"}


def route(name: str, path: str = "/**", host: str = "", methods: str = "", **headers: str) -> plan.Route:
    """Hosts and methods are written with spaces between them, header names with _ for -."""
    fields = tuple((key.replace("_", "-"), value) for key, value in headers.items())
    match = plan.Match(path, tuple(host.split()), tuple(methods.split()), fields)
    return plan.Route(name, match, upstream="u")


class Ask:
    """Requests to a router built of these routes, answered with the route's name."""

    def __init__(self, *routes: plan.Route):
        self.routes = routes
        self.router = Router(routes)

    def __call__(self, path: str, host: str = "h", method: str = "GET", **headers: str) -> str:
        found = self.router.match(host, path, method, {key.replace("_", "-"): value for key, value in headers.items()})
        return ANSWERS[found] if found < 0 else self.routes[found].name

    def captures(self, path: str) -> tuple[str, ...]:
        return self.router.captures_of(self.router.match("h", path, "GET", {}), path)


def test_a_router_without_routes_answers_no_route():
    assert Ask()("/") == "no route"


# Paths

def test_an_exact_path_takes_itself_only():
    ask = Ask(route("orders", "/orders"))
    assert ask("/orders") == "orders"
    assert ask("/orders/") == "no route"
    assert ask("/order") == "no route"
    assert ask("/orders/1") == "no route"
    assert ask("/Orders") == "no route"


def test_a_trailing_slash_counts():
    ask = Ask(route("file", "/a"), route("folder", "/a/"))
    assert ask("/a") == "file"
    assert ask("/a/") == "folder"
    assert ask("/a//") == "no route"


def test_a_prefix_takes_itself_and_everything_below():
    ask = Ask(route("orders", "/orders/**"))
    assert [ask(path) for path in ("/orders", "/orders/", "/orders/1", "/orders/1/2//3")] == ["orders"] * 4
    assert ask("/ordersx") == "no route"
    assert ask("/") == "no route"


def test_a_name_takes_one_segment_that_is_not_empty():
    ask = Ask(route("item", "/items/{id}"))
    assert ask("/items/7") == "item"
    assert ask("/items/") == "no route"
    assert ask("/items/7/") == "no route"
    assert ask("/items") == "no route"


def test_a_literal_comes_before_a_name_and_a_name_before_the_rest():
    ask = Ask(route("rest", "/items/**"), route("item", "/items/{id}"), route("new", "/items/new"))
    assert ask("/items/new") == "new"
    assert ask("/items/7") == "item"
    assert ask("/items/new/now") == "rest"


def test_the_leftmost_difference_decides():
    ask = Ask(route("literal first", "/a/{x}/{y}"), route("name first", "/{x}/b/c"))
    assert ask("/a/b/c") == "literal first"


def test_a_path_that_ends_comes_before_the_rest():
    ask = Ask(route("below", "/a/**"), route("self", "/a"))
    assert ask("/a") == "self"
    assert ask("/a/") == "below"


def test_a_literal_that_leads_nowhere_is_left_for_a_name():
    ask = Ask(route("literal", "/a/b/x"), route("name", "/a/{id}/y"), route("rest", "/a/**"), route("all"))
    assert ask("/a/b/x") == "literal"
    assert ask("/a/b/y") == "name"
    assert ask("/a/b/z") == "rest"
    assert ask("/b") == "all"


def test_an_empty_path_stands_for_the_root():
    assert Ask(route("root", "/"))("") == "root"


def test_only_a_route_for_everything_takes_the_asterisk():
    assert Ask(route("all"))("*", method="OPTIONS") == "all"
    assert Ask(route("one", "/{any}"), route("root", "/"))("*", method="OPTIONS") == "no route"


# Percent-encoding

def test_encoded_unreserved_bytes_are_the_bytes_themselves():
    ask = Ask(route("orders", "/orders/a-b_c~d"))
    assert ask("/%6frders/a%2Db%5fc%7E%64") == "orders"
    assert Ask(route("orders", "/%6frders"))("/orders") == "orders"


def test_an_encoded_slash_is_no_slash():
    ask = Ask(route("two", "/a/b"), route("one", "/{name}"))
    assert ask("/a%2Fb") == "one"
    assert ask("/a/b") == "two"


def test_hex_digits_of_reserved_bytes_compare_without_case():
    ask = Ask(route("slash", "/a%2fb"), route("umlaut", "/%C3%bc"))
    assert ask("/a%2Fb") == ask("/a%2fb") == "slash"
    assert ask("/%c3%BC") == ask("/%C3%Bc") == "umlaut"
    assert ask("/a/b") == "no route"


@pytest.mark.parametrize("path", ["/a%", "/a%4", "/a%4g", "/a%%34", "/%"])
def test_a_broken_escape_is_matched_as_it_stands(path):
    assert Ask(route("a", "/aD"), route("other", "/{x}"))(path) == "other"


# Hosts

def test_hosts_compare_without_case_port_and_final_dot():
    ask = Ask(route("api", host="api.example.com"))
    for host in ("api.example.com", "API.Example.COM", "api.example.com:8443", "Api.example.com.:1"):
        assert ask("/", host) == "api"
    for host in ("", ".", ":80", "example.com", "xapi.example.com", "api.example.com..", "api.example.co"):
        assert ask("/", host) == "no route"


def test_a_suffix_takes_one_label_or_more_before_it():
    ask = Ask(route("any", host="*.example.com"))
    assert ask("/", "a.example.com") == ask("/", "A.b.Example.com.:80") == "any"
    for host in ("example.com", ".example.com", "aexample.com", "example.com.evil.net"):
        assert ask("/", host) == "no route"


def test_the_exact_host_comes_first_then_the_longest_suffix_then_any_host():
    ask = Ask(route("any"), route("com", host="*.com"), route("ours", host="*.example.com"),
              route("api", host="api.example.com"))
    assert ask("/", "api.example.com") == "api"
    assert ask("/", "www.example.com") == "ours"
    assert ask("/", "example.com") == "com"
    assert ask("/", "example.org") == "any"


def test_a_host_without_a_route_for_the_path_falls_back_to_the_less_specific_host():
    ask = Ask(route("health", "/healthz"), route("ours", "/orders", "*.example.com"),
              route("api", "/v1/**", "api.example.com"))
    assert ask("/v1/x", "api.example.com") == "api"
    assert ask("/orders", "api.example.com") == "ours"
    assert ask("/healthz", "api.example.com") == "health"


def test_the_host_decides_before_the_path():
    ask = Ask(route("exact path", "/orders/new"), route("exact host", "/**", "api.example.com"))
    assert ask("/orders/new", "api.example.com") == "exact host"


def test_a_route_hangs_below_each_of_its_hosts():
    ask = Ask(route("both", host="a.test b.test A.test"))
    assert ask("/", "a.test") == ask("/", "b.test") == "both"


def test_an_ipv6_host_keeps_its_brackets():
    ask = Ask(route("v6", host="[::1]"))
    assert ask("/", "[::1]:8080") == ask("/", "[::1]") == "v6"
    assert ask("/", "[::2]:8080") == ask("/", "[::1") == "no route"


# Methods and headers

def test_a_methods_list_comes_before_none():
    ask = Ask(route("read", methods="GET"), route("other"))
    assert ask("/") == "read"
    assert ask("/", method="PUT") == "other"


def test_whoever_takes_get_takes_head():
    ask = Ask(route("get", "/a", methods="GET"), route("post", "/b", methods="POST"))
    assert ask("/a", method="HEAD") == "get"
    assert ask("/b", method="HEAD") == "wrong method"


def test_methods_that_have_no_bit_are_compared_by_text():
    ask = Ask(route("dav", methods="PROPFIND MKCOL GET"))
    assert ask("/", method="PROPFIND") == ask("/", method="MKCOL") == ask("/") == "dav"
    assert ask("/", method="PROPPATCH") == ask("/", method="propfind") == ask("/", method="MKCOLX") == "wrong method"


def test_a_route_without_methods_takes_any():
    assert Ask(route("all"))("/", method="BREW") == "all"


def test_the_wrong_method_gives_way_to_a_less_specific_route():
    ask = Ask(route("new", "/items/new", methods="GET"), route("item", "/items/{id}", methods="PUT"),
              route("rest", "/items/**", methods="DELETE"), route("hosted", "/items/new", "h.test", methods="PATCH"))
    assert [ask("/items/new", "h.test", method) for method in ("PATCH", "GET", "PUT", "DELETE", "POST")] == [
        "hosted", "new", "item", "rest", "wrong method"]


def test_the_refused_request_learns_which_methods_are_taken():
    ask = Ask(route("a", "/a", methods="GET"), route("b", "/{x}", methods="PUT PURGE"),
              route("c", "/c", methods="PATCH"), route("d", "/a", methods="POST", x_beta="1"))
    assert ask.router.allowed_methods("h", "/a", {}) == "GET, HEAD, PURGE, PUT"
    assert ask.router.allowed_methods("h", "/a", {"X-Beta": "1"}) == "GET, HEAD, POST, PURGE, PUT"


def test_a_header_must_have_just_this_value():
    ask = Ask(route("beta", x_beta="yes"), route("all"))
    assert ask("/", X_Beta="yes") == "beta"
    assert ask("/", x_beta="Yes") == ask("/", x_beta="yes ") == ask("/") == "all"


def test_a_star_asks_for_the_header_only():
    ask = Ask(route("signed", authorization="*"), route("all"))
    assert ask("/", authorization="Bearer x") == ask("/", authorization="") == "signed"
    assert ask("/") == "all"


def test_more_header_matches_come_before_fewer_and_methods_before_both():
    ask = Ask(route("one", a="1"), route("two", a="1", b="2"), route("none"), route("method", methods="PUT"))
    assert ask("/", a="1", b="2") == "two"
    assert ask("/", a="1") == "one"
    assert ask("/", b="2") == "none"
    assert ask("/", method="PUT", a="1", b="2") == "method"


def test_routes_told_apart_by_different_headers_keep_their_order():
    ask = Ask(route("d", a="1"), route("c", b="1"), route("b", a="*"), route("a", a="1", b="2"),
              route("e", methods="GET"))
    assert ask("/", method="PUT", a="1", b="2") == "a"
    assert ask("/", method="PUT", a="1", b="1") == "b"
    assert ask("/", method="PUT", b="1") == "c"
    assert ask("/", method="GET", a="1", b="2") == "e"


def test_a_thousand_tenants_on_one_path_are_told_apart_by_a_header():
    tenants = [route(f"t{number}", "/a", methods="GET", x_tenant=f"{number}") for number in range(1_000)]
    ask = Ask(*tenants, route("all"))
    assert [ask("/a", x_tenant=tenant) for tenant in ("0", "999")] == ["t0", "t999"]
    assert [ask("/a", x_tenant=tenant) for tenant in ("1000", "", "9" * 5000)] == ["all"] * 3
    assert ask.router.allowed_methods("h", "/a", {"x-tenant": "7"}) == "GET, HEAD"


def test_a_missing_header_is_not_a_wrong_method():
    ask = Ask(route("beta", methods="PUT", x_beta="1"))
    assert ask("/") == "no route"
    assert ask("/", x_beta="1") == "wrong method"


def test_the_name_decides_last():
    assert Ask(route("b"), route("a"))("/") == Ask(route("a"), route("b"))("/") == "a"


# Captures

def test_captures_are_the_raw_texts_in_the_patterns_order():
    ask = Ask(route("item", "/shops/{shop}/items/{id}"))
    assert ask.captures("/shops/a%2Fb/items/7") == ("a%2Fb", "7")
    assert ask.captures("/%73hops/s/items/%37") == ("s", "%37")


def test_the_tail_is_captured_with_and_without_its_slashes():
    ask = Ask(route("item", "/shops/{shop}/**"))
    assert ask.captures("/shops/s") == ("s", "", "")
    assert ask.captures("/shops/s/") == ("s", "/", "")
    assert ask.captures("/shops/s/x//y") == ("s", "/x//y", "x//y")
    assert ask.captures("/shops/s///x") == ("s", "///x", "x")


def test_a_route_for_everything_captures_the_whole_path():
    ask = Ask(route("all"))
    assert ask.captures("/") == ("/", "")
    assert ask.captures("/a/b") == ("/a/b", "a/b")
    assert ask.captures("*") == ask.captures("") == ("", "")


def test_as_many_captures_as_there_may_be():
    seven = "/{a}/{b}/{c}/{d}/{e}/{f}/{g}"
    assert Ask(route("r", seven + "/**")).captures("/1/2/3/4/5/6/7/8/9") == (*"1234567", "/8/9", "8/9")
    assert Ask(route("r", seven + "/{h}")).captures("/1/2/3/4/5/6/7/8") == (*"12345678",)


def test_captures_of_a_route_that_is_not_there_are_an_error():
    router = Router((route("all"),))
    for index in (-1, 1):
        with pytest.raises(IndexError, match=f"no route {index}"):
            router.captures_of(index, "/")


# Hostile and large

def test_more_segments_than_any_pattern_are_left_to_the_rest():
    ask = Ask(route("deep", "/a" * 64), route("rest", "/a/**"))
    assert ask("/a" * 64) == "deep"
    assert ask("/a" * 65) == ask("/a" * 63) == ask("/a" * 20_000) == ask("/a" + "/" * 20_000) == "rest"


def test_long_hosts_and_segments_match_nothing_by_accident():
    ask = Ask(route("suffix", host="*.test"), route("exact", "/" + "x" * 255), route("any", "/{x}"))
    assert ask("/", "a" * 248 + ".test") == "suffix"
    assert ask("/y", "a." * 4000 + "test") == ask("/y", "." * 8000) == ask("/y", "a" * 249 + ".test") == "any"
    assert ask("/" + "x" * 255) == ask("/" + "%78" * 255) == "exact"
    assert ask("/" + "x" * 256) == ask("/" + "%78" * 256) == ask("/" + "%2F" * 256) == "any"


def test_as_many_long_escaped_segments_as_are_kept_fit():
    ask = Ask(route("deep", "/{a}" + "/a" * 63), route("rest"))
    assert ask(("/" + "%2F" * 86) * 64) == ask(("/" + "%2F" * 85) * 64) == "rest"
    assert ask("/" + "%2F" * 86 + "/%61" * 63) == ask("/" + "%2F" * 85 + "/%61" * 63) == "deep"


def test_every_label_of_a_longest_host_may_be_a_suffix():
    labels = ["a"] * 127
    routes = [route(f"{count}", host="*." + ".".join(labels[:count])) for count in range(1, 127)]
    ask = Ask(*routes, route("exact", host=".".join(labels)))
    assert ask("/", ".".join(labels)) == "exact"
    assert ask("/", "b." + ".".join(labels[:126])) == "126"
    assert ask("/", "b.a") == "1"


def test_nul_and_high_bytes_are_bytes_like_any_other():
    ask = Ask(route("a", "/a"), route("any", "/{x}"), route("host", "/a", "a.test"))
    assert ask("/a\0") == ask("/\0a") == ask("/\xff") == ask("/%00") == "any"
    assert ask("/a", "a.test\0") == ask("/a", "\0.test") == "a"


def test_ten_thousand_routes_are_told_apart():
    ask = Ask(*(route(f"{number}", f"/s{number % 100}/{{id}}/r{number}") for number in range(10_000)))
    for number in (0, 1, 4_711, 9_999):
        assert ask(f"/s{number % 100}/x/r{number}") == f"{number}"
    assert ask("/s1/x/r2") == "no route"


def test_a_router_says_how_large_it_is():
    router = Router((route("a", "/a/{x}"), route("b", "/a", "b.test")))
    assert router.snapshot() == {"routes": 2, "nodes": 5, "edges": 3, "slots": 8}
    assert repr(router) == f"<Router {router.snapshot()}>"


def test_a_pattern_that_config_should_have_refused_is_an_error():
    with pytest.raises(ValueError, match="must start with"):
        Router((route("bad", "orders"),))
    with pytest.raises(ValueError, match="without its port"):
        Router((route("bad", host="a.test:80"),))
