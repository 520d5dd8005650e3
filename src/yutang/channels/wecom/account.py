"""What a WeCom account is made of: one self-built app of one corp."""

from yutang.channels.platform.account import CALLBACK_KEY, CALLBACK_TOKEN, CORP_ID, URL, Field, base_url
from yutang.channels.wecom.tasks import settings

FIELDS = (
    CORP_ID,
    Field("agent_id", True, False, "自建应用 AgentId，数字", "agent id of the app, digits", pattern=r"[0-9]{1,20}"),
    Field("secret", True, True, "自建应用 Secret", "secret of the app"),
    CALLBACK_TOKEN,
    CALLBACK_KEY,
    base_url("https://qyapi.weixin.qq.com"),
    Field(
        "admins",
        False,
        False,
        "可用企业微信登录控制台的成员账号，逗号分隔，默认无人",
        "userids of those who may open the console by WeCom login, comma-separated; nobody by default",
        pattern=r"[A-Za-z0-9_@.-]{1,64}(?:, ?[A-Za-z0-9_@.-]{1,64})*",
    ),
    Field(
        "login_url",
        False,
        False,
        "浏览器扫码登录页，http(s)://，默认企业微信官方页",
        "page where browsers scan to sign in, http(s)://; WeCom's own by default",
        pattern=URL,
    ),
    Field(
        "inside_url",
        False,
        False,
        "企业微信客户端内的授权页，http(s)://，默认官方页",
        "page that signs in inside the WeCom client, http(s)://; WeCom's own by default",
        pattern=URL,
    ),
    *settings.FIELDS,
)
