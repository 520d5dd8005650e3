"""``python -m yutang.cli``: the same as ``yutang``."""

from yutang.cli import main

main()
