"""What rewrites and redirects make of a path, and which templates are refused."""
import pytest

from gateway.routing import plan, template
from gateway.routing.router import Router


def rewritten(path: str, by: str, of: str) -> str:
    """The path `of` a request, after the route for `path` captured it and the template `by` was filled in."""
    router = Router((plan.Route("r", plan.Match(path)),))
    assert router.match("h", of, "GET", {}) == 0
    made = template.compile_template(by, template.compile_pattern(path))
    captures = [text.encode("latin-1") for text in router.captures_of(0, of)]
    return b"".join(captures[piece] if isinstance(piece, int) else piece for piece in made).decode("latin-1")


@pytest.mark.parametrize(("of", "is_now"), [
    ("/old", "/new"), ("/old/", "/new/"), ("/old/x", "/new/x"), ("/old/x//y/", "/new/x//y/"),
    ("/%6fld/a%2Fb", "/new/a%2Fb"),
])
def test_a_prefix_is_replaced(of, is_now):
    assert rewritten("/old/**", "/new/**", of) == is_now


@pytest.mark.parametrize(("of", "is_now"), [("/old", "/"), ("/old/", "/"), ("/old/x", "/x")])
def test_a_prefix_is_stripped(of, is_now):
    assert rewritten("/old/**", "/**", of) == is_now


def test_names_may_change_their_places():
    assert rewritten("/shops/{shop}/items/{id}", "/{id}/of-{shop}.html", "/shops/7/items/a%20b") == "/a%20b/of-7.html"


def test_a_template_may_leave_captures_out_or_use_them_twice():
    assert rewritten("/{a}/{b}/**", "/{b}/{b}", "/1/2/3") == "/2/2"
    assert rewritten("/{a}/**", "/fixed", "/1/2/3") == "/fixed"


def test_a_redirect_may_go_to_another_origin():
    assert rewritten("/old/**", "https://new.test:8443/v2/**", "/old/x") == "https://new.test:8443/v2/x"
    assert rewritten("/**", "https://new.test/**", "/a//b") == "https://new.test/a//b"
    assert rewritten("/old/**", "https://new.test/**", "/old") == "https://new.test"
    assert rewritten("/old", "https://new.test", "/old") == "https://new.test"


def test_a_template_may_make_a_query():
    assert rewritten("/find/{what}", "/search?q={what}", "/find/a%26b") == "/search?q=a%26b"


def test_no_client_can_turn_a_stripped_prefix_into_another_host():
    assert rewritten("/old/**", "/**", "/old//evil.test/x") == "/evil.test/x"
    assert rewritten("/**", "/**", "//evil.test/x") == "/evil.test/x"
    assert rewritten("/old/**", "https://new.test/**", "/old//evil.test/x") == "https://new.test//evil.test/x"


def test_compiled_templates_are_literals_and_capture_indexes():
    pattern = template.compile_pattern("/{a}/x/{b}/**")
    assert template.compile_template("/{b}/y/{a}/**", pattern) == (b"/", 1, b"/y/", 0, 2)
    assert template.compile_template("/**", pattern) == (b"/", 3)
    assert template.compile_template("https://h.test/{a}", pattern) == (b"https://h.test/", 0)


@pytest.mark.parametrize(("text", "says"), [
    ("new/{id}", "start with `/` or with http"),
    ("", "start with `/` or with http"),
    ("ftp://h.test/", "start with `/` or with http"),
    ("https://{id}.test/", "no captures in the host"),
    ("https://h.test:{id}/", "no captures in the host"),
    ("https://h.test?x=1", "start with `/` or with http"),
    ("//h.test/{id}", "would name another host"),
    ("/{name}", "`/items/{id}` has `{id}`"),
    ("/{}", "has `{id}`"),
    ("/new/**", "needs a match.path that ends with"),
    ("/**/new", "may only stand at the end"),
    ("/new/*", "may only stand at the end"),
    ("/new**", "may only stand at the end"),
    ("/a b", "percent-encode"),
    ("/a\r\nSet-Cookie: x", "percent-encode"),
    ("/ä", "percent-encode"),
    ("/{id", "percent-encode"),
    ("https://h\r\n.test/", "start with `/` or with http"),
    ("https://hä.test/", "start with `/` or with http"),
])
def test_a_faulty_template_is_refused_with_what_to_write(text, says):
    pattern = template.compile_pattern("/items/{id}")
    with pytest.raises(ValueError, match=says):
        template.compile_template(text, pattern)


def test_a_pattern_without_names_says_so():
    with pytest.raises(ValueError, match="`/a` has no names"):
        template.compile_template("/{id}", template.compile_pattern("/a"))
