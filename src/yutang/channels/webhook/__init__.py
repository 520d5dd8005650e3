"""Webhook: each message as a signed HTTP POST, for systems that send by themselves."""
