"""What an SMS account is made of: one signature with one provider."""

from yutang.channels.platform.account import URL, Field

FIELDS = (
    Field(
        "provider", True, False, "服务商：aliyun 或 tencent", "provider: aliyun or tencent", pattern="aliyun|tencent"
    ),
    Field("key_id", True, False, "访问密钥 ID", "id of the access key"),
    Field("key_secret", True, True, "访问密钥 Secret", "secret of the access key"),
    Field("sign", True, False, "已审核的短信签名", "approved signature"),
    Field(
        "sdk_app_id",
        True,
        False,
        "短信应用 SdkAppId，数字，仅腾讯云",
        "SdkAppId of the SMS app, digits; Tencent only",
        pattern="[0-9]{1,20}",
        only_with=("provider", "tencent"),
    ),
    Field("region", False, False, "地域", "region", pattern="[a-z0-9-]{1,40}"),
    Field("base_url", False, False, "接口地址，http(s)://", "address of the API, http(s)://", pattern=URL),
)
