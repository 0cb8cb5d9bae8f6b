"""What `pip wheel .` packs: every module, compiled and not, and the dashboard; nothing is left to the checkout.

The compiled modules are those of this checkout, put where the build looks for them: it finds them current and compiles
nothing again, so that this takes seconds.
"""
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


SOON = time.time() + 3600               # newer than whatever Cython may write again


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in the wheel of a copy of this checkout."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy2(ROOT / name, copy)
    shutil.copytree(ROOT / "gateway", copy / "gateway", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copytree(ROOT / "build" / "gateway", copy / "build" / "gateway")
    version = f"cpython-{sys.version_info.major}{sys.version_info.minor}"
    library = copy / "build" / f"lib.{sysconfig.get_platform()}-{version}"
    for module in (ROOT / "gateway").rglob("*.so"):
        place = library / module.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(module, place)
        os.utime(place, (SOON, SOON))
    subprocess.run([sys.executable, "-m", "pip", "wheel", ".", "-q", "--no-deps", "--no-build-isolation",
                    "--disable-pip-version-check", "-w", "made"], cwd=copy, check=True, timeout=110,
                   env=os.environ | {"CC": "false"})            # a compiler that fails: none is needed
    [wheel] = (copy / "made").iterdir()
    return set(zipfile.ZipFile(wheel).namelist())


def test_every_module_is_in_the_wheel_and_each_compiled_one_compiled(packed: set[str]) -> None:
    found = {path for path in (ROOT / "gateway").rglob("*") if path.suffix in (".py", ".pyi", ".pxd")}
    assert {str(path.relative_to(ROOT)) for path in found} <= packed
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    compiled = {str(path.relative_to(ROOT).with_suffix(suffix)) for path in (ROOT / "gateway").rglob("*.pyx")}
    assert compiled <= packed


def test_the_dashboard_is_in_the_wheel(packed: set[str]) -> None:
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "gateway" / "admin" / "static").iterdir()}
    assert len(files) > 10
    assert files <= packed
