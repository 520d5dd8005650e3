"""A poster of a code to print: a small form, its preview, and the PDF. All of it stands in the link."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlencode

from litestar import Request, Response
from litestar.params import FromPath
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from yutang import config, definitions
from yutang.web.edge import edge_of
from yutang.web.pages.codes import book, picture
from yutang.web.pages.codes.book import Item
from yutang.web.pages.codes.layout import (
    LAYOUTS,
    LONGEST,
    POINT,
    SIZES,
    Box,
    Code,
    Cut,
    Shape,
    Text,
    Words,
    clean,
    sheet,
)
from yutang.web.pages.codes.page import PATH, picture_of
from yutang.web.pages.codes.text import TEXT
from yutang.web.pages.page import Page
from yutang.web.problems import Problem
from yutang.web.routes import look

FONT = "STSong-Light"
"""A font that readers of PDF bring along for Chinese, so none lies in the file."""
MOST_PIXELS = 4096
"""Of a side of the picture."""
TONES = {
    "ink": "#1d2523", "soft": "#5d6966", "light": "#d5ebe8", "pond": "#0f6b6b", "paper": "#ffffff", "line": "#d9e0dd",
}  # fmt: skip
TITLES = {
    "staff": ("扫码加我们", "新品、到货和活动，第一时间告诉你"),
    "groups": ("扫码进群", "群里有新品、活动，也能随时提问"),
    "fans": ("扫码关注我们", "会员查询、优惠和活动都在这里"),
}
"""What a new poster says, by where the code leads."""


@look(PATH + "/poster", "codes")
def poster(request: Request, kind: FromPath[str], app: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """The form and the preview."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        item = _printable(book.one(edge, conn, request.state.visitor, kind, app, name))
        pond = definitions.pond(conn)
    page = Page(request, pond["time_zone"], TEXT)
    found = picture.fetch(item.account, item.code.qr_code)
    asked = _asked(page, item, pond)
    link = urlencode(asked)
    return page.show(
        "codes/poster.html",
        item=item,
        asked=asked,
        longest=LONGEST,
        sizes=list(SIZES),
        layouts=LAYOUTS,
        size=SIZES[asked["size"]],
        shapes=_shapes(asked),
        tones=TONES,
        picture=found,
        pdf=f"{item.path}/poster.pdf?{link}",
        link=f"{(config.PUBLIC_URL.value or str(request.base_url)).rstrip('/')}{item.path}/poster?{link}",
    )


@look(PATH + "/poster.pdf", "codes")
def pdf(request: Request, kind: FromPath[str], app: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """The sheet, to print."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        item = _printable(book.one(edge, conn, request.state.visitor, kind, app, name))
        pond = definitions.pond(conn)
    page = Page(request, pond["time_zone"], TEXT)
    found, asked = picture_of(request, kind, app, name), _asked(page, item, pond)
    data = drawn(_shapes(asked), SIZES[asked["size"]], found.data or b"", asked["title"])
    file = quote(f"{item.name}-{asked['size']}.pdf")
    named = f"inline; filename=poster.pdf; filename*=UTF-8''{file}"
    return Response(
        data, media_type="application/pdf", headers={"content-disposition": named, "cache-control": "no-store"}
    )


def _printable(item: Item) -> Item:
    if item.state == "retired" or not item.code.qr_code:
        raise Problem(404, "这张码现在没有可打印的图片。 there is no picture of this code to print now")
    return item


def _asked(page: Page, item: Item, pond: dict[str, Any]) -> dict[str, str]:
    """What the link says; what it leaves out is as it usually is."""
    given, (title, words) = page.request.query_params, TITLES[item.leads_to]
    usual = {"title": title, "words": words, "store": item.code.store or "", "brand": pond["title"]["zh"]}
    texts = {name: clean(given.get(name, text), LONGEST[name]) for name, text in usual.items()}
    size, layout = given.get("size", ""), given.get("layout", "")
    return texts | {"size": size if size in SIZES else "A4", "layout": layout if layout in LAYOUTS else "poster"}


def _shapes(asked: dict[str, str]) -> list[Shape]:
    words = Words(asked["title"], asked["words"], asked["store"], asked["brand"], TEXT["p.scan"][0])
    return sheet(asked["layout"], asked["size"], words, measure)


@cache
def _font() -> str:
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    return FONT


def measure(text: str, size: float) -> float:
    """As the PDF will have it."""
    return pdfmetrics.stringWidth(text, _font(), size)


def drawn(shapes: list[Shape], size: tuple[float, float], png: bytes, title: str) -> bytes:
    """The PDF of a sheet. Raises Problem where the picture is none."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=(size[0] / POINT, size[1] / POINT), invariant=1, pageCompression=1)
    canvas.setTitle(title)
    canvas.scale(1 / POINT, 1 / POINT)
    image = _image(png)
    for shape in shapes:
        _DRAW[type(shape)](canvas, shape, size[1], image)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _image(png: bytes) -> ImageReader:
    """Looked at before it is unpacked: a small file may hold an immense picture."""
    try:
        image = ImageReader(BytesIO(png))
        if max(image.getSize()) > MOST_PIXELS:
            raise ValueError("too large")
    except Exception as error:
        raise Problem(502, "二维码图片打不开。 the picture of the code cannot be read", "picture") from error
    return image


def _box(canvas: Canvas, box: Box, height: float, _: ImageReader) -> None:
    canvas.setFillColor(TONES[box.tone])
    canvas.roundRect(box.x, height - box.y - box.height, box.width, box.height, box.round, stroke=0, fill=1)


def _text(canvas: Canvas, text: Text, height: float, _: ImageReader) -> None:
    """The font has one weight: bold is drawn with an outline."""
    canvas.setFillColor(TONES[text.tone])
    canvas.setStrokeColor(TONES[text.tone])
    canvas.setLineWidth(text.size * 0.03)
    canvas.setFont(_font(), text.size)
    canvas.drawCentredString(text.x, height - text.y, text.text, mode=2 if text.bold else 0)


def _code(canvas: Canvas, code: Code, height: float, image: ImageReader) -> None:
    canvas.drawImage(
        image, code.x, height - code.y - code.side, code.side, code.side, preserveAspectRatio=True, anchor="c"
    )


def _cut(canvas: Canvas, cut: Cut, height: float, _: ImageReader) -> None:
    canvas.setStrokeColor(TONES["soft"])
    canvas.setLineWidth(0.15)
    canvas.setDash(1.5, 1.5)
    canvas.line(cut.x1, height - cut.y1, cut.x2, height - cut.y2)
    canvas.setDash()


_DRAW: dict[type, Any] = {Box: _box, Text: _text, Code: _code, Cut: _cut}
