"""The past or the days to come, played in a scratch schema under a virtual clock: the same stages, and nothing is sent."""
