"""What an account of customer service (微信客服) is made of: one service account of a corp, and the secret that may use it."""

from yutang.channels.platform.account import CALLBACK_KEY, CALLBACK_TOKEN, CORP_ID, Field, base_url

FIELDS = (
    CORP_ID,
    Field(
        "secret",
        True,
        True,
        "微信客服的 Secret，或可调用微信客服接口的自建应用的 Secret",
        "secret of customer service, or of an app that may call it",
    ),
    Field(
        "open_kfid",
        True,
        False,
        "客服账号 ID，wk 开头",
        "id of the service account, begins with wk",
        pattern=r"[A-Za-z0-9_-]{1,64}",
    ),
    CALLBACK_TOKEN,
    CALLBACK_KEY,
    base_url("https://qyapi.weixin.qq.com"),
)
