"""What the account of a mini-program is made of. Without an AES key its callbacks come unencrypted."""

from yutang.channels.platform.account import AES_KEY, TOKEN, URL, Field

FIELDS = (
    Field("app_id", True, False, "小程序 AppID，wx 开头", "app id, begins with wx", pattern=r"[A-Za-z0-9_-]{1,64}"),
    Field("secret", True, True, "小程序 AppSecret", "secret of the app"),
    Field(
        "token", True, True, "回调 Token，3–32 位字母数字", "callback token, 3 to 32 letters and digits", pattern=TOKEN
    ),
    Field(
        "aes_key",
        False,
        True,
        "回调 EncodingAESKey，43 位，安全模式必填",
        "callback EncodingAESKey, 43 characters; needed in safe mode",
        pattern=AES_KEY,
    ),
    Field(
        "base_url",
        False,
        False,
        "接口地址，http(s)://",
        "address of the API, http(s)://",
        "https://api.weixin.qq.com",
        URL,
    ),
)
