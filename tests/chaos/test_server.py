"""The embedded server against everything that happens to a process: kills, stale files, strange folders, other users."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from yutang import config
from yutang.db import server as module
from yutang.db.keeper import kept
from yutang.db.place import SHARED
from yutang.db.server import Server
from yutang.model import YutangError

pytestmark = pytest.mark.chaos
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down to another account")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")

PACKAGED = sorted(Path("/usr/lib/postgresql").glob("1[5-9]/bin"))
OWNER = """
import sys
from pathlib import Path
from yutang.db import server as module
if "deaf" in sys.argv:
    module._die_with = lambda owner: lambda: None
server = module.Server(Path(sys.argv[1]))
server.start()
print(server.process.pid if server.process else 0, flush=True)
sys.stdin.read()
server.stop()
"""


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A new folder through which every user may pass."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="yutang-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def base() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture
def bare(base: Path) -> Path:
    """A home folder in which no server has run yet."""
    home = base / "home"
    home.mkdir()
    return home


@pytest.fixture(scope="module")
def settled() -> Iterator[Path]:
    """A home folder whose database is made; making one costs more than most tests here."""
    with open_folder() as folder:
        home = folder / "home"
        home.mkdir()
        once(home, "select 1")
        yield home


@pytest.fixture
def home(base: Path, settled: Path) -> Path:
    """A copy of the settled home folder."""
    subprocess.run(["cp", "-a", settled, base], check=True)
    return base / "home"


@pytest.fixture
def secluded() -> Iterator[Path]:
    """A folder that only its owner may enter."""
    home = Path(tempfile.mkdtemp(prefix="yutang-secluded-"))
    yield home
    shutil.rmtree(home)


@pytest.fixture
def owners() -> Iterator[Callable[..., tuple[subprocess.Popen[str], int]]]:
    """Starts a process that owns a home's server; returns it and the server's pid."""
    started: list[subprocess.Popen[str]] = []

    def start(home: Path, *words: str, **how: Any) -> tuple[subprocess.Popen[str], int]:
        owner = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(home), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **how,
        )  # fmt: skip
        started.append(owner)
        assert owner.stdout
        return owner, int(owner.stdout.readline())

    yield start
    for owner in started:
        owner.communicate(timeout=30)


def run(home: Path, statement: str) -> list[tuple[Any, ...]]:
    """One statement on a server that is up."""
    with psycopg.connect(Server(home).url) as conn:
        cursor = conn.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def once(home: Path, statement: str) -> list[tuple[Any, ...]]:
    """Start the server, run one statement, stop it."""
    server = Server(home)
    try:
        server.start()
        assert server.process is not None, "this process must own the server"
        return run(home, statement)
    finally:
        server.stop()


def vanished(pid: int, seconds: float = 20) -> bool:
    """Has the process ended (or is it a zombie) within some time?"""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def test_cold_then_warm_with_the_data_kept_whatever_the_environment(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"LC_ALL": "zh_XX", "LANG": "zh_XX", "PGPORT": "6543", "PGDATABASE": "none"}.items():
        monkeypatch.setenv(name, value)
    (bare / "pg.half").mkdir()
    (bare / "pg.half" / "left").write_text("by a start that was cut off")
    once(bare, "create extension pg_trgm; create table fish as select generate_series(1, 3) as n")
    assert once(bare, "select count(*), upper('ä'), similarity('瑞幸咖啡', '瑞幸') > 0 from fish") == [(3, "Ä", True)]
    assert not (bare / "pg.half").exists()
    assert (bare / "password").stat().st_mode & 0o777 == 0o600


def test_kill_of_the_server_and_a_pid_that_is_somebody_elses_now(home: Path) -> None:
    server = Server(home)
    server.start()
    run(home, "create table fish as select generate_series(1, 1000) as n")
    assert server.process
    server.process.kill()
    server.process.wait()
    pid_file = server.place.data / "postmaster.pid"
    lock = server.place.sockets / ".s.PGSQL.5432.lock"
    assert lock.exists()
    assert pid_file.exists()
    server.stop()
    with subprocess.Popen(["sleep", "300"], **server.place.run_as()) as stranger:
        for file in (pid_file, lock):
            lines = file.read_text().splitlines()
            file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert once(home, "select count(*) from fish") == [(1000,)]
        assert stranger.poll() is None, "a process that we did not start was touched"
        stranger.kill()


def test_a_killed_server_is_started_again_and_keeps_what_was_committed(home: Path) -> None:
    """Each time it is said; that it leaves with the program is nothing to be said."""
    server = Server(home)
    with capture_logs() as said, kept(server) as url:
        for n in range(2):
            run(home, f"create table fish_{n} as select generate_series(1, 1000) as n")
            killed = server.process
            assert killed is not None
            killed.kill()
            wait_until(lambda killed=killed: server.process is not killed and answers(url))
            assert run(home, f"select count(*) from fish_{n}") == [(1000,)]
        last = server.process
    assert last is not None
    assert last.poll() is not None, "it stays with the program"
    assert [entry["code"] for entry in said] == [-signal.SIGKILL] * 2


def test_a_program_goes_on_when_the_one_that_began_the_server_leaves(home: Path) -> None:
    with contextlib.ExitStack() as first, contextlib.ExitStack() as second:
        url = first.enter_context(kept(Server(home)))
        guest = Server(home)
        second.enter_context(kept(guest))
        run(home, "create table fish as select 1 as n")
        assert guest.process is None
        first.close()
        wait_until(lambda: guest.process is not None and answers(url))
        assert run(home, "select n from fish") == [(1,)]


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.1)


@on_linux
def test_kill_of_the_owner_takes_the_server_with_it_and_keeps_what_was_committed(home: Path, owners) -> None:
    owner, server_pid = owners(home)
    run(home, "create table fish as select generate_series(1, 1000) as n")
    owner.kill()
    assert vanished(server_pid), "the server outlived its owner"
    assert once(home, "select count(*) from fish") == [(1000,)]


def test_an_orphan_that_did_not_notice_is_asked_to_leave(home: Path, owners) -> None:
    owner, server_pid = owners(home, "deaf")
    run(home, "create table fish as select 1 as n")
    owner.kill()
    owner.wait()
    assert not vanished(server_pid, 0.5)
    assert once(home, "select count(*) from fish") == [(1,)]
    assert vanished(server_pid)


def test_the_terminals_interrupt_reaches_the_server_only_through_its_owner(home: Path, owners) -> None:
    owner, server_pid = owners(home, start_new_session=True)
    assert os.getsid(server_pid) != os.getsid(owner.pid)
    os.killpg(owner.pid, signal.SIGSTOP)
    assert run(home, "select 1") == [(1,)]
    os.killpg(owner.pid, signal.SIGCONT)


def test_a_guest_leaves_the_server_running(home: Path, owners) -> None:
    owners(home)
    guest = Server(home)
    guest.start()
    assert guest.process is None
    guest.stop()
    assert run(home, "select 1") == [(1,)]


def test_a_guest_whose_host_leaves_becomes_the_owner(home: Path) -> None:
    leaving = module._try_lock(home / "server.lock")
    assert leaving
    threading.Timer(0.5, leaving.close).start()
    assert once(home, "select 1") == [(1,)]


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    server = Server(home, {"shared_buffers": "nonsense"})
    try:
        with pytest.raises(YutangError, match="shared_buffers"):
            server.start()
    finally:
        server.stop()


def test_a_thread_may_not_own_the_server(home: Path) -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="main thread"):
        pool.submit(Server(home).start).result()


@pytest.mark.parametrize("name", ["长" * 40 + "/" + "x" * 150, '鱼塘 的家, it\'s "quoted"'], ids=["long", "odd"])
def test_any_name_of_a_folder_will_do(home: Path, base: Path, name: str) -> None:
    strange = base / name
    strange.parent.mkdir(exist_ok=True)
    home.rename(strange)
    assert once(strange, "select current_setting('data_directory')") == [(str(strange / "pg"),)]
    sockets = Server(strange).place.sockets
    if not sockets.is_relative_to(strange):
        assert sockets.stat().st_mode & 0o777 == 0o700
        shutil.rmtree(sockets)


@as_root
def test_a_folder_that_others_put_there_is_refused(bare: Path) -> None:
    (bare / "run").mkdir()
    os.chown(bare / "run", 12345, 12345)
    with pytest.raises(YutangError, match="somebody else"):
        Server(bare)


@pytest.mark.skipif(not PACKAGED, reason="the system has no PostgreSQL of its own")
def test_the_systems_postgresql_in_a_folder_of_the_users_choice(
    bare: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YUTANG_PG_BIN", str(PACKAGED[-1]))
    (base / "disk").mkdir()
    (bare / "pg").symlink_to(base / "disk")
    once(bare, "create table fish as select 1 as n")
    assert (base / "disk" / "PG_VERSION").exists()
    assert once(bare, "select upper('ä'), n from fish") == [("Ä", 1)]


@as_root
def test_root_keeps_the_data_elsewhere_when_nobody_else_can_reach_the_home(secluded: Path, base: Path) -> None:
    once(secluded, "create table fish as select 1 as n")
    first = Server(secluded).place.data
    assert first.is_relative_to(SHARED)
    moved = base / "moved"
    shutil.copytree(secluded, moved)
    assert once(moved, "select count(*) from fish") == [(1,)], "the home folder may move"
    for file in secluded.iterdir():
        file.unlink()
    second = Server(secluded).place.data
    assert once(secluded, "select to_regclass('fish')") == [(None,)], "whoever deletes the home starts afresh"
    for data in (first, second):
        shutil.rmtree(data.parent)


@as_root
def test_data_that_are_gone_are_asked_for_and_never_made_anew(secluded: Path) -> None:
    """The home folder was put back from a backup, its data were not; what holds them is told beforehand."""
    once(secluded, "create table fish as select 1 as n")
    data = Server(secluded).place.data.parent
    env = os.environ | {"YUTANG_HOME": str(secluded), "YUTANG_DATABASE_URL": "", "COLUMNS": "400"}
    doctor = [sys.executable, "-m", "yutang.cli", "doctor"]
    assert str(data) in subprocess.run(doctor, capture_output=True, text=True, env=env).stdout
    kept_aside = data.rename(data.with_name("aside"))
    with pytest.raises(YutangError, match=f"(?s){secluded}/shared-place.*{data}.*backup"):
        Server(secluded)
    assert not data.exists()
    kept_aside.rename(data)
    assert once(secluded, "select n from fish") == [(1,)]
    shutil.rmtree(data)


@as_root
def test_an_ordinary_users_server_which_root_may_run_too(bare: Path, owners) -> None:
    nobody = pwd.getpwnam("nobody")
    how: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}
    how["env"] = os.environ | {"HOME": "/nonexistent"}
    try:
        check = "from yutang.db import programs; programs.find()"
        reached = subprocess.run([sys.executable, "-c", check], capture_output=True, **how).returncode == 0
    except PermissionError:
        reached = False
    if not reached:
        pytest.skip("this Python lies where only root may go")
    os.chown(bare, nobody.pw_uid, nobody.pw_gid)
    owner, server_pid = owners(bare, **how)
    assert server_pid
    owner.communicate(timeout=30)
    assert once(bare, "select 1") == [(1,)], "root runs it as its owner"
    assert all(path.lstat().st_uid == nobody.pw_uid for path in (bare / "pg").rglob("*"))
    owner, server_pid = owners(bare, **how)
    assert server_pid, "and the owner can still run it"


def test_a_secret_is_made_once_however_many_ask(tmp_path: Path) -> None:
    texts = iter(range(1000))
    with ThreadPoolExecutor(16) as pool:
        seen = set(pool.map(lambda _: config.kept_once(tmp_path / "secret", lambda: str(next(texts))), range(64)))
    assert len(seen) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


@as_root
def test_a_home_that_cannot_be_used_is_said_in_words(base: Path) -> None:
    """Of another user, or read-only: no traceback, whichever file it is."""
    home = base / "other"
    home.mkdir(mode=0o700)
    (home / "server.lock").touch(mode=0o600)
    (home / "secret").write_text("ab" * 32)
    (home / "secret").chmod(0o600)
    for command in ("events", "key"):
        assert f"the folder {home} belong to the user" in as_nobody(home, command), command
    home.chmod(0o711)
    for command in ("events", "key"):
        assert f"the folder {home} belong to the user" in as_nobody(home, command), command


def as_nobody(home: Path, command: str) -> str:
    """The error of a command that the account `nobody` runs; this Python may lie where only root may go, so it steps down by itself."""
    program = "import os, sys; from yutang import cli; os.setgid(65534); os.setuid(65534); sys.argv[1:] = [sys.argv[1]]; cli.main()"
    env = os.environ | {"YUTANG_HOME": str(home), "YUTANG_DATABASE_URL": "", "COLUMNS": "400"}
    done = subprocess.run([sys.executable, "-c", program, command], capture_output=True, text=True, env=env)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr
