-- name: erase_wecom_relation
delete from wecom_relation t where t.account = any(%(accounts)s::text[]) and t.external_userid = any(%(names)s::text[]);

-- name: erase_wecom_contact
delete from wecom_contact t where t.account = any(%(accounts)s::text[]) and t.external_userid = any(%(names)s::text[]);

-- name: erase_wecom_wish
delete from wecom_wish t where t.account = any(%(accounts)s::text[]) and t.external_userid = any(%(names)s::text[]);

-- name: erase_wecom_welcome
delete from wecom_welcome t where t.account = any(%(accounts)s::text[]) and t.external_userid = any(%(names)s::text[]);

-- name: erase_wecom_group_member
delete from wecom_group_member t where t.account = any(%(accounts)s::text[]) and t.member = any(%(names)s::text[]) and t.kind = 'customer';

-- name: erase_wecom_errand
delete from wecom_errand t where t.account = any(%(accounts)s::text[]) and t.kind in ('contact', 'mirror') and t.key = any(%(names)s::text[]);

-- name: erase_wecom_transfer
delete from wecom_transfer t where t.account = any(%(accounts)s::text[]) and t.kind = 'customer' and t.id = any(%(names)s::text[]);
