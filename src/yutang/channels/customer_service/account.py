"""What an account of customer service (微信客服) is made of: one service account of a corp, and the secret that may use it."""

from yutang.channels.platform.account import AES_KEY, TOKEN, URL, Field

FIELDS = (
    Field("corp_id", True, False, "企业 ID，ww 开头", "corp id, begins with ww", pattern=r"[A-Za-z0-9_-]{1,64}"),
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
    Field(
        "token", True, True, "回调 Token，3–32 位字母数字", "callback token, 3 to 32 letters and digits", pattern=TOKEN
    ),
    Field(
        "aes_key", True, True, "回调 EncodingAESKey，43 位", "callback EncodingAESKey, 43 characters", pattern=AES_KEY
    ),
    Field(
        "base_url",
        False,
        False,
        "接口地址，http(s)://",
        "address of the API, http(s)://",
        "https://qyapi.weixin.qq.com",
        URL,
    ),
)
