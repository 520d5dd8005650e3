"""WeCom: external contacts, groups, tasks that staff send, welcomes."""
