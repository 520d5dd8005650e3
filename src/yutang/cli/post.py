"""post: messages for groups and Moments, which staff send; looked at first, made with --apply."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from yutang import channels
from yutang.app import opened
from yutang.channels.platform import account
from yutang.cli import say
from yutang.cli.channel import Name, account_of

group = typer.Typer(help="群与朋友圈。 Posts to groups and Moments.", no_args_is_help=True)
Kind = Annotated[
    str,
    typer.Argument(metavar="KIND", help=f"渠道：{'、'.join(channels.GROUPS)}。 Channel: {', '.join(channels.GROUPS)}."),
]
Key = Annotated[
    str, typer.Option(help="你给这一条起的名字；同名只发一次。 Your name for it; one of a name is made once.")
]
Text = Annotated[str, typer.Option(help="文字。 Words.")]
Link = Annotated[str | None, typer.Option(help="链接地址。 Address of a link.")]
Title = Annotated[str | None, typer.Option(help="链接标题。 Title of the link.")]
Apply = Annotated[bool, typer.Option("--apply", help="确认派给员工。 Really ask the staff.")]
LOOKED = "这是预览，加 --apply 才会派给员工。 This was a look; --apply asks the staff."


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="post")


@group.command("group")
def group_(
    kind: Kind,
    key: Key,
    sender: Annotated[str, typer.Option(help="群主员工账号。 The owner of the groups.")],
    text: Text,
    chat: Annotated[
        list[str] | None, typer.Option(help="群编号，可多次；不写则全部。 A group; repeatable; all by default.")
    ] = None,
    link: Link = None,
    title: Title = None,
    apply: Apply = False,
    name: Name = account.MAIN,
) -> None:
    """发到客户群。 Post to customer groups."""
    with opened() as app, app.connect() as conn:
        book, kept = account_of(app, conn, channels.GROUPS, kind, name)
        plan = book.preview(conn, kept, app.clock(), sender, chat or ())
        say.out.print(f"{sender} → {len(plan.chats)} 个群 groups；已满 full: {len(plan.full)}", markup=False)
        if not apply:
            say.out.print(LOOKED)
            return
        made = book.post(
            conn,
            app.vault,
            kept,
            app.clock,
            key=key,
            sender=sender,
            text=text,
            chats=chat or (),
            attachments=_card(link, title),
        )
    say.out.print(f"{made.state} {made.msgid or ''} {made.detail or ''}".strip(), markup=False)


@group.command()
def moment(
    kind: Kind,
    key: Key,
    text: Text,
    staff: Annotated[
        list[str] | None, typer.Option(help="员工账号，可多次。 Who publishes; repeatable; all by default.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="标签编号，可多次。 Only customers with the tag (id); repeatable.")
    ] = None,
    link: Link = None,
    title: Title = None,
    apply: Apply = False,
    name: Name = account.MAIN,
) -> None:
    """发到客户朋友圈。 Publish to Moments."""
    with opened() as app, app.connect() as conn:
        book, kept = account_of(app, conn, channels.MOMENTS, kind, name)
        plan = book.preview(conn, kept, app.clock(), staff or (), tag or ())
        say.out.print(
            f"{len(plan.staff)} 名员工 staff → {plan.customers:,} 位客户 customers；本月 this month {plan.posts}/{plan.cap}",
            markup=False,
        )
        if not apply:
            say.out.print(LOOKED)
            return
        made = book.publish(
            conn,
            app.vault,
            kept,
            app.clock,
            key=key,
            text=text,
            attachments=_card(link, title),
            staff=staff or (),
            tags=tag or (),
        )
    say.out.print(f"{made.state} {made.moment_id or ''} {made.detail or ''}".strip(), markup=False)


def _card(link: str | None, title: str | None) -> list[dict[str, Any]]:
    return [{"kind": "link", "url": link, "title": title or link}] if link else []
