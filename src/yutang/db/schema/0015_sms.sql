-- All tables of this file: writer: channels.sms
-- Text messages. `account` is the name of the account (``main``). No phone number is kept here.

-- Each letter's call, written before it is made; the touch id travels as the provider's OutId or SessionContext.
-- serial: the provider's number (BizId, SerialNo). calling: begun, its end not known. returned: surely not sent.
create table sms_out (
    touch_id bigint primary key,
    account text not null,
    person_id bigint not null,
    state text not null check (state in ('calling', 'sent', 'returned')),
    serial text,
    at timestamptz not null
);
create index sms_out_serial on sms_out (account, serial) where serial is not null;

-- What the provider said of a message by its number; it may say so before the sender has noted the number. A row leaves when
-- it has met its letter.
create table sms_receipt (
    account text not null,
    serial text not null,
    touch_id bigint,
    arrived boolean not null,
    code text not null,
    at timestamptz not null,
    primary key (account, serial)
);
