"""The embedded PostgreSQL server: made on first use, started and stopped with the program.

One process owns the data folder (a file lock). The server is its direct child and leaves with it, even after kill -9
(on Linux by the parent-death signal). Another process of the same installation finds the lock taken and connects as a
guest. A process that this one did not start is never signalled.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import psycopg
from psycopg.conninfo import make_conninfo

from yutang import config
from yutang.db import programs
from yutang.db.memory import shared_buffers
from yutang.db.place import Place, place
from yutang.model import YutangError

USER = "yutang"
PORT = "5432"
"""Part of the socket's name only; said on both sides, because PGPORT would change either."""
PATIENCE = 60
"""Seconds that a guest waits for the owner's server, or an owner for those still working in the data folder."""

CONF = {
    "listen_addresses": "",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "work_mem": "64MB",
    "maintenance_work_mem": "128MB",
    # Statements may carry personal data: the log keeps messages, not statements.
    "log_min_error_statement": "panic",
}


class Server:
    """The embedded server of one home folder. `start` it, use `url`, `stop` it."""

    def __init__(self, home: Path, conf: dict[str, str] | None = None) -> None:
        self.home = home
        self.conf = CONF | {"shared_buffers": shared_buffers()} | (conf or {})
        self.place = place(home)
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        """What to connect with; the password lies in the home folder, readable by its owner alone."""
        password = config.kept_once(self.home / "password", lambda: secrets.token_hex(16))
        return make_conninfo(host=str(self.place.sockets), port=PORT, user=USER, dbname="postgres", password=password)

    def start(self) -> str:
        """Start the server, or join the one that another process of this installation runs. Returns `url`.

        Call it from the main thread: the kernel ties the child's life to the thread that starts it.
        Raises YutangError when the server does not come up; the message holds the last lines of its log.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("the server would leave with this thread; start it from the main thread")
        end = time.monotonic() + PATIENCE
        while True:
            # Asked in every round: a guest may find the owner leaving.
            self.inherit()
            if (problem := self._knock()) is None:
                return self.url
            gone = self.process.poll() is not None if self.process else time.monotonic() > end
            if gone or "authentication failed" in problem:
                raise YutangError(
                    "数据库没有启动，请按后面的原因和日志处理。 "
                    f"the database server did not start: {problem}; its log ends: {self._log_end()}"
                )
            time.sleep(0.05)

    def inherit(self) -> None:
        """Start the server if nobody owns it: a guest whose host has left becomes the owner. The calling thread must stay as long as it."""
        if self._lock is None and (lock := _try_lock(self.home / "server.lock")):
            self._lock = lock
            self._create()
            self._clear_remains()
            self._launch()

    def again(self) -> None:
        """Start what has ended; who wants to know when it answers, asks it. The calling thread must stay as long as the server."""
        self._clear_remains()
        self._launch()

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
        """Make the data folder once: aside, then in one step, so that a half-made one is never taken for whole."""
        if (self.place.data / "PG_VERSION").exists():
            return
        half = self.place.data.with_name("pg.half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile("w") as pwfile:
            pwfile.write(config.kept_once(self.home / "password", lambda: secrets.token_hex(16)))
            pwfile.flush()
            if self.place.account:
                os.chown(pwfile.name, *self.place.account)
                os.chown(half, *self.place.account)
            done = subprocess.run(_initdb(self.place, half, pwfile.name), capture_output=True, **self.place.run_as())
        if done.returncode != 0:
            raise YutangError(
                f"无法在 {self.place.data} 建立数据库，请检查磁盘空间和文件夹权限。 "
                f"could not make a database in {self.place.data}: {_text(done.stderr)}"
            )
        half.rename(self.place.data)

    def _clear_remains(self) -> None:
        """Remove the lock files of a server that is gone. The numbers in them may belong to anybody by now, so nobody is
        asked or stopped by number: whoever still works in the data folder is waited for (orphans leave within moments)."""
        pid_file, socket = self.place.data / "postmaster.pid", self.place.sockets / f".s.PGSQL.{PORT}"
        if pid_file.exists():
            self._dismiss_orphan()
        _wait_while(
            lambda: _inhabitants(self.place.data),
            f"数据文件夹 {self.place.data} 正被占用",
            f"the data folder {self.place.data} is in use",
        )
        for remains in (pid_file, socket, socket.with_name(socket.name + ".lock")):
            remains.unlink(missing_ok=True)

    def _dismiss_orphan(self) -> None:
        """Where no signal follows the owner's death, his server lives on and answers: ask it, through its own connection,
        to end itself. Its number is read by itself, in its own folder, so it cannot be another's. Whatever the connection says as
        it dies, what counts is that nobody answers any more."""
        with contextlib.suppress(psycopg.Error), psycopg.connect(self.url, connect_timeout=5) as conn:
            conn.execute("copy (select) to program 'kill -INT $(head -n 1 postmaster.pid)'")
        _wait_while(
            lambda: self._knock() is None, "上次运行的数据库没有退出", "the server of an earlier run does not leave"
        )

    def _launch(self) -> None:
        options = self.conf | {"unix_socket_directories": f'"{self.place.sockets}"', "port": PORT}
        settings = [arg for key, value in options.items() for arg in ("-c", f"{key}={value}")]
        with open(self.home / "server.log", "ab", opener=_private) as log:
            self.process = subprocess.Popen(
                [self.place.programs / "postgres", "-D", self.place.data, *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=_die_with(os.getpid()), **self.place.run_as(),
            )  # fmt: skip

    def _knock(self) -> str | None:
        """Why the server does not answer yet; None when it does."""
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            return str(error).strip()
        return None

    def _log_end(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return (self.home / "server.log").read_text(errors="replace")[-600:].strip()
        return "(no log)"


def _initdb(place: Place, data: Path, pwfile: str) -> list[str | Path]:
    """The locale is fixed here: with the C locale, search in Chinese finds nothing. PostgreSQL has one of its own since 17."""
    ctype = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
    own = programs.major(place.programs) >= 17
    provider = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if own else ["--locale-provider=libc"]
    return [place.programs / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={pwfile}",
            "--encoding=UTF8", "--lc-collate=C", f"--lc-ctype={ctype}", *provider, "--no-instructions"]  # fmt: skip


def _wait_while(busy: Callable[[], object], zh: str, en: str) -> None:
    """Wait until `busy` finds nothing. Raises YutangError with the problem, and with what it found, when patience ends."""
    end = time.monotonic() + PATIENCE
    while found := busy():
        if time.monotonic() > end:
            raise YutangError(
                f"{zh}（{found}），请结束占用它的程序后再试。 {en} ({found}); stop whoever works there and try again"
            )
        time.sleep(0.1)


def _text(output: bytes) -> str:
    return output.decode(errors="replace").strip()[-600:]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _try_lock(path: Path) -> IO[str] | None:
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _inhabitants(data: Path) -> list[int]:
    """Living servers whose working folder is `data` (Linux; elsewhere the server refuses a folder in use by itself)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            alive = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
            server = Path(os.readlink(entry / "exe")).name.startswith("postgres")
            if alive and server and Path(os.readlink(entry / "cwd")) == data.resolve():
                found.append(int(entry.name))
    return found


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with(owner: int) -> Callable[[], None]:
    """What the child does before it becomes the server: leave when its owner leaves, and at once if he has left already."""
    parent_death_signal = 1

    def before() -> None:
        if _libc is not None:
            _libc.prctl(parent_death_signal, signal.SIGINT)
        if os.getppid() != owner:
            os._exit(1)

    return before
