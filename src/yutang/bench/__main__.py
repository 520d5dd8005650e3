"""``python -m yutang.bench --task T5 --scale 0.05``: the same as ``yutang bench``."""

import argparse
import sys

from yutang.bench import main
from yutang.model import YutangError

parser = argparse.ArgumentParser(prog="yutang bench")
parser.add_argument("--task", help="one task; all of them when left out")
parser.add_argument("--scale", type=float, default=1.0, help="1 is 1,000,000 persons and 20,000,000 events")
arguments = parser.parse_args()
try:
    sys.exit(main(arguments.task, arguments.scale))
except YutangError as error:
    sys.exit(str(error))
