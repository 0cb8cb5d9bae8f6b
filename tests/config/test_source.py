"""The YAML reader: values as written, with their places; everything ambiguous, foreign or unbounded refused."""

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.config import source, tree
from gateway.config.problems import Mark
from gateway.model.scalar import Scalar


def read(text: str) -> object:
    root, problems = source.read(text.encode(), "f")
    assert problems == []
    return tree.plain(root)


def faults(text: str | bytes) -> list[str]:
    _, problems = source.read(text.encode() if isinstance(text, str) else text, "f")
    return [str(problem) for problem in problems]


def test_an_unquoted_scalar_keeps_its_text_and_its_value() -> None:
    found = read("version: 1.10\nmode: off\non: yes\nport: 010\n")
    assert found == {"version": "1.10", "mode": "off", "on": "yes", "port": "010"}
    assert isinstance(found, dict)
    assert {key: value.value for key, value in found.items()} == {
        "version": 1.1,
        "mode": "off",
        "on": "yes",
        "port": 10,
    }


def test_a_quoted_scalar_is_only_a_text() -> None:
    found = read("a: \"1\"\nb: '~'\nc: |\n  true\nd: !!str 1\n")
    assert found == {"a": "1", "b": "~", "c": "true\n", "d": "1"}
    assert isinstance(found, dict)
    assert not any(isinstance(value, Scalar) for value in found.values())


def test_null_has_no_value() -> None:
    assert read("a:\nb: ~\nc: null\n") == {"a": None, "b": None, "c": None}


def test_every_key_and_value_has_its_place() -> None:
    root, _ = source.read(b"a:\n  - x: 1\n    y:  [p, q]\n", "f")
    at = ("a", 0, "y", 1)
    assert tree.place(root, at) == Mark("f", 3, 13)
    assert tree.place(root, ("a", 0, "x")) == Mark("f", 2, 8)
    assert tree.key_place(root, ("a", 0, "x")) == Mark("f", 2, 5)
    assert tree.named(root, at) == "a[0].y[1]"


def test_columns_count_characters_not_bytes() -> None:
    assert faults("a: {ü: é, ü: 1}\n") == ["f:1:11: the key 'ü' was already given on line 1; keep one of them"]


def test_all_repeated_keys_are_reported() -> None:
    assert faults("a: 1\nb: {c: 1, c: 2}\na: 3\n") == [
        "f:2:11: the key 'c' was already given on line 2; keep one of them",
        "f:3:1: the key 'a' was already given on line 1; keep one of them",
    ]


def test_an_alias_stands_for_its_value() -> None:
    assert read("a: &x {k: [1]}\nb: *x\n") == {"a": {"k": ["1"]}, "b": {"k": ["1"]}}


def test_aliases_are_bounded() -> None:
    layers = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9))
    assert faults(f"l0: &l0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n{layers}") == [
        "f:4:45: aliases stand for more than 10,000 values; write fewer"
    ]


def test_an_alias_within_itself_or_of_nothing_is_refused() -> None:
    assert faults("a: &x [*x]\n") == ["f:1:8: *x stands within itself; write the value out"]
    assert faults("a: *y\n")[0].startswith("f:1:4: *y stands for nothing")


def test_merge_keys_are_refused_and_a_quoted_one_is_a_key() -> None:
    assert faults("a: &x {k: 1}\nb: {<<: *x}\n") == [
        "f:2:5: merge keys (<<) are not supported; write the keys out, or alias a whole value"
    ]
    assert read('"<<": 1\n') == {"<<": "1"}


def test_foreign_tags_make_no_objects() -> None:
    assert faults("a: !!python/object/apply:os.system [id]\n") == [
        "f:1:4: the tag tag:yaml.org,2002:python/object/apply:os.system is not supported; write the value without a tag"
    ]
    assert faults("a: !!timestamp 2001-12-14\n")


def test_depth_is_bounded() -> None:
    assert faults("a: " + "[" * 500 + "]" * 500) == ["f:1:36: nested deeper than 32 levels; write it flatter"]


def test_a_file_has_one_document_which_is_a_mapping() -> None:
    assert faults("a: 1\n---\nb: 2\n") == ["f:2:1: a second document begins here; write one document per file"]
    assert faults("- a\n") == ["f:1:1: a config is a mapping; write sections such as version:, listeners: and routes:"]
    assert faults("# nothing\n") == ["f:1:1: the file is empty; write at least version: 1 and listeners:"]


def test_a_list_is_no_key() -> None:
    assert faults("[a, b]: 1\n") == ["f:1:1: a key must be a word, not a list or mapping"]


def test_faults_of_the_syntax_are_located() -> None:
    assert faults("a: [1, 2\nb: 3\n")[0].startswith("f:2:")
    assert faults("a:\n\tb: 1\n") == [
        "f:2:1: not YAML: while scanning for the next token, found character that cannot start any token; "
        "indent with spaces, not tabs"
    ]
    assert faults("a: @b\n")[0].endswith("found character that cannot start any token; put it in quotes")


def test_bytes_that_are_no_text_are_located() -> None:
    assert faults(b"a: 1\nb: \xff\n") == ["f:2:4: is not UTF-8; save the file as UTF-8"]
    assert faults("a: 1\nb: \x07\n") == ["f:2:4: control character U+0007; remove it"]
    assert read("\ufeffa: 1\n") == {"a": "1"}


def test_size_is_bounded() -> None:
    assert faults(b"#" * (source.FILE_BYTES_MAX + 1)) == [
        "f:1:1: the file is larger than 1 MiB; split it into a folder of files"
    ]


def test_a_file_of_garbage_does_not_fill_the_terminal() -> None:
    assert len(faults("a: 1\n" * 5000)) == source.PROBLEMS_MAX


def test_both_parsers_of_pyyaml_give_the_same_tree() -> None:
    text = "a: 1\nb: [x, 'y', {c: ~}]\nd: |\n  text\ne: &i {f: on}\ng: *i\n"
    found = source.read(text.encode(), "f")
    source.LOADER, usual = yaml.SafeLoader, source.LOADER
    try:
        assert source.read(text.encode(), "f") == found
    finally:
        source.LOADER = usual


PIECES = st.sampled_from(
    [
        "a",
        "b",
        "1",
        "~",
        ":",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "  ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&x ",
        "*x",
        "!!int ",
        "!y ",
        "'",
        '"',
        "|",
        ">",
        "#",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "<<: ",
        "? ",
        "\t",
        "\u2028",
        "\x00",
        "é",
        "\\",
        "routes",
        "name",
    ]
)


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=60).map(lambda parts: "".join(parts).encode())))
@example(b"? [")
def test_any_bytes_give_a_tree_or_located_problems(data: bytes) -> None:
    root, problems = source.read(data, "f")
    assert root.entries or problems or tree.plain(root) == {}
    assert all(problem.mark.line >= 1 and problem.mark.column >= 1 for problem in problems)
