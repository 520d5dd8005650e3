"""What the drafts would change: chosen file by file, seen in words, rehearsed, made a plan of."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.response import Redirect

from yutang import definitions, plan, users
from yutang.brand import Brand, drafts, read_brand
from yutang.model import Reason, YutangError
from yutang.plan.flight import Flight, unclear
from yutang.plan.words import Titles
from yutang.web.drafting import Draft, draft_of
from yutang.web.edge import edge_of
from yutang.web.forms import Form, text_of, texts_of
from yutang.web.pages.page import Page, done
from yutang.web.pages.plans.said import changes, refusal
from yutang.web.pages.plans.text import TEXT
from yutang.web.pages.rehearsals import asking
from yutang.web.routes import act, look
from yutang.why import lines, words


@dataclass(frozen=True)
class Wanted:
    """What the form says: files (None: all), moves as ``journey/step=to``, and how to rehearse."""

    chosen: frozenset[str] | None = None
    moves: tuple[str, ...] = ()
    typed: Mapping[str, str] = field(default_factory=dict)

    def paths(self, changed: Collection[str]) -> list[str]:
        return [path for path in sorted(changed) if self.chosen is None or path in self.chosen]


@dataclass(frozen=True)
class Seen:
    """The drafts as they were chosen: what stands in the way, else the brand and what it would change."""

    draft: Draft
    files: dict[str, str]
    chosen: list[str]
    problem: str | None = None
    brand: Brand | None = None
    look: plan.Draft | None = None


@look("/plans/new", "look")
def new(request: Request) -> Response[bytes]:
    """The preview; ``?chosen=1&file=…&move=journey/step=to``."""
    query = request.query_params
    chosen = frozenset(query.getall("file", [])) if "chosen" in query else None
    return _show(request, Wanted(chosen, _moves(query.getall("move", []))))


@act("/plans/new", "edit")
def make(request: Request, data: Form) -> Response[bytes] | Redirect:
    """Keep a plan; with ``with_dry_run`` a dry run of it begins at once."""
    edge, wanted = edge_of(request), _wanted(data)
    page = Page(request, texts=TEXT)
    with edge.pool.lend() as conn:
        seen = see(conn, edge, wanted, guess=False)
        if isinstance(seen, YutangError):
            return _show(request, wanted, refusal(page, seen))
        if seen.brand is None or seen.look is None:
            return _show(request, wanted, page.text("choose_some") if not seen.chosen else None)
        try:
            kept = _keep(request, conn, seen, wanted, text_of(data, "key"))
            if text_of(data, "with_dry_run") and (journeys := playable(seen.look)):
                asking.ask(request, conn, seen.files, journeys, {**wanted.typed, "rehearse": "dryrun"})
        except asking.Wrong as wrong:
            return _show(request, wanted, page.text(str(wrong)))
        except YutangError as error:
            return _show(request, wanted, refusal(page, error))
    return done(f"/plans/{kept.plan_id}", *(words.format(n=kept.plan_id) for words in TEXT["told.made"]))


@act("/plans/new/rehearse", "edit")
def rehearse(request: Request, data: Form) -> Response[bytes] | Redirect:
    """Play the chosen drafts before any plan is made of them."""
    edge, wanted = edge_of(request), _wanted(data)
    page = Page(request, texts=TEXT)
    with edge.pool.lend() as conn:
        seen = see(conn, edge, wanted)
        if isinstance(seen, YutangError):
            return _show(request, wanted, refusal(page, seen))
        if seen.look is None or not playable(seen.look):
            return _show(request, wanted, page.text("choose_some") if not seen.chosen else None)
        try:
            number = asking.ask(request, conn, seen.files, playable(seen.look), data)
        except asking.Wrong as wrong:
            return _show(request, wanted, page.text(str(wrong)))
        except YutangError as error:
            return _show(request, wanted, refusal(page, error))
    return Redirect(f"/rehearsals/{number}", status_code=303)


def playable(found: plan.Draft) -> list[str]:
    """The journeys of a plan that can be rehearsed: those that change, or name what does."""
    return [name for name in found.fresh if ("journey", name) in found.text.bodies]


def see(conn: psycopg.Connection, edge: Any, wanted: Wanted, guess: bool = True) -> Seen | YutangError:
    """The chosen drafts and what they would change; the error where a choice cannot be, or is missing and not to be guessed."""
    draft = draft_of(conn)
    chosen = wanted.paths(draft.changed)
    files = draft.working.with_changes(chosen)
    if not chosen:
        return Seen(draft, files, chosen)
    if (problem := drafts.problem(files)) is not None:
        return Seen(draft, files, chosen, str(problem))
    brand = read_brand(files)
    try:
        found = plan.look(conn, edge.clock(), brand, edge.channels(conn), list(wanted.moves), guess=guess)
    except plan.PlanRefused as refused:
        return Seen(draft, files, chosen, None, brand) if refused.reason == Reason.UNCHANGED else refused
    except plan.BadMove as wrong:
        return wrong
    return Seen(draft, files, chosen, None, brand, found)


def _keep(request: Request, conn: psycopg.Connection, seen: Seen, wanted: Wanted, key: str) -> plan.Plan:
    edge, by = edge_of(request), request.state.visitor.name
    assert seen.brand is not None
    with conn.transaction():
        kept = plan.make(
            conn, edge.clock(), seen.brand, by, edge.channels(conn), moves=list(wanted.moves),
            key=f"console:{key}" if key else None,
        )  # fmt: skip
        # The same form sent twice is the same plan.
        if not users.deeds(conn, about=f"plan/{kept.plan_id}", limit=1):
            users.note(conn, edge.clock(), by, "plan_make", f"plan/{kept.plan_id}", {"files": seen.chosen})
    return kept


def _show(request: Request, wanted: Wanted, error: str | None = None) -> Response[bytes]:
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        zone, now = definitions.pond(conn)["time_zone"], edge.clock()
        page = Page(request, zone, TEXT)
        seen = see(conn, edge, wanted)
        if isinstance(seen, YutangError):
            # The other choices still hold.
            error = error or refusal(page, seen)
            wanted = Wanted(wanted.chosen, (), wanted.typed)
            seen = see(conn, edge, wanted)
            assert isinstance(seen, Seen)
        return page.show(
            "plans/new.html",
            status=422 if error else 200,
            error=error,
            seen=seen,
            look=seen.look,
            changes=changes(seen.look.shown) if seen.look else [],
            files=_files(seen.draft),
            groups=choices(seen.look.flights, seen.look.text.bodies, wanted.moves) if seen.look else [],
            playable=playable(seen.look) if seen.look else [],
            typed={**asking.defaults(now, zone), **wanted.typed},
            asking=asking,
            rehearsals=asking.of_files(conn, seen.files) if seen.look else [],
            key=secrets.token_urlsafe(12),
        )


def _files(draft: Draft) -> list[dict[str, Any]]:
    """The files with edits: each with what became of it, and where it is edited."""
    return [
        {
            "path": path,
            "sort": "removed" if edit.text is None else "changed" if path in draft.working.published else "added",
            "edit": edit,
            "editor": _editor(path) if edit.text is not None else None,
        }
        for path, edit in sorted(draft.working.changed.items())
    ]


def _editor(path: str) -> str | None:
    """The page that edits a file."""
    folder, _, file = path.partition("/")
    name = file.rpartition(".")[0]
    pages = {"journeys": f"/journeys/{name}/edit"}
    return pages.get(folder)


def choices(flights: Sequence[Flight], bodies: Any, moves: Sequence[str]) -> list[dict[str, Any]]:
    """The groups in flight, each with where it can go: ``{"journey", "version", "older", "groups": […]}``."""
    titled = Titles({}, bodies)
    found = []
    for one in flights:
        before = {line["id"]: line for line in one.journey.body["program"]}
        after = {line["id"]: lines.line(line, titled) for line in bodies["journey", one.journey.name]["program"]}
        groups = [
            {
                "group": group,
                "said": lines.line(before[group.step], titled),
                "unclear": unclear(group),
                "options": [(f"{one.journey.name}/{group.step}={to}", said) for to, said in after.items()],
                "name": f"{one.journey.name}/{group.step}",
                "to": after.get(group.to),
            }
            for group in one.groups
            if group.people
        ]
        title = words.title_of(bodies["journey", one.journey.name], one.journey.name)
        found.append({
            "journey": one.journey.name, "title": title, "version": one.journey.version, "older": one.older,
            "groups": groups, "moves": set(moves),
        })  # fmt: skip
    return found


def _wanted(data: Mapping[str, Any]) -> Wanted:
    typed = {name: text_of(data, name) for name in ("days", "since", "until", "share", "tick") if name in data}
    return Wanted(frozenset(texts_of(data, "file")), _moves(texts_of(data, "move")), typed)


def _moves(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(move for move in given if "=" in move)
