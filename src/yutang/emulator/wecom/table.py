"""Every WeCom path of the city."""

from __future__ import annotations

from yutang.emulator.endpoint import get, post, under
from yutang.emulator.tokens import get_token
from yutang.emulator.wecom import (
    album,
    auth,
    codes,
    contacts,
    directory,
    groups,
    groupstats,
    intercept,
    joinways,
    kf,
    links,
    mass,
    media,
    moments,
    notices,
    stats,
    strategy,
    tags,
    transfer,
    welcome,
)

_CONTENT = "text attachments"
_PAGE = "cursor limit"
_JOIN = "scene remark auto_create_room room_base_name room_base_id chat_id_list state mark_source"
_MATERIAL = "text image link miniprogram file video agentid"
_PRODUCT = "description price product_sn attachments"
_KF_KINDS = "text image voice video file link miniprogram msgmenu location"
_WAY = "remark skip_verify style state user party expires_in chat_expires_in unionid conclusions"

CONTACTS = {
    "get_follow_user_list": get(contacts.follow_users),
    "list": get(contacts.ids, "userid"),
    "get": get(contacts.get, "external_userid cursor"),
    "batch/get_by_user": post(contacts.batch, f"userid_list {_PAGE}"),
    "remark": post(
        contacts.remark,
        "userid external_userid remark description remark_company remark_mobiles remark_pic_mediaid",
    ),
    "convert_to_openid": post(contacts.to_openid, "external_userid"),
    "unionid_to_external_userid": post(contacts.by_unionid, "unionid openid"),
}
TAGS = {
    "get_corp_tag_list": post(tags.listing, "tag_id group_id"),
    "add_corp_tag": post(tags.add, "group_id group_name order tag agentid"),
    "edit_corp_tag": post(tags.edit, "id name order agentid"),
    "del_corp_tag": post(tags.delete, "tag_id group_id agentid"),
    "get_strategy_tag_list": post(strategy.listing, "strategy_id tag_id group_id"),
    "add_strategy_tag": post(strategy.add, "strategy_id group_id group_name order tag"),
    "edit_strategy_tag": post(tags.edit, "id name order"),
    "del_strategy_tag": post(tags.delete, "tag_id group_id"),
    "mark_tag": post(tags.mark, "userid external_userid add_tag remove_tag"),
}
CODES = {
    "add_contact_way": post(codes.add, f"type scene is_temp is_exclusive mark_source {_WAY}"),
    "get_contact_way": post(codes.get, "config_id"),
    "update_contact_way": post(codes.update, f"config_id mark_source {_WAY}"),
    "del_contact_way": post(codes.delete, "config_id"),
    "list_contact_way": post(codes.listing, f"start_time end_time {_PAGE}"),
    "send_welcome_msg": post(welcome.send, f"welcome_code {_CONTENT}"),
}
LINKS = {
    "customer_acquisition/create_link": post(links.create, "link_name range skip_verify priority_option mark_source"),
    "customer_acquisition/update_link": post(links.update, "link_id link_name range skip_verify"),
    "customer_acquisition/delete_link": post(links.delete, "link_id"),
    "customer_acquisition/get": post(links.get, "link_id"),
    "customer_acquisition/list_link": post(links.listing, _PAGE),
    "customer_acquisition/customer": post(links.customers, f"link_id {_PAGE}"),
    "customer_acquisition/statistic": post(links.statistic, "link_id start_time end_time"),
    "customer_acquisition_quota": get(links.quota),
}
GROUPS = {
    "groupchat/list": post(groups.listing, f"status_filter owner_filter {_PAGE}"),
    "groupchat/get": post(groups.get, "chat_id need_name"),
    "groupchat/add_join_way": post(joinways.add, _JOIN),
    "groupchat/get_join_way": post(joinways.get, "config_id"),
    "groupchat/update_join_way": post(joinways.update, f"config_id {_JOIN}"),
    "groupchat/del_join_way": post(joinways.delete, "config_id"),
    "groupchat/transfer": post(transfer.group_after_leaving, "chat_id_list new_owner"),
    "groupchat/onjob_transfer": post(transfer.group_on_job, "chat_id_list new_owner"),
    "groupchat/statistic": post(
        groupstats.by_owner, "day_begin_time day_end_time owner_filter order_by order_asc offset limit"
    ),
    "groupchat/statistic_group_by_day": post(groupstats.by_day, "day_begin_time day_end_time owner_filter"),
    "group_welcome_template/add": post(joinways.add_template, f"{_MATERIAL} notify"),
    "group_welcome_template/edit": post(joinways.edit_template, f"{_MATERIAL} template_id"),
    "group_welcome_template/get": post(joinways.get_template, "template_id"),
    "group_welcome_template/del": post(joinways.delete_template, "template_id agentid"),
}
MASS = {
    "add_msg_template": post(
        mass.add, f"chat_type external_userid chat_id_list sender allow_select tag_filter {_CONTENT}"
    ),
    "remind_groupmsg_send": post(mass.remind, "msgid"),
    "cancel_groupmsg_send": post(mass.cancel, "msgid"),
    "get_groupmsg_list_v2": post(mass.listing, f"chat_type start_time end_time creator filter_type {_PAGE}"),
    "get_groupmsg_task": post(mass.tasks, f"msgid {_PAGE}"),
    "get_groupmsg_send_result": post(mass.results, f"msgid userid {_PAGE}"),
}
MOMENTS = {
    "add_moment_task": post(moments.add, f"visible_range {_CONTENT}"),
    "get_moment_task_result": get(moments.result, "jobid"),
    "cancel_moment_task": post(moments.cancel, "moment_id"),
    "get_moment_list": post(moments.listing, f"start_time end_time creator filter_type {_PAGE}"),
    "get_moment_task": post(moments.tasks, f"moment_id {_PAGE}"),
    "get_moment_customer_list": post(moments.audience, f"moment_id userid {_PAGE}"),
    "get_moment_send_result": post(moments.seen, f"moment_id userid {_PAGE}"),
    "get_moment_comments": post(moments.comments, "moment_id userid"),
}
_HEIR = "handover_userid takeover_userid"
STAFF = {
    "transfer_customer": post(transfer.on_job, f"{_HEIR} external_userid transfer_success_msg"),
    "transfer_result": post(transfer.results, f"{_HEIR} cursor"),
    "resigned/transfer_customer": post(transfer.after_leaving, f"{_HEIR} external_userid"),
    "resigned/transfer_result": post(transfer.results, f"{_HEIR} cursor"),
    "get_unassigned_list": post(transfer.unassigned, "page_id page_size cursor"),
    "get_user_behavior_data": post(stats.behavior, "userid partyid start_time end_time"),
}
_RULE = "rule_name word_list intercept_type"
CONTENT = {
    "add_product_album": post(album.add, _PRODUCT),
    "get_product_album": post(album.get, "product_id"),
    "get_product_album_list": post(album.listing, _PAGE),
    "update_product_album": post(album.update, f"product_id {_PRODUCT}"),
    "delete_product_album": post(album.delete, "product_id"),
    "add_intercept_rule": post(intercept.add, f"{_RULE} semantics_list applicable_range"),
    "get_intercept_rule": post(intercept.get, "rule_id"),
    "get_intercept_rule_list": get(intercept.listing),
    "update_intercept_rule": post(
        intercept.update, f"rule_id extra_rule add_applicable_range remove_applicable_range {_RULE}"
    ),
    "del_intercept_rule": post(intercept.delete, "rule_id"),
}
EXTERNAL = CONTACTS | TAGS | CODES | LINKS | GROUPS | MASS | MOMENTS | STAFF | CONTENT
KF = {
    "account/list": get(kf.accounts, "offset limit"),
    "add_contact_way": post(kf.contact_way, "open_kfid scene"),
    "sync_msg": post(kf.sync, f"token open_kfid voice_format {_PAGE}"),
    "send_msg": post(kf.send, f"touser open_kfid msgid msgtype {_KF_KINDS}"),
    "send_msg_on_event": post(kf.send_on_event, f"code msgid msgtype {_KF_KINDS}"),
    "service_state/get": post(kf.state, "open_kfid external_userid"),
    "service_state/trans": post(kf.trans, "open_kfid external_userid service_state servicer_userid"),
    "customer/batchget": post(kf.customers, "external_userid_list need_enter_session_context"),
}
CORP = {
    "gettoken": get(get_token, "corpid corpsecret", free=True),
    "idconvert/unionid_to_external_userid": post(contacts.by_unionid, "unionid openid subject_type"),
    "media/upload": post(media.upload, "type media"),
    "media/upload_attachment": post(media.upload_attachment, "media_type attachment_type media"),
    "media/uploadimg": post(media.upload_image, "media"),
    "media/get": get(media.get, "media_id"),
    "user/get": get(directory.user, "userid"),
    "user/list": get(directory.users, "department_id"),
    "user/simplelist": get(directory.simple_users, "department_id"),
    "user/list_id": post(directory.user_ids, _PAGE),
    "department/list": get(directory.departments, "id"),
    "department/simplelist": get(directory.simple_departments, "id"),
    "department/get": get(directory.department, "id"),
    "auth/getuserinfo": get(auth.user_info, "code"),
    "user/getuserinfo": get(auth.old_user_info, "code"),
    "auth/getuserdetail": post(auth.user_detail, "user_ticket"),
    "get_jsapi_ticket": get(auth.corp_ticket),
    "ticket/get": get(auth.app_ticket, "type"),
    "message/send": post(
        notices.send,
        "touser toparty totag agentid msgtype safe enable_id_trans enable_duplicate_check duplicate_check_interval "
        "text image voice video file textcard news mpnews markdown miniprogram_notice template_card",
    ),
    "webhook/send": post(notices.robot, "key msgtype text markdown image news file", free=True),
    "getcallbackip": get(lambda _city, _app, _given: {"ip_list": ["127.0.0.1"]}),
    "get_api_domain_ip": get(lambda _city, _app, _given: {"ip_list": ["127.0.0.1"]}),
}
PATHS = under("cgi-bin/", under("externalcontact/", EXTERNAL) | under("kf/", KF) | CORP)
KF_PATHS = under("cgi-bin/", under("kf/", KF) | {path: CORP[path] for path in ("gettoken", "media/upload")})
"""What the secret of customer service opens."""
