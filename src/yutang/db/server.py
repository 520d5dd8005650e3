"""The embedded PostgreSQL server: made on first use, started and stopped with the program.

One process owns the data folder (a file lock). The server is its direct child and leaves with it, even after kill -9
(on Linux by the parent-death signal). Another process of the same installation finds the lock taken and connects as a
guest. A process that this one did not start is never signalled.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg.conninfo import make_conninfo

from yutang import config
from yutang.db import programs
from yutang.model import YutangError

USER = "yutang"
SHARED = Path("/var/lib/yutang")
"""Where data and programs live when root runs the program from a folder that only root may enter."""
LONGEST_SOCKET = 90
"""A Unix socket's path may have 107 bytes; PostgreSQL adds its file name."""

CONF = {
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "work_mem": "64MB",
    "maintenance_work_mem": "128MB",
    # Statements may carry personal data: the log keeps messages, not statements.
    "log_min_error_statement": "panic",
}


@dataclass(frozen=True)
class Place:
    """Where the server keeps its things, and as whom it runs (None: as we are)."""

    programs: Path
    data: Path
    sockets: Path
    account: pwd.struct_passwd | None

    def run_as(self) -> dict[str, Any]:
        """Arguments of Popen that step down from root: PostgreSQL refuses to run as root."""
        if self.account is None:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}


class Server:
    """The embedded server of one home folder. `start` it, use `url`, `stop` it."""

    def __init__(self, home: Path, conf: dict[str, str] | None = None) -> None:
        self.home = home
        self.conf = CONF | (conf or {})
        self.place = _place(home)
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        """What to connect with; the password lies in the home folder, readable by its owner alone."""
        return make_conninfo(host=str(self.place.sockets), user=USER, dbname="postgres", password=_password(self.home))

    def start(self) -> str:
        """Start the server, or join the one that another process of this installation runs. Returns `url`.

        Call it from the main thread: the kernel ties the child's life to the thread that starts it.
        Raises YutangError when the server does not come up; the message holds the last lines of its log.
        """
        self._lock = _try_lock(self.home / "server.lock")
        if self._lock is not None:
            self._create()
            self._clear_stale_pid()
            self._launch()
        self._wait_until_ready()
        return self.url

    def stop(self) -> None:
        """Stop the server if this process started it; a guest just leaves."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait()
        self.process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _create(self) -> None:
        """Make the data folder once. The locale is fixed here: with the C locale, search in Chinese finds nothing."""
        if (self.place.data / "PG_VERSION").exists():
            return
        ctype = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
        with tempfile.NamedTemporaryFile("w") as pwfile:
            pwfile.write(_password(self.home))
            pwfile.flush()
            if self.place.account:
                os.chown(pwfile.name, self.place.account.pw_uid, -1)
            done = subprocess.run(
                [self.place.programs / "initdb", "-D", self.place.data, "-U", USER, "-A", "scram-sha-256",
                 f"--pwfile={pwfile.name}", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                 "--lc-collate=C", f"--lc-ctype={ctype}", "--no-instructions"],
                capture_output=True, text=True, cwd="/", **self.place.run_as(),
            )  # fmt: skip
        if done.returncode != 0:
            raise YutangError(f"could not make a database in {self.place.data}: {done.stderr.strip()[-600:]}")

    def _clear_stale_pid(self) -> None:
        """Remove a pid file whose owner is gone. The number in it may belong to anybody by now, so nobody is asked by number:
        whoever still works in the data folder is waited for (orphans leave within moments)."""
        pid_file = self.place.data / "postmaster.pid"
        if not pid_file.exists():
            return
        end = time.monotonic() + 60
        while inhabitants := _inhabitants(self.place.data):
            if time.monotonic() > end:
                raise YutangError(
                    f"the data folder {self.place.data} is in use by process {inhabitants}; stop it first"
                )
            time.sleep(0.1)
        pid_file.unlink(missing_ok=True)

    def _launch(self) -> None:
        options = [arg for key, value in self.conf.items() for arg in ("-c", f"{key}={value}")]
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.place.programs / "postgres", "-D", self.place.data,
                 "-c", f"unix_socket_directories={self.place.sockets}", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                preexec_fn=_die_with_parent, **self.place.run_as(),
            )  # fmt: skip

    def _wait_until_ready(self) -> None:
        """Recovery after a crash may take long, so an owner waits for as long as its child lives."""
        end = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
                return
            except psycopg.OperationalError as error:
                gone = self.process.poll() is not None if self.process else time.monotonic() > end
                if gone:
                    raise YutangError(
                        f"the database server did not start: {error}; its log ends: {self._log_end()}"
                    ) from error
                time.sleep(0.05)

    def _log_end(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return (self.home / "server.log").read_text(errors="replace")[-600:].strip()
        return "(no log)"


def _place(home: Path) -> Place:
    """Root steps down to `nobody`, who must be able to reach both programs and data: if not, they live in /var/lib."""
    bin_ = programs.find()
    if os.geteuid() != 0:
        return Place(bin_, home / "pg", _own(_sockets(home), None), None)
    account = pwd.getpwnam("nobody")
    base = home
    if not (_open_to_all(home) and _open_to_all(bin_)):
        base = SHARED / _short(home)
        bin_ = _copied(bin_)
    return Place(bin_, _own(base / "pg", account), _own(_sockets(base), account), account)


def _sockets(base: Path) -> Path:
    """A folder for the socket: beside the data, or a short one when that path is too long for a socket."""
    near = base / "run"
    if len(str(near)) <= LONGEST_SOCKET:
        return near
    return Path(tempfile.gettempdir()) / f"yutang-{os.geteuid()}-{_short(base)}"


def _own(folder: Path, account: pwd.struct_passwd | None) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account and folder.stat().st_uid != account.pw_uid:
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def _open_to_all(path: Path) -> bool:
    """May any user pass through every folder on the way to `path`?"""
    return all(folder.stat().st_mode & 0o001 for folder in path.parents)


def _copied(bin_: Path) -> Path:
    """The wheel's programs, where everybody can reach them; its libraries lie in a folder beside the package."""
    package, site = bin_.parents[1], bin_.parents[2]
    target = SHARED / "programs" / _short(Path(f"{bin_}-{(bin_ / 'postgres').stat().st_mtime_ns}"))
    if not target.exists():
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        half = target.with_name(f"half-{os.getpid()}")
        for folder in (package, site / f"{package.name}.libs"):
            if folder.exists():
                shutil.copytree(folder, half / folder.name, symlinks=True)
        with contextlib.suppress(OSError):  # another process was faster
            half.rename(target)
        shutil.rmtree(half, ignore_errors=True)
    return target / bin_.relative_to(site)


def _short(path: Path) -> str:
    """A name for a path that is short and the same every time."""
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def _password(home: Path) -> str:
    """The database password of this home: made once, readable by its owner alone."""
    path = home / "password"
    if not path.exists():
        half = home / f"password.{os.getpid()}"
        half.touch(0o600)
        half.write_text(secrets.token_hex(16))
        with contextlib.suppress(FileExistsError):
            os.link(half, path)
        half.unlink()
    return path.read_text()


def _try_lock(path: Path) -> IO[str] | None:
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _inhabitants(data: Path) -> list[int]:
    """Living processes whose working folder is `data` (Linux; elsewhere the server refuses a folder in use by itself)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            alive = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
            if alive and Path(os.readlink(entry / "cwd")) == data.resolve():
                found.append(int(entry.name))
    return found


def _die_with_parent() -> None:
    if sys.platform == "linux":
        parent_death_signal = 1
        ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGINT)


@contextlib.contextmanager
def database() -> Any:
    """The URL of the database in force: ``YUTANG_DATABASE_URL``, else the embedded server for as long as the block runs."""
    if config.DATABASE_URL.value:
        yield config.DATABASE_URL.value
        return
    server = Server(config.home())
    try:
        yield server.start()
    finally:
        server.stop()
