"""The build hook: a package that is built has the front-end's files in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Assets(BuildHookInterface):
    """Makes them before a wheel or an archive of the sources is put together.

    An editable install goes on without them: the pages work without scripts, and `make` tries again each time.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        done = subprocess.run([sys.executable, str(Path(self.root, "assets/build.py"))], check=False)
        if done.returncode and version != "editable":
            raise SystemExit("the front-end's files could not be made; see above")
