"""Build of the compiled core, the core library and the libraries of actors; everything else about the project is in pyproject.toml.

Switches, read from the environment:

MIDEN_DEBUG=1      bounds, None and overflow checks of Cython on, -O0 -g
MIDEN_SANITIZE=1   address and undefined-behaviour sanitizers, which abort on the first finding, -O1 -g
MIDEN_ANNOTATE=1   write the HTML reports of Cython beside the sources
MIDEN_PURE=1       a core that does not build is a warning, not an error: the package then runs on its pure backend

Extensions are always made from the .pyx files; generated C is never kept.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

CORE = Path("miden", "_core")

DEBUG = os.environ.get("MIDEN_DEBUG") == "1"
SANITIZE = os.environ.get("MIDEN_SANITIZE") == "1"
ANNOTATE = os.environ.get("MIDEN_ANNOTATE") == "1"
PURE = os.environ.get("MIDEN_PURE") == "1"

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "nonecheck": DEBUG,
    "overflowcheck": False,  # field code relies on wrapping 64-bit words
    "cdivision": True,
    "embedsignature": True,
    "embedsignature.format": "python",
    "freethreading_compatible": True,
    "auto_pickle": False,
    "autotestdict": False,
}

EXTENSIONS = ("rpo", "forest", "decode", "lexer", "merkle", "processor", "dagcbor", "_testing")
"""Modules of the core, each made from one .pyx file."""


def compiler_flags() -> tuple[list[str], list[str]]:
    """Return flags for the compiler and the linker: the baseline of the platform, never this machine's own features."""
    if sys.platform == "win32":
        return (["/Od", "/Zi"] if DEBUG else ["/O2"]), []
    flags = ["-std=c11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fno-strict-aliasing", "-fno-tree-vectorize"]
    if SANITIZE:
        sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        return [*flags, *sanitizers, "-O1", "-g", "-fno-omit-frame-pointer"], sanitizers
    if DEBUG:
        return [*flags, "-O0", "-g"], []
    return [*flags, "-O3"], []


LIBRARIES = {
    "miden.corelib.build": Path("miden", "corelib", "core.masl"),
    "miden.actors.runtimes.masm.build": Path("miden", "actors", "runtimes", "masm"),
}
"""Module that assembles Miden assembly -> the file, or the folder of the files, that it writes; the first is needed for the second."""


class BuildCore(build_ext):
    """Build the extensions, then assemble the libraries with the package as it was built.

    With MIDEN_PURE=1 extensions that do not build are reported, and the build goes on without them.
    """

    def run(self) -> None:
        self._build_extensions()
        if not SANITIZE:  # a sanitized extension loads only where the sanitizer is loaded first
            self._build_libraries()

    def _build_libraries(self) -> None:
        built = Path() if self.inplace else Path(self.build_lib)
        package = built if Path(built, "miden", "__init__.py").is_file() else Path()
        environment = {**os.environ, "PYTHONPATH": str(package.resolve())}
        for module, target in LIBRARIES.items():
            path = Path(built, target).resolve()
            path.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run([sys.executable, "-m", module, str(path)], env=environment, cwd=package, check=True)

    def _build_extensions(self) -> None:
        try:
            super().run()
        except Exception as error:
            if not PURE:
                raise
            self.extensions = []
            print(f"warning: the core of miden was not built ({error}); the package will use its pure backend", file=sys.stderr)


def extensions() -> list[Extension]:
    """Return the extension modules, rebuilt when any header or .pxd changes."""
    compile_args, link_args = compiler_flags()
    depends = [str(path) for pattern in ("*.h", "*.pxd", "*.pxi") for path in sorted(CORE.glob(pattern))]
    modules = [
        Extension(
            f"miden._core.{name}",
            [str(CORE / f"{name}.pyx")],
            include_dirs=[str(CORE)],
            depends=depends,
            extra_compile_args=compile_args,
            extra_link_args=link_args,
        )
        for name in EXTENSIONS
    ]
    return cythonize(modules, compiler_directives=DIRECTIVES, annotate=ANNOTATE, force=DEBUG or SANITIZE, quiet=True)


if __name__ == "__main__":
    setup(ext_modules=extensions(), cmdclass={"build_ext": BuildCore})
