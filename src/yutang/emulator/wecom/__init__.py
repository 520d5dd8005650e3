"""WeCom's server interfaces, one module per subject. A handler is ``(city, app, given) -> answer``, called under the lock."""
