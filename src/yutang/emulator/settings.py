"""What the platforms allow, as numbers: the published limits, each with its usual value."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Token:
    """Seconds an access token lives; whether asking again returns the same one."""

    ttl: int = 7200
    same_token_on_refetch: bool = True


@dataclass
class Rate:
    """Calls per (corp, path), and how long a path is shut after too many; 0 switches a limit off."""

    per_api_min: int = 10_000
    per_api_hour: int = 150_000
    concurrent_mark_tag: int = 5
    block_min_s: int = 60
    block_hour_s: int = 3600


@dataclass
class Callback:
    """How callbacks are sent. api_edit_events: whether edits made through the API call back, too."""

    timeout_s: float = 5
    retries: int = 3
    retry_wait_s: float = 1
    api_edit_events: bool = False


@dataclass
class Welcome:
    ttl_s: int = 20
    attachments: int = 9
    text_bytes: int = 4000


@dataclass
class ContactWay:
    """half: a code that skips verification first calls back add_half, and add once the staff member confirms."""

    quota: int = 500_000
    members: int = 100
    state_chars: int = 30
    remark_chars: int = 30
    list_days: int = 90
    page: int = 1000
    half: bool = False


@dataclass
class Acquisition:
    members: int = 500
    channel_bytes: int = 64
    start_balance: int = 1000
    low_mark: int = 20
    stat_span_d: int = 30
    history_d: int = 180
    chat_key_s: int = 1800
    page: int = 100
    customer_page: int = 1000


@dataclass
class Tags:
    total: int = 3000
    name_chars: int = 30
    per_relation: int = 3000


@dataclass
class Contacts:
    """Bulk reading, remarks, and paging: a cursor lives `cursor_ttl_s`. members: customers one staff member may have."""

    userids: int = 100
    page_max: int = 100
    page_default: int = 50
    remark: int = 20
    description: int = 150
    company: int = 20
    cursor_ttl_s: int = 7200
    members: int = 20_000
    unionid_bound: bool = True


@dataclass
class Group:
    list_page: int = 1000
    owners: int = 100
    unfiltered_owners: int = 1000
    members: int = 200
    join_way_chats: int = 5
    room_name_chars: int = 40
    transfer_batch: int = 100
    transfer_per_day: int = 300
    onjob_per_90d: int = 2
    welcome_templates: int = 100


@dataclass
class Mass:
    """cap: messages a customer gets per `cap_days`; dispatch_s: how long results are not there yet."""

    customers: int = 10_000
    chats: int = 2000
    tags_per_list: int = 100
    attachments: int = 9
    text_bytes: int = 4000
    cap: int = 1
    cap_days: int = 1
    dispatch_s: int = 30
    remind_per_24h: int = 3
    list_page: int = 100
    list_default: int = 50
    page: int = 1000
    page_default: int = 500


@dataclass
class Moments:
    """A job is running after `start_s` and done after `done_s`. cap: posts a customer sees per month."""

    per_min: int = 10
    images: int = 9
    text_chars: int = 2000
    users: int = 100_000
    job_ttl_h: int = 24
    start_s: int = 1
    done_s: int = 5
    running_jobs: int = 100
    list_page: int = 20
    task_page: int = 1000
    task_default: int = 500
    customers_page: int = 1000
    result_page: int = 5000
    result_default: int = 3000
    cap: int = 4
    cap_days: int = 30


@dataclass
class Transfer:
    batch: int = 100
    wait_h: int = 24
    per_90d: int = 2
    page: int = 1000
    resigned_max_d: int = 365
    msg_chars: int = 200


@dataclass
class Stats:
    span_d: int = 30
    history_d: int = 180
    ids: int = 100
    ready_hour_next_day: int = 6


@dataclass
class Album:
    description: int = 300
    price_max_fen: int = 5_000_000
    sn: int = 128
    images: int = 9
    page: int = 100


@dataclass
class Intercept:
    rules: int = 100
    words: int = 300
    word_chars: int = 32
    name_chars: int = 20
    users: int = 1000


@dataclass
class Media:
    ttl_d: int = 3
    image_mb: int = 10
    voice_mb: int = 2
    video_mb: int = 10
    file_mb: int = 20


@dataclass
class Kf:
    """repeat_code: what a message whose msgid was used before is answered with; 0: with what was answered then."""

    msgs: int = 5
    window_h: int = 48
    history_d: int = 3
    page: int = 1000
    welcome_s: int = 20
    token_s: int = 600
    text_bytes: int = 2048
    repeat_code: int = 0


@dataclass
class OfficialAccount:
    """Custom messages after a message of the fan (count, hours) and after a click (count, minutes)."""

    custom_user_msg: tuple[int, int] = (5, 48)
    custom_click: tuple[int, int] = (3, 1)
    qr_temp_max_d: int = 30
    qr_perm: int = 100_000
    tags: int = 100
    tags_per_fan: int = 20
    batch_tag: int = 50
    stable_force_per_day: int = 20


@dataclass
class Miniprogram:
    code_ttl_s: int = 300
    session_per_min_per_user: int = 100
    custom_user_msg: tuple[int, int] = (5, 48)
    custom_enter: tuple[int, int] = (2, 1)


@dataclass
class Login:
    """The web login's code: seconds it lives."""

    code_s: int = 300
    ticket_s: int = 7200
    message_per_member_min: int = 30


@dataclass
class Settings:
    """Everything above, by subject. strict: unknown parameters and escaped Chinese are errors, to catch slips."""

    token: Token = field(default_factory=Token)
    rate: Rate = field(default_factory=Rate)
    callback: Callback = field(default_factory=Callback)
    welcome: Welcome = field(default_factory=Welcome)
    contact_way: ContactWay = field(default_factory=ContactWay)
    acquisition: Acquisition = field(default_factory=Acquisition)
    tags: Tags = field(default_factory=Tags)
    contacts: Contacts = field(default_factory=Contacts)
    group: Group = field(default_factory=Group)
    mass: Mass = field(default_factory=Mass)
    moments: Moments = field(default_factory=Moments)
    transfer: Transfer = field(default_factory=Transfer)
    stats: Stats = field(default_factory=Stats)
    album: Album = field(default_factory=Album)
    intercept: Intercept = field(default_factory=Intercept)
    media: Media = field(default_factory=Media)
    kf: Kf = field(default_factory=Kf)
    oa: OfficialAccount = field(default_factory=OfficialAccount)
    mp: Miniprogram = field(default_factory=Miniprogram)
    login: Login = field(default_factory=Login)
    strict: bool = False
