"""The import map as one table: this table *is* the architecture (design, section 4).

A room is a folder of `gateway/`, or a file at its top. From the ground up, no arrow runs back. A room that is not built
yet is in the table already; a room that is built must be in it.
"""
import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GATEWAY = ROOT / "gateway"

STEPS = {"detect", "isolate", "mitigate", "analyse", "resolve", "prevent"}
LEAVES = {"_limiter", "_gates", "_decisions", "_tick", "_recorder"}  # beside _fastpath: each a part of the reflexes
REFLEXES = {"model", "_fastpath", "board"} | LEAVES                # what the request path may stand on, beside routing
BELOW_CONTROL = REFLEXES | STEPS | {"routing", "record", "config"}
ALL_ROOMS = BELOW_CONTROL | {"control", "dataplane", "fleet", "admin", "public"}

# Room -> the rooms that it may import. Besides, `config` may import the settings.py of every room.
MAY_IMPORT: dict[str, set[str]] = {
    "model": set(),
    "_fastpath": {"model"},                                 # is given addresses, and knows no names of rows
    **{leaf: {"_fastpath"} for leaf in ("_limiter", "_gates", "_recorder")},
    "_decisions": {"_fastpath", "_gates"},
    "_tick": {"_fastpath", "_gates", "_decisions"},
    "board": {"model", "_fastpath", "_tick"},
    **{step: {"model"} for step in STEPS},                  # they only think; none imports another
    "routing": REFLEXES,
    "record": REFLEXES | {"routing"},
    "config": REFLEXES | STEPS | {"routing", "record"},
    # It knows nothing of incidents and of the config's file; its slow path asks the two rooms that decide per request.
    "dataplane": REFLEXES | {"routing", "isolate", "mitigate"},
    "control": BELOW_CONTROL,
    "fleet": BELOW_CONTROL,
    "admin": BELOW_CONTROL | {"control", "fleet"},
    "public": BELOW_CONTROL | {"control"},                  # what anybody may ask control, apart from the admin API
    "processes": ALL_ROOMS,
    "cli": ALL_ROOMS | {"processes"},
    "__main__": {"cli"},
    "__init__": set(),                                      # holds the version, which every room may name
}

VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "base", "manager", "handler", "context"}
NOT_IN_A_STEP = {"asyncio", "socket", "time", "uvloop", "aiohttp", "threading", "selectors"}
SETTINGS_MAY_IMPORT = {"pydantic", "pydantic_core", "annotated_types", "typing_extensions"}
NOT_IN_A_WORKER = {"pydantic", "aiohttp", "yaml", "prometheus_client", "numpy"}

SOURCES = sorted(path for path in GATEWAY.rglob("*") if path.suffix in {".py", ".pyx", ".pxd", ".pyi"})
MODULES = sorted({path.relative_to(GATEWAY).with_suffix("") for path in SOURCES})
CYTHON_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+c?import[ \t]+(\(?[^\n#]*)|c?import[ \t]+([\w., \t]+))", re.MULTILINE)


def imports_of(path: Path) -> set[str]:
    """What a source names in its imports: `package.module`, and `package.name` of `from package import name`."""
    text = path.read_text()
    return _cython_imports(text) if path.suffix in {".pyx", ".pxd"} else _python_imports(text)


def _python_imports(text: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}: write the room's full name"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _cython_imports(text: str) -> set[str]:
    found: set[str] = set()
    for package, names, modules in CYTHON_IMPORT.findall(text):
        if modules:
            found |= {module.split(" as ")[0].strip() for module in modules.split(",")}
        else:
            found |= {f"{package}.{name}" for name in re.findall(r"(?:^|,)[ (]*(\w+)", names)} or {package}
    return found


def room_of(path: Path) -> str:
    inside = path.relative_to(GATEWAY)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def rooms_imported(path: Path) -> set[tuple[str, str]]:
    """(room, first name inside it) of all that a source imports of ours."""
    ours = [name.split(".") for name in imports_of(path) if name.split(".")[0] == "gateway"]
    found = {(parts[1] if len(parts) > 1 else "__init__", parts[2] if len(parts) > 2 else "") for parts in ours}
    return found - {("__version__", "")}


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", SOURCES, ids=names(SOURCES))
def test_a_source_imports_only_rooms_below_its_own(path):
    room = room_of(path)
    assert room in MAY_IMPORT, f"the room {room} is not on the map: give it a line in MAY_IMPORT"
    for other, inside in rooms_imported(path):
        allowed = other == room or other in MAY_IMPORT[room] or (room == "config" and inside == "settings")
        assert allowed, f"{room} may not import gateway.{other}: see MAY_IMPORT"


def test_the_map_has_no_cycle():
    left = dict(MAY_IMPORT)
    while ground := [room for room, below in left.items() if not below & left.keys()]:
        left = {room: below for room, below in left.items() if room not in ground}
    assert left == {}


@pytest.mark.parametrize("path", MODULES, ids=map(str, MODULES))
def test_a_module_has_a_name_that_says_something(path):
    assert path.name not in VAGUE_NAMES


SETTINGS = [path for path in SOURCES if path.name == "settings.py" and room_of(path) != "config"]


@pytest.mark.parametrize("path", SETTINGS, ids=names(SETTINGS))
def test_the_settings_of_a_room_import_only_the_words_of_all_rooms(path):
    for name in imports_of(path):
        package = name.split(".")[0]
        if package == "gateway":
            assert name.startswith("gateway.model."), f"{name}: config composes settings; they import model only"
        else:
            assert package in sys.stdlib_module_names | SETTINGS_MAY_IMPORT, name


STEP_SOURCES = [path for path in SOURCES if room_of(path) in STEPS and path.name != "settings.py"]


@pytest.mark.parametrize("path", STEP_SOURCES, ids=names(STEP_SOURCES))
def test_a_step_only_thinks(path):
    assert not {name.split(".")[0] for name in imports_of(path)} & NOT_IN_A_STEP, "`now` is an argument, I/O elsewhere"
    assert not re.search(r"^\s*async\s+def", path.read_text(), re.MULTILINE)


COMPILED = [path for path in SOURCES if path.suffix == ".pyx"]


@pytest.mark.parametrize("path", COMPILED, ids=names(COMPILED))
def test_a_compiled_module_has_types_for_the_checker(path):
    assert path.with_suffix(".pyi").exists()


WORKER_SIDE = [*GATEWAY.glob("dataplane/**/*.py"), *GATEWAY.glob("dataplane/**/*.pyx"),
               *GATEWAY.glob("isolate/*.py"), *GATEWAY.glob("mitigate/*.py"),
               GATEWAY / "processes" / "worker.py"]
WORKER_MODULES = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
                        for path in WORKER_SIDE if path.name != "settings.py")


def test_a_worker_process_loads_none_of_the_heavy_packages():
    code = f"""
import importlib, sys
for name in {WORKER_MODULES!r}:
    importlib.import_module(name)
print(*sorted({NOT_IN_A_WORKER!r} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


# The reader of imports itself

@pytest.mark.parametrize(("text", "found"), [
    ("import os, sys\n", {"os", "sys"}),
    ("cimport cython\n", {"cython"}),
    ("import gateway.board as board\n", {"gateway.board"}),
    ("from gateway.model import errors, outcome as o\n", {"gateway.model.errors", "gateway.model.outcome"}),
    ("    from gateway import board\n", {"gateway.board"}),
    ("from gateway.dataplane.http1 cimport (\n    Head,\n)\n", {"gateway.dataplane.http1"}),
    ("from gateway.dataplane.http1 cimport (Head, Field,\n    Limits)\n",
     {"gateway.dataplane.http1.Head", "gateway.dataplane.http1.Field"}),
    ("# from gateway import board\nname = 'import x'\n", set()),
])
def test_imports_of_compiled_sources_are_read(text, found):
    assert _cython_imports(text) == found


def test_imports_of_python_sources_are_read():
    text = "import os.path\nfrom gateway import board\ndef f():\n    from gateway.model import errors as e\n"
    assert _python_imports(text) == {"os.path", "gateway.board", "gateway.model.errors"}
    with pytest.raises(AssertionError, match="relative import in line 1"):
        _python_imports("from . import board\n")
