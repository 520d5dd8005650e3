"""What the channels of large platforms share: accounts, callbacks, tokens, pace, calls, news."""
