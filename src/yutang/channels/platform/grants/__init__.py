"""Grants: messages that a person agrees to one by one, as official accounts and mini-programs send them; counted here for both.

`hear` counts what callbacks say, `post` sends a letter against a grant, `fields` knows what may stand in one.
"""
