"""Uploaded files: temporary ones that die after three days, and permanent pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator.asked import DAY, need
from yutang.emulator.errors import CityError

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

MB = 1_000_000
SMALLEST = 5
SUFFIXES = {"image": (".jpg", ".jpeg", ".png"), "voice": (".amr",), "video": (".mp4",)}
ATTACHMENT_KINDS = ("image", "video", "file")


@dataclass
class Upload:
    """A file as it came in a multipart form."""

    name: str
    data: bytes


@dataclass
class Stored:
    kind: str
    name: str
    data: bytes
    at: int
    scene: int = 0


@dataclass
class Media:
    stored: dict[str, Stored] = field(default_factory=dict)
    pictures: dict[str, Stored] = field(default_factory=dict)


def alive(city: City, media_id: str, scene: int = 0) -> Stored:
    """The file. Raises CityError: 40007 when unknown or three days old, 41072 when it was uploaded for another scene."""
    stored = city.part(Media).stored.get(media_id)
    if stored is None or stored.at + city.settings.media.ttl_d * DAY < city.stamp():
        raise CityError(40007, f"media_id {media_id} is unknown or has expired")
    if scene and stored.scene != scene:
        raise CityError(41072)
    return stored


def upload(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST media/upload?type=. The time in the answer is a text, as in life."""
    kind = given.get("type")
    stored = _store(city, kind, _file(given), 0)
    return {"type": kind, "media_id": stored, "created_at": str(city.stamp())}


def upload_attachment(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST media/upload_attachment?media_type=&attachment_type=."""
    kind, scene = given.get("media_type"), str(given.get("attachment_type"))
    if kind not in ATTACHMENT_KINDS or scene not in ("1", "2"):
        raise CityError(40004)
    return {"type": kind, "media_id": _store(city, kind, _file(given), int(scene)), "created_at": city.stamp()}


def upload_image(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST media/uploadimg: a URL that stays."""
    file = _file(given)
    _check("image", file, city.settings.media.voice_mb)
    name = city.new_id("pic")
    city.part(Media).pictures[name] = Stored("image", file.name, file.data, city.stamp())
    return {"url": f"{city.address}/city/pictures/{name}"}


def get(city: City, _: App, given: dict[str, Any]) -> bytes:
    """GET media/get: the file itself."""
    return alive(city, need(given, "media_id", 40007)).data


def _file(given: dict[str, Any]) -> Upload:
    file = given.get("media")
    if not isinstance(file, Upload):
        raise CityError(40058, "the form needs a file named media")
    return file


def _store(city: City, kind: Any, file: Upload, scene: int) -> str:
    limits = city.settings.media
    most = {"image": limits.image_mb, "voice": limits.voice_mb, "video": limits.video_mb, "file": limits.file_mb}
    if kind not in most:
        raise CityError(40004)
    _check(kind, file, most[kind])
    media_id = city.new_id("M", 43)
    city.part(Media).stored[media_id] = Stored(kind, file.name, file.data, city.stamp(), scene)
    return media_id


def _check(kind: str, file: Upload, most_mb: int) -> None:
    if not SMALLEST < len(file.data) <= most_mb * MB:
        raise CityError(40006)
    if kind in SUFFIXES and not file.name.lower().endswith(SUFFIXES[kind]):
        raise CityError(40005)
