"""The words of one's own page: (Chinese, English)."""

from yutang.web.pages.settings.text import TEXT as SETTINGS

SHARED = (
    "sessions", "sessions_none", "browser", "address", "seen_at", "signed_in_at", "this_one", "sign_out_all", "new_password",
    "role", "scope", "scope.all", "scope.none", "ways", "by_password", "login_name",
)  # fmt: skip

TEXT: dict[str, tuple[str, str]] = {name: SETTINGS[name] for name in SHARED} | {
    "me": ("我的账号", "My account"),
    "sign_out_ask": ("退出其他设备上的登录？", "Sign out on the other devices?"),
    "sign_out_all": ("退出其他设备", "Sign out elsewhere"),
    "password_change": ("修改密码", "Change the password"),
    "password_lead": ("改好后，其他设备上的登录会退出。", "It signs you out on the other devices."),
    "password_old": ("现在的密码", "The password now"),
    "password_again": ("再输一次新密码", "The new password again"),
    "password_hint": ("至少 {n} 个字符，一句话最好记", "at least {n} characters; a sentence is easy to remember"),
    "password_differ": ("两次输入的新密码不一样。", "The two new passwords differ."),
    "password_wrong": ("现在的密码不对。", "This is not the password."),
    "password_none": ("你用企业账号登录，没有密码。", "You sign in with the company's account and have no password."),
    "too_many": ("错误次数太多，请十分钟后再试。", "Too many wrong tries; try again in ten minutes."),
    "no_user": (
        "你没有用自己的用户登录（{name}），这里没有可改的。",
        "You are not signed in as a user of your own ({name}), so there is nothing to change here.",
    ),
}
