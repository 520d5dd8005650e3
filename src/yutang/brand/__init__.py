"""A brand is a folder: what people wrote is read, checked as a whole, and published as immutable versions."""

from yutang.brand.folder import Brand, load_brand, read_brand, shipped
from yutang.brand.publish import publish
from yutang.brand.scene import scenes

__all__ = ["Brand", "load_brand", "publish", "read_brand", "scenes", "shipped"]
