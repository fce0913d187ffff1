"""Put solc into `.solcx`: the native one where it can be downloaded, else the front over npm's compiler.

Run by `make setup`, which remembers the outcome. `STEELYARD_SOLC=npm` or `native` forces a choice.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from steelyard.toolchain import ROOT, SOLC_VERSION

PROBE_SECONDS = 8
DOWNLOAD_SECONDS = 180

PROBE = """
import requests, solcx.install as install
folder = install.BINARY_DOWNLOAD_BASE.format(install._get_os_name(), "list.json")
requests.get(folder, timeout=5).raise_for_status()
"""
INSTALL = "import sys, solcx; solcx.install_solc(sys.argv[1], solcx_binary_path=sys.argv[2])"


def _succeeds(code: str, *args: str, seconds: float) -> bool:
    environment = {name: value for name, value in os.environ.items() if name != "SOLCX_BINARY_PATH"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, *args], timeout=seconds, check=False, capture_output=True, env=environment
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _install_native(target: Path) -> bool:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        if not _succeeds(INSTALL, SOLC_VERSION, folder, seconds=DOWNLOAD_SECONDS):
            return False
        (Path(folder) / target.name).replace(target)
    return True


def main() -> str:
    """Install and return a sentence that tells which compiler it is."""
    choice = os.environ.get("STEELYARD_SOLC", "auto")
    if choice not in ("auto", "npm", "native"):
        raise SystemExit(f"STEELYARD_SOLC={choice}: expected auto, npm or native")
    target = ROOT / ".solcx" / f"solc-v{SOLC_VERSION}"
    target.parent.mkdir(exist_ok=True)
    target.unlink(missing_ok=True)
    reachable = choice == "native" or (choice == "auto" and _succeeds(PROBE, seconds=PROBE_SECONDS))
    if reachable and _install_native(target):
        return f"solc {SOLC_VERSION}: native"
    if choice == "native":
        raise SystemExit(f"the native solc {SOLC_VERSION} could not be downloaded")
    target.symlink_to(Path("..") / "tools" / "solc")
    return f"solc {SOLC_VERSION}: from npm (the native one cannot be downloaded here)"


if __name__ == "__main__":
    print(main())
