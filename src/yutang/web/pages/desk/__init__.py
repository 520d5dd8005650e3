"""Page: the desk of a member of staff, on a phone. Its routes are in `yutang.web.desk`."""
