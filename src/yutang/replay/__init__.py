"""The past or the days to come, played in a scratch schema under a virtual clock: the same stages, and nothing is sent."""

from yutang.replay.asked import Asked, drafts_of, play
from yutang.replay.backtest import backtest
from yutang.replay.dryrun import dry_run
from yutang.replay.report import Report
from yutang.replay.scratch import scratch, sweep

__all__ = ["Asked", "Report", "backtest", "drafts_of", "dry_run", "play", "scratch", "sweep"]
