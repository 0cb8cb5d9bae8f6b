"""Request targets and hosts."""
import pytest
from http_messages import HOST, accepted, message, refusal, request


def of_target(target: str) -> str:
    return refusal(request(line=f"GET {target} HTTP/1.1"))


@pytest.mark.parametrize(("target", "path", "query"), [
    ("/", "/", ""),
    ("/a/b?x=1?y", "/a/b", "?x=1?y"),
    ("/?", "/", "?"),
    ("//double//slash/", "//double//slash/", ""),
    ("/a;v=1/b,c:d@e!$&'()*+=~_-.", "/a;v=1/b,c:d@e!$&'()*+=~_-.", ""),
    ("/%41%2f%C3%A9%0a", "/%41%2f%C3%A9%0a", ""),
])
def test_a_path_and_its_query_are_found_and_left_as_they_are(target: str, path: str, query: str) -> None:
    head = accepted(request(line=f"GET {target} HTTP/1.1"))
    assert (head.target, head.form, head.path, head.query) == (target, "origin", path, query)


@pytest.mark.parametrize("octet", [*"\"<>\\^`{|}[]#", "\t", "\x00", "\x7f", "\x80", "é"])
def test_what_rfc_3986_does_not_allow_in_a_path_is_refused(octet: str) -> None:
    assert of_target(f"/a{octet}b") == "BAD_TARGET"


@pytest.mark.parametrize("octet", "[]|{}^`\"<>\\#%")
def test_a_query_may_hold_any_visible_ascii(octet: str) -> None:
    assert accepted(request(line=f"GET /?a{octet}b HTTP/1.1")).query == f"?a{octet}b"


@pytest.mark.parametrize("octet", ["\t", "\x00", "\x1f", "\x7f", "\x80", "é"])
def test_control_octets_and_raw_non_ascii_are_refused_in_a_query_too(octet: str) -> None:
    assert of_target(f"/?a{octet}b") == "BAD_TARGET"


@pytest.mark.parametrize("path", ["/%", "/%4", "/%zz", "/%4g/", "/a%", "/%00", "/a%00b"])
def test_a_percent_encoding_in_a_path_is_whole_and_never_nul(path: str) -> None:
    assert of_target(path) == "BAD_TARGET"


@pytest.mark.parametrize("path", ["/.", "/..", "/./", "/../", "/a/./b", "/a/../b", "/a/..", "/%2e", "/a/%2E%2e/b",
                                  "/.%2e/", "/..;/b", "/.;x=1", "/..%2fb", "/a%2f..", "/a%5C.%2e/b", "/..%5cb",
                                  "/..?x"])
def test_dot_segments_are_refused_however_they_are_written(path: str) -> None:
    assert of_target(path) == "BAD_TARGET"


@pytest.mark.parametrize("path", ["/...", "/.a", "/a.", "/..a/", "/a..", "/.well-known/x", "/a/...;/", "/%2ea",
                                  "/a%2fb", "/?/../"])
def test_dots_that_are_no_segment_of_their_own_pass(path: str) -> None:
    assert of_target(path) == "accepted"


@pytest.mark.parametrize("target", ["a", "a/b", "?x", "", "**", "*/", "http:", "http:/a", "ftp://example.com/",
                                    "example.com:80", "http://", "http:///a", "http://?a"])
def test_a_target_of_another_form_is_refused(target: str) -> None:
    assert of_target(target) == "BAD_TARGET"


def test_the_asterisk_is_for_options_only() -> None:
    assert accepted(request(line="OPTIONS * HTTP/1.1")).form == "asterisk"
    assert of_target("*") == "BAD_TARGET"


@pytest.mark.parametrize(("target", "path", "query"), [
    ("http://example.com/a?b", "/a", "?b"),
    ("HTTPS://EXAMPLE.com/a", "/a", ""),
    ("http://example.com", "", ""),
    ("http://example.com?b", "", "?b"),
])
def test_an_absolute_target_names_the_host_again(target: str, path: str, query: str) -> None:
    head = accepted(request(line=f"GET {target} HTTP/1.1"))
    assert (head.form, head.path, head.query, head.host) == ("absolute", path, query, "example.com")


@pytest.mark.parametrize("target", ["http://example.org/", "http://example.com:80/", "http://example.co/"])
def test_an_absolute_target_unlike_host_is_refused(target: str) -> None:
    assert of_target(target) == "BAD_HOST"


def test_user_information_in_a_target_is_refused() -> None:
    assert of_target("http://me:secret@example.com/") == "BAD_TARGET"


def test_an_absolute_target_of_http_1_0_stands_for_host() -> None:
    head = accepted(message("GET http://example.com:81/ HTTP/1.0"))
    assert (head.host, head.host_name) == ("example.com:81", "example.com")


@pytest.mark.parametrize(("value", "name"), [
    ("example.com", "example.com"), ("example.com:8080", "example.com"), ("127.0.0.1:1", "127.0.0.1"),
    ("[::1]", "[::1]"), ("[2001:db8::1]:443", "[2001:db8::1]"), ("[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]"),
    ("a_b~c-d.x:65535", "a_b~c-d.x"), ("example.com:", "example.com"), ("xn--a.b", "xn--a.b"),
])
def test_a_host_is_a_name_or_an_address_and_perhaps_a_port(value: str, name: str) -> None:
    head = accepted(message("GET / HTTP/1.1", f"Host: {value}"))
    assert (head.host, head.host_name) == (value, name)


@pytest.mark.parametrize("value", ["", ":80", "a:b", "a:65536", "a:000080", "a b", "a,b", "a/b", "a@b", "a%41", "a:1:2",
                                   "[::1", "::1", "[]", "[1]", "[::1]x", "[::1%25eth0]", "[v1.a]", "[" + "1" * 60 + "]",
                                   "é.example", "a?", "a#", "a\\b", "[::g]", "http://a"])
def test_a_malformed_host_is_refused(value: str) -> None:
    assert refusal(message("GET / HTTP/1.1", f"Host: {value}")) == "BAD_HOST"


def test_http_1_1_needs_host_exactly_once() -> None:
    assert refusal(message("GET / HTTP/1.1")) == "BAD_HOST"
    assert refusal(message("GET / HTTP/1.1", HOST, HOST)) == "BAD_HOST"


def test_http_1_0_may_leave_host_out_but_not_repeat_it() -> None:
    assert accepted(message("GET / HTTP/1.0")).host == ""
    assert refusal(message("GET / HTTP/1.0", HOST, HOST)) == "BAD_HOST"
