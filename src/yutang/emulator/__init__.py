"""The city: a small WeChat and WeCom on this machine, for demos and tests."""
