"""stores.yml: the brand's stores and where they are."""

from __future__ import annotations

from typing import Any

from yutang.source import Node


def stores(root: Node) -> dict[str, dict[str, Any]]:
    """``{name: {"title": {"zh", "en"}, "lat", "lon"}}``, in degrees. Raises SourceError."""
    return {name: _store(node) for name, node in root.mapping().items()}


def _store(node: Node) -> dict[str, Any]:
    keys = node.mapping(known=("title", "lat", "lon"), required=("title", "lat", "lon"))
    title = keys["title"].mapping(known=("zh", "en"), required=("zh", "en"))
    return {
        "title": {language: title[language].text() for language in ("zh", "en")},
        "lat": _degrees(keys["lat"], 90),
        "lon": _degrees(keys["lon"], 180),
    }


def _degrees(node: Node, most: int) -> float:
    if not -most <= node.number() <= most:
        raise node.fail(
            f"度数在 -{most} 到 {most} 之间，例如 {{lat: 31.2304, lon: 121.4737}}。",
            f"degrees lie between -{most} and {most}; write for example {{lat: 31.2304, lon: 121.4737}}",
        )
    return float(node.number())
