"""The optional compiled part, which pyproject.toml cannot say; all else is there.

Where it cannot be compiled, the package is built without it. `ENERGY_COLLECTOR_SPEED=off` builds one for all platforms.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import LinkError

FOLDER = Path("src/collector_core/_speed")
ALONE = ["-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL", "-Wl,-s"]  # a sixth of the memory
IS_WANTED = os.name == "posix" and os.environ.get("ENERGY_COLLECTOR_SPEED", "").lower() != "off"


class BuildSpeed(build_ext):
    """Not every system has C++'s library as one that can be linked in."""

    def build_extension(self, ext: Extension) -> None:
        """Compile it; raises what `optional` turns into a warning."""
        try:
            super().build_extension(ext)
        except LinkError:
            ext.extra_link_args = []
            super().build_extension(ext)


SPEED = Extension(
    "collector_core._speed.native",
    sorted(map(str, FOLDER.glob("*.cpp"))),
    depends=sorted(map(str, FOLDER.glob("*.hpp"))),
    define_macros=[("Py_LIMITED_API", "0x030B0000")],
    extra_compile_args=["-std=c++17", "-O2", "-g0", "-fvisibility=hidden"],
    extra_link_args=ALONE if sys.platform == "linux" else [],
    language="c++",
    optional=True,
    py_limited_api=True,
)

setup(
    cmdclass={"build_ext": BuildSpeed},
    ext_modules=[SPEED] if IS_WANTED else [],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if IS_WANTED else {},
)
