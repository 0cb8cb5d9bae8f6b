"""One file, or a folder of files merged by name: what stands on the disk -> one tree.

Merging: `upstreams` and `routes` may be spread over files, each upstream defined once; `version` may stand in each
file and means that file; any other section stands in one file only, as nobody could say which of two should win.
"""

from pathlib import Path

from gateway.config import source
from gateway.config.problems import ConfigError, Mark, Problem
from gateway.config.tree import Leaf, Mapping, Node, Sequence

SUFFIXES = (".yaml", ".yml")
FILES_MAX = 1_000


Documents = dict[str, bytes]
"""What stands in each file, by the name that messages give it, in the order of merging."""


def gather(path: Path) -> Documents:
    """Every file of a config, read once. Raises ConfigError where one cannot be read."""
    documents, problems = _gathered(path)
    if problems:
        raise ConfigError(problems)
    return documents


def parse(documents: Documents) -> tuple[Mapping, list[Problem]]:
    """The merged tree and everything wrong with the files themselves; at least one document."""
    read = [source.read(data, name) for name, data in documents.items()]
    problems = [problem for _, found in read for problem in found]
    trees = [tree for tree, _ in read]
    return (trees[0] if len(trees) == 1 else _merged(trees, problems)), problems


def read(path: Path) -> tuple[Mapping, list[Problem]]:
    """As `parse`, of what stands on the disk; what could not be read is among the problems."""
    documents, problems = _gathered(path)
    if not documents:
        return Mapping(Mark(str(path))), problems
    tree, found = parse(documents)
    return tree, problems + found


def _gathered(path: Path) -> tuple[Documents, list[Problem]]:
    try:
        files = sorted(inside(path)) if path.is_dir() else [path]
    except OSError as error:
        return {}, [_fault(path, f"cannot be read: {error.strerror}")]
    if len(files) > FILES_MAX:
        return {}, [_fault(path, f"has more than {FILES_MAX} files; merge some")]
    if not files:
        return {}, [_fault(path, f"no {' or '.join(SUFFIXES)} file in this folder; write one, such as gateway.yaml")]
    documents, problems = {}, []
    for file in files:
        data = _read_file(file)
        if isinstance(data, bytes):
            documents[str(file)] = data
        else:
            problems.append(data)
    return documents, problems


def inside(folder: Path) -> list[Path]:
    """The YAML files of a folder; hidden ones (editors' copies, Kubernetes' `..data`) are left out."""
    return [file for file in folder.iterdir()
            if file.suffix in SUFFIXES and not file.name.startswith(".") and not file.is_dir()]


def _read_file(file: Path) -> bytes | Problem:
    """At most one byte more than a config may have: enough for `source` to refuse it."""
    try:
        if not file.is_file() and file.exists():
            return _fault(file, "is not a regular file")
        with file.open("rb") as stream:
            return stream.read(source.FILE_BYTES_MAX + 1)
    except OSError as error:
        return _fault(file, f"cannot be read: {error.strerror}")


def _fault(path: Path, message: str) -> Problem:
    return Problem(Mark(str(path)), "", message)


def _merged(trees: list[Mapping], problems: list[Problem]) -> Mapping:
    whole = Mapping(trees[0].mark)
    for tree in trees:
        for key, (mark, node) in tree.entries.items():
            if key in whole.entries:
                _join(key, whole.entries[key], (mark, node), problems)
            else:
                whole.entries[key] = (mark, _copied(node))
    return whole


def _copied(node: Node) -> Node:
    """So that joining never changes the tree of a file."""
    if isinstance(node, Mapping):
        return Mapping(node.mark, dict(node.entries))
    return Sequence(node.mark, list(node.items)) if isinstance(node, Sequence) else node


def _join(key: str, first: tuple[Mark, Node], more: tuple[Mark, Node], problems: list[Problem]) -> None:
    into, node = first[1], more[1]
    if key == "routes" and isinstance(into, Sequence) and isinstance(node, Sequence):
        into.items += node.items
    elif key == "upstreams" and isinstance(into, Mapping) and isinstance(node, Mapping):
        _join_names(key, into, node, problems)
    elif not (key == "version" and isinstance(into, Leaf) and isinstance(node, Leaf) and into.value == node.value):
        problems.append(Problem(more[0], key, f"is already given at {first[0]}; keep one of them"))


def _join_names(key: str, into: Mapping, node: Mapping, problems: list[Problem]) -> None:
    for name, (mark, value) in node.entries.items():
        if name in into.entries:
            first = into.entries[name][0]
            problems.append(Problem(mark, f"{key}.{name}", f"is already defined at {first}; keep one, or rename it"))
        else:
            into.entries[name] = (mark, value)
