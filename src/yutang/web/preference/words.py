"""The words of the page: Chinese and English."""

from __future__ import annotations

Words = dict[str, str]


def _both(zh: str, en: str) -> Words:
    return {"zh": zh, "en": en}


WORDS: dict[str, Words] = {
    "title": _both("消息偏好", "Your messages"),
    "lead": _both("想收到什么、多久一次、什么时候，由您决定。", "What you get, how often and when is up to you."),
    "saved": _both("已保存，马上生效。", "Saved, and in force at once."),
    "undo": _both("撤销", "Undo"),
    "stopped": _both(
        "您已停止接收全部消息。打开任意一项即可恢复该项。",
        "You get nothing from us. Switch anything on to get that again.",
    ),
    "channels": _both("接收方式", "Ways to reach you"),
    "no_channels": _both("我们目前没有可以联系您的方式。", "There is no way for us to reach you at present."),
    "classes": _both("消息内容", "Kinds of messages"),
    "marketing": _both("优惠与活动", "Offers and events"),
    "marketing_note": _both("优惠券、新品、会员日", "Coupons, new products, member days"),
    "companion": _both("使用知识与问候", "Know-how and greetings"),
    "companion_note": _both("小贴士、节日与生日问候", "Tips, holiday and birthday wishes"),
    "service_note": _both(
        "订单与售后通知不属于以上内容，只随接收方式开关。",
        "Notices about your orders are neither; they follow the ways to reach you alone.",
    ),
    "often": _both("频率", "How often"),
    "often_label": _both("每 {days} 天最多", "In {days} days at most"),
    "often_brand": _both("按品牌的安排", "As the brand does"),
    "often_n": _both("{n} 条", "{n}"),
    "hours": _both("免打扰", "Quiet hours"),
    "hours_brand": _both("默认 {hour}", "as usual, {hour}"),
    "from": _both("开始", "From"),
    "to": _both("结束", "To"),
    "zone": _both("所在时区", "Your time zone"),
    "zone_brand": _both("默认（{zone}）", "as usual ({zone})"),
    "save": _both("保存", "Save"),
    "stop": _both("停止接收全部消息", "Stop everything"),
    "stop_note": _both(
        "所有方式、所有内容都不再发送；随时可以恢复。", "No message of any kind, by any way. You can change your mind."
    ),
    "arrival": _both("我们如何认识您", "How you came to us"),
    "arrival_none": _both("还没有记录。", "Nothing is recorded yet."),
    "registered": _both("成为会员", "You became a member"),
    "contact_added": _both("添加了我们的顾问", "You added one of our staff"),
    "followed": _both("关注了我们", "You followed us"),
    "scanned": _both("扫了我们的码", "You scanned one of our codes"),
    "group_joined": _both("加入了我们的群", "You joined a group of ours"),
    "ordered": _both("第一次下单", "Your first order"),
    "at_store": _both("门店：{store}", "store: {store}"),
    "gone_title": _both("链接已失效", "This link no longer works"),
    "gone": _both(
        "链接不完整或已过期。请打开最近一条消息里的链接，或直接回复告诉我们。",
        "It is incomplete or too old. Open the one in our newest message, or simply answer one of them.",
    ),
    "busy_title": _both("请稍后再试", "A moment, please"),
    "busy": _both("操作太频繁，请十分钟后再试。", "That was too often; try again in ten minutes."),
    "one_title": _both("不再通过「{channel}」接收？", "No more by {channel}?"),
    "one_button": _both("不再接收", "Stop these"),
    "one_done": _both("已退订「{channel}」，马上生效。", "No more by {channel}, from now on."),
    "one_all": _both("查看全部偏好", "All your choices"),
}

ZONES: dict[str, Words] = {
    "Asia/Shanghai": _both("北京", "Beijing"),
    "Asia/Hong_Kong": _both("香港", "Hong Kong"),
    "Asia/Taipei": _both("台北", "Taipei"),
    "Asia/Urumqi": _both("乌鲁木齐", "Urumqi"),
    "Asia/Tokyo": _both("东京", "Tokyo"),
    "Asia/Singapore": _both("新加坡", "Singapore"),
    "Asia/Bangkok": _both("曼谷", "Bangkok"),
    "Asia/Dubai": _both("迪拜", "Dubai"),
    "Europe/London": _both("伦敦", "London"),
    "Europe/Paris": _both("巴黎", "Paris"),
    "America/New_York": _both("纽约", "New York"),
    "America/Los_Angeles": _both("洛杉矶", "Los Angeles"),
    "Australia/Sydney": _both("悉尼", "Sydney"),
}
"""Time zones to choose from; one that is known of the person is offered as well."""
