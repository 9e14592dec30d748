"""Goal: a harness that knows nothing but docs/reference/driving-the-book.md can drive the book.

Method: the page's own code is written to an empty folder, compiled against the checkout with the tools a build needs,
and run; its fills are worked out by hand.
"""

import importlib.util
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "driving-the-book.md"
SETUP = """
from Cython.Build import cythonize
from setuptools import Extension, setup

rooms = [{root!r} + "/" + room for room in ("matching", "domain")]
harness = Extension("harness", ["harness.pyx"], include_dirs=rooms)
setup(ext_modules=cythonize([harness], include_path=[{root!r}], quiet=True))
"""


def built(folder: Path) -> Any:
    (code,) = re.findall(r"```cython\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (folder / "harness.pyx").write_text(code)
    (folder / "setup.py").write_text(SETUP.format(root=str(ROOT)))
    done = subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"], cwd=folder, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    module_path = folder / f"harness{sysconfig.get_config_var('EXT_SUFFIX')}"
    spec = importlib.util.spec_from_file_location("harness", module_path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_harness_compiles_and_trades(tmp_path: Path) -> None:
    fills = built(tmp_path).drive()
    # 25 lots meet the iceberg's first 10, then the 8 behind it, then 7 of the iceberg's second peak (MATCH-066).
    assert fills == [(3, 1, 100, 10), (3, 2, 100, 8), (3, 1, 100, 7), (5, 4, 99, 3)]
