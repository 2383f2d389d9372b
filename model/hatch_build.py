"""Compiles model/unappeal/kernels/kernels.c when the package is built, where there is a compiler; see that folder.

``python model/hatch_build.py`` does the same in a checkout.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # run as a script
    BuildHookInterface = object

KERNELS = Path(__file__).parent / "unappeal" / "kernels"
FLAGS = ("-std=gnu99", "-O3", "-fPIC", "-shared")


def compiler() -> list[str] | None:
    """Give the command of a C compiler: ``CC``, the system's, or the one in the package ziglang."""
    if os.environ.get("UNAPPEAL_PURE") == "1":
        return None
    if named := os.environ.get("CC"):
        return shlex.split(named)
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if found:
        return [found]
    return [sys.executable, "-m", "ziglang", "cc"] if find_spec("ziglang") else None


def compiled() -> Path | None:
    """Compile the library; None, and a word on stderr, where that cannot be done: NumPy does its work then."""
    library, aside = KERNELS / "kernels.lib", KERNELS / "kernels.lib.tmp"
    library.unlink(missing_ok=True)
    command = compiler()
    try:
        if command is None:
            raise OSError("no C compiler")
        subprocess.run([*command, *FLAGS, "-o", str(aside), str(KERNELS / "kernels.c"), "-lm"], check=True)
    except (OSError, subprocess.CalledProcessError) as exc:
        print(f"unappeal is built without its compiled loops, NumPy takes their place: {exc}", file=sys.stderr)
        return None
    aside.replace(library)
    return library


class CompiledLoops(BuildHookInterface):  # type: ignore[misc]
    """Puts the library into wheels and editable installs."""

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Compile; a wheel with the library is one for this system, and for every Python."""
        if self.target_name == "wheel" and compiled():
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"py3-none-{platform}"
            build_data["pure_python"] = False


if __name__ == "__main__":
    sys.exit(0 if compiled() else 1)
