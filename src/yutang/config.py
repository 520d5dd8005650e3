"""The settings of the program: one row each, read from the environment; the reference page is made from these rows."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from yutang.model import YutangError


@dataclass(frozen=True)
class Setting:
    """One setting: the variable that carries it, what holds without it, and the help an operator reads, in Chinese and English."""

    name: str
    default: str
    help: str

    @property
    def value(self) -> str:
        """The text in force: the environment's, else the default."""
        return os.environ.get(self.name, self.default)


HOME = Setting(
    "YUTANG_HOME",
    ".yutang",
    "安装内容所在的文件夹：数据库、密钥、日志。 Folder of everything this installation keeps: database, secret, logs.",
)
DEMO = Setting(
    "YUTANG_DEMO",
    "",
    "在这个品牌上次演示的鱼塘里工作，时间停在演示所到之处；不动你自己的鱼塘。 "
    "Work in the pond of this brand's last demo, at the time it is there, instead of your own.",
)
DATABASE_URL = Setting(
    "YUTANG_DATABASE_URL",
    "",
    "改用的 PostgreSQL（15 或更新）；为空时用自带的数据库。 "
    "PostgreSQL 15 or newer to use instead of the embedded server.",
)
LAKE_URL = Setting(
    "YUTANG_LAKE_URL",
    "",
    "历史数据（Parquet 文件）放在哪里：文件夹，或 S3 兼容存储的 s3://bucket/prefix；为空时放在安装文件夹的 lake 里。clickhouse://… 指定一个集群：问题由它回答，数据从该文件夹送入。 "
    "Where the history lies as Parquet files: a folder, or s3://bucket/prefix for S3-compatible storage; the folder lake in the home folder when empty. "
    "clickhouse://… names a cluster that is asked instead and fed from that folder.",
)
LAKE_HOURS = Setting(
    "YUTANG_LAKE_HOURS",
    "24",
    "worker 每隔几小时归档一次历史；0：只在运行 `yutang lake archive` 时归档。 "
    "How often the worker brings the history up to date, in hours; 0: only `yutang lake archive` does.",
)
PG_BIN = Setting(
    "YUTANG_PG_BIN",
    "",
    "自带数据库所用 PostgreSQL 程序的文件夹；为空时自动查找。 "
    "Folder with PostgreSQL's programs for the embedded server; found by itself when empty.",
)
TRAIN_HOURS = Setting(
    "YUTANG_TRAIN_HOURS",
    "24",
    "worker 每隔几小时重新训练模型并更换全部预测；0：只在运行 `yutang predict train` 时训练。 "
    "How often the worker trains the models anew and replaces all predictions, in hours; 0: only `yutang predict train` does.",
)
SECRET = Setting(
    "YUTANG_SECRET",
    "",
    "安装密钥，其他钥匙由它推出；共用一个数据库的机器必须相同。为空时保存在安装文件夹里。 "
    "The secret from which keys are derived; the same on every machine that shares a database. Kept in the home folder when empty.",
)
API_KEY = Setting(
    "YUTANG_API_KEY",
    "",
    "接口钥匙；为空时由安装密钥推出（`yutang key` 显示）。 "
    "Bearer key of the API; derived from the secret when empty (`yutang key` shows it).",
)
HOST = Setting("YUTANG_HOST", "127.0.0.1", "网页与接口监听的地址。 Address on which the web edge listens.")
PORT = Setting("YUTANG_PORT", "8420", "网页与接口监听的端口。 Port on which the web edge listens.")
PUBLIC_URL = Setting(
    "YUTANG_PUBLIC_URL",
    "",
    "浏览器访问网页的地址，例如 https://crm.example.com：在反向代理后面必须写，登录后要回到这里；消息里的偏好页链接也用它。为空时按请求判断，消息里没有这种链接。 "
    "Address at which browsers reach the web edge, for example https://crm.example.com: needed behind a proxy, for logins lead back to it, "
    "and for messages, which link to each person's preference page. Taken from the request, and no such links, when empty.",
)
SMTP_URL = Setting(
    "YUTANG_SMTP_URL",
    "",
    "邮件服务器，例如 smtp://user:password@mail.example:587；为空时不发邮件。 "
    "Mail server, for example smtp://user:password@mail.example:587; empty switches e-mail off.",
)
MAIL_FROM = Setting("YUTANG_MAIL_FROM", "yutang@localhost", "邮件的发件人。 Sender of e-mail.")
WEBHOOK_URL = Setting(
    "YUTANG_WEBHOOK_URL",
    "",
    "接收 webhook 渠道消息的地址；为空时不用该渠道。 "
    "Address that receives the messages of the webhook channel; empty switches it off.",
)
CALL_INSIDE = Setting(
    "YUTANG_CALL_INSIDE",
    "",
    "旅程可以调用的内网主机与网段，用逗号隔开，例如 erp.local,10.2.0.0/16；其他内网地址一律拒绝。 "
    "Hosts and networks inside your own network that journeys may call, between commas, for example erp.local,10.2.0.0/16; "
    "every other inner address is refused.",
)

SETTINGS = (
    HOME,
    DEMO,
    DATABASE_URL,
    LAKE_URL,
    LAKE_HOURS,
    TRAIN_HOURS,
    PG_BIN,
    SECRET,
    API_KEY,
    HOST,
    PORT,
    PUBLIC_URL,
    SMTP_URL,
    MAIL_FROM,
    WEBHOOK_URL,
    CALL_INSIDE,
)


def home() -> Path:
    """The home folder, absolute, made when it does not exist: for its owner alone, but when root owns it, others may pass
    through (not look): the database server does not run as root."""
    path = Path(HOME.value).expanduser().absolute()
    try:
        path.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise YutangError(
            f"无法建立文件夹 {path}，请让 {HOME.name} 指向可写的文件夹。 "
            f"cannot make the folder {path} ({error.strerror}); let {HOME.name} name one that can be written to"
        ) from error
    return path


@contextlib.contextmanager
def at_home(folder: Path) -> Iterator[None]:
    """What goes wrong in the block with the files of the home folder is said in words. Raises YutangError."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise YutangError(
            f"{where} 读写不了：请把文件夹 {folder} 交给运行程序的用户，并让它可写（不要时而用 root、时而不用），或换一个 {HOME.name}。 "
            f"{where} cannot be used ({error.strerror or error}); let the folder {folder} belong to the user that runs the program, "
            f"and be writable (do not change between root and another), or choose another {HOME.name}"
        ) from error


def due(every: Setting, last: datetime | None, now: datetime) -> bool:
    """Is it time again for what a setting says to do every so many hours (0: never by itself)? Raises YutangError when it is no number."""
    try:
        hours = float(every.value)
    except ValueError:
        raise YutangError(
            f"{every.name} 现在是“{every.value}”，请写小时数，0 表示从不。 "
            f"{every.name} is '{every.value}'; write a number of hours, or 0 for never"
        ) from None
    return hours > 0 and (last is None or last + timedelta(hours=hours) <= now)


def kept_once(path: Path, make: Callable[[], str]) -> str:
    """The text kept in `path`; made at first use, readable by its owner alone. Of two processes that make it at once both
    read the same: the file appears whole or not at all."""
    with at_home(path.parent):
        return _kept_once(path, make)


def _kept_once(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        handle, half = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "w") as file:
            file.write(make())
            file.flush()
            os.fsync(handle)
        with contextlib.suppress(FileExistsError):
            os.link(half, path)
        os.unlink(half)
    return path.read_text().strip()
