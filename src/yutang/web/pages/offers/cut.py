"""Taking an entry out of a YAML file as text, so that comments above the entries that stay do not go with it. Pure."""

from __future__ import annotations

from yutang.brand import tree


def cut(text: str, name: str) -> str:
    """The file without the entry: its lines, and the comment right above it. The same text where there is no such entry."""
    root = tree.read(text)
    if name not in root:
        return text
    if root.fa.flow_style():
        del root[name]
        return tree.write(root)
    lines = text.splitlines(keepends=True)
    begins = sorted(root.lc.key(key)[0] for key in root)
    begin = root.lc.key(name)[0]
    end = next((line for line in begins if line > begin), len(lines))
    while end > begin + 1 and _is_aside(lines[end - 1]):
        end -= 1
    while begin > 0 and lines[begin - 1].startswith("#"):
        begin -= 1
    return "".join(lines[:begin] + lines[end:])


def _is_aside(line: str) -> bool:
    """A blank line, or a comment at the beginning of the line: it belongs to what follows."""
    return not line.strip() or line.startswith("#")
