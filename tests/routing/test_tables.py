"""The rows that the compiled router copies."""
from gateway.routing import plan, tables


def text(made: tables.Tables, pair: tables.Pair) -> str:
    at, size = pair
    return made.text[at:at + size].decode()


def by_header(*headers: dict[str, str]) -> tuple[list[int], dict[str, dict[str, list[int]]]]:
    return tables.by_header({index: plan.Match(headers=tuple(each.items())) for index, each in enumerate(headers)})


def test_rows_point_into_one_text():
    match = plan.Match("/shops/{shop}/**", ("a.test",), ("PURGE",), (("X-Beta", "yes"), ("x-key", "*")))
    made = tables.build([plan.Route("r", match)])
    assert [(text(made, name), child) for _, name, child in made.edges] == [("a.test", 1), ("shops", 2), ("yes", 4)]
    assert [text(made, name) for name in made.switches] == ["x-beta"]
    assert [text(made, name) for name in made.others] == ["PURGE"]
    assert [(text(made, name), text(made, value), any_value) for name, value, any_value in made.fields] == [
        ("x-beta", "yes", False), ("x-key", "*", True)]
    assert made.rules == [(0, 128, (0, 1), (0, 2), (0, 1), 2)]
    assert made.params == [1]
    assert made.listed == [0]
    assert (made.depth, made.longest_literal, made.longest_value) == (2, 5, 3)


def test_routes_without_an_exact_value_are_plain():
    assert by_header({}, {"a": "*"}) == ([0, 1], {})


def test_routes_are_told_apart_by_the_rarest_value_that_they_ask_for():
    assert by_header({"env": "prod", "tenant": "x"}, {"env": "prod", "tenant": "y"}, {"ENV": "prod"}) == (
        [], {"tenant": {"x": [0], "y": [1]}, "env": {"prod": [2]}})


def test_the_order_of_preference_is_kept_at_every_value():
    assert by_header({"a": "1"}, {"a": "2"}, {"a": "1"}) == ([], {"a": {"1": [0, 2], "2": [1]}})
