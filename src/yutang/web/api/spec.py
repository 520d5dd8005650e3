"""What OpenAPI says of bodies that the routes read as bytes, and of the key."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.openapi.spec import (
    Components,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    PathItem,
    RequestBody,
    Schema,
    SecurityScheme,
)

KEY: list[dict[str, list[str]]] = [{"key": []}]
COMPONENTS = Components(
    security_schemes={"key": SecurityScheme(type="http", scheme="bearer", description="`yutang key` shows it.")}
)


def _text(description: str) -> Schema:
    return Schema(type=OpenAPIType.STRING, description=description)


def _whole(description: str) -> Schema:
    return Schema(type=OpenAPIType.INTEGER, description=description)


EVENT = Schema(
    type=OpenAPIType.OBJECT,
    required=["id", "source", "type", "at", "handles"],
    properties={
        "id": _text("The sender's id of this event; the same id again changes nothing."),
        "source": _text("A registered source."),
        "type": _text("A type of `/v1/schema/events`, or one of your own."),
        "at": _text("When it happened: ISO 8601 with UTC offset."),
        "handles": Schema(
            type=OpenAPIType.OBJECT,
            additional_properties=_text("The value of a handle."),
            description='For example {"phone": "…"}.',
        ),
        "props": Schema(type=OpenAPIType.OBJECT, description="The fields of the type, and any others."),
    },
)
USE = Schema(
    type=OpenAPIType.OBJECT,
    required=["request_id", "code"],
    properties={
        "request_id": _text("Names this use for ever; asking again gives the same answer."),
        "code": _text("The coupon's code."),
        "order_id": _text("The order it is used on."),
        "amount_fen": _whole("The order's amount before any coupon."),
        "margin_fen": _whole("The order's margin before any coupon; may be negative."),
        "person_id": _whole("Who shows it; without it the code alone counts."),
        "discount_fen": _whole("What was taken off, when another till has decided that."),
        "at": _text("The till was offline and took the coupon then: ISO 8601 with UTC offset."),
    },
)
HOLD = Schema(
    type=OpenAPIType.OBJECT,
    required=["request_id", "code", "order_id"],
    properties=(USE.properties or {}) | {"minutes": _whole("For how long; 1 to 1440, else 15.")},
)


def _body(schema: Schema) -> RequestBody:
    return RequestBody(content={"application/json": OpenAPIMediaType(schema=schema)}, required=True)


def events_path(description: str) -> PathItem:
    """The door: a route that the framework does not look into, and so cannot describe."""
    answers = {
        "200": "What became of each event.",
        "400": "The body cannot be read.",
        "401": "The key is missing.",
        "413": "Too large.",
    }
    return PathItem(
        post=Operation(
            summary="Take in events",
            description=description,
            tags=["events"],
            security=KEY,
            request_body=_body(Schema(type=OpenAPIType.ARRAY, items=EVENT, max_items=1000)),
            responses={status: OpenAPIResponse(description=said) for status, said in answers.items()},
        )
    )


@dataclass
class RedeemOperation(Operation):
    """One use of a coupon, or many."""

    def __post_init__(self) -> None:
        self.request_body = _body(Schema(one_of=[USE, Schema(type=OpenAPIType.ARRAY, items=USE, max_items=1000)]))


@dataclass
class HoldOperation(Operation):
    """Coupons to be held for orders."""

    def __post_init__(self) -> None:
        self.request_body = _body(Schema(type=OpenAPIType.ARRAY, items=HOLD, max_items=1000))


@dataclass
class IdsOperation(Operation):
    """Requests that hold coupons."""

    def __post_init__(self) -> None:
        ids = Schema(type=OpenAPIType.ARRAY, items=_text("A request that holds a coupon."), max_items=1000)
        self.request_body = _body(
            Schema(type=OpenAPIType.OBJECT, required=["request_ids"], properties={"request_ids": ids})
        )


@dataclass
class DoneOperation(Operation):
    """Who did a task."""

    def __post_init__(self) -> None:
        by = _text("The member of staff who did it; without it whoever has the task.")
        self.request_body = RequestBody(
            content={
                "application/json": OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT, properties={"by": by}))
            },
            required=False,
        )


MOVES = Schema(
    type=OpenAPIType.ARRAY,
    items=_text("`journey/step=step`, `…=exit` or `…=finish_old`"),
    description="Where people go who stand on a step that is gone.",
)
DRY_RUN = _whole("Days of the dry run; 0, the default, for none.")
IDEMPOTENCY = Parameter(
    name="Idempotency-Key",
    param_in="header",
    schema=_text("Your own name for the plan: asking again under it gives the same plan."),
    required=False,
)


@dataclass
class DiffOperation(Operation):
    """A brand folder as texts."""

    def __post_init__(self) -> None:
        files = Schema(
            type=OpenAPIType.OBJECT,
            additional_properties=_text("What the file says."),
            description="The folder's files by their paths: `pond.toml`, `journeys/welcome.yml`, …",
        )
        properties = {"files": files, "moves": MOVES, "dry_run_days": DRY_RUN}
        self.request_body = _body(Schema(type=OpenAPIType.OBJECT, required=["files"], properties=properties))


@dataclass
class PlanOperation(DiffOperation):
    """The same, kept."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.parameters = [IDEMPOTENCY]


@dataclass
class RevertOperation(Operation):
    """How the plan that leads back is to be made."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.OBJECT, properties={"moves": MOVES, "dry_run_days": DRY_RUN})
        self.request_body = RequestBody(content={"application/json": OpenAPIMediaType(schema=schema)}, required=False)
        self.parameters = [*(self.parameters or ()), IDEMPOTENCY]


@dataclass
class RefuseOperation(Operation):
    """Why a plan is refused."""

    def __post_init__(self) -> None:
        schema = Schema(type=OpenAPIType.OBJECT, properties={"why": _text("Why; whoever made it reads this.")})
        self.request_body = RequestBody(content={"application/json": OpenAPIMediaType(schema=schema)}, required=False)


@dataclass
class RehearsalOperation(Operation):
    """What is to be played."""

    def __post_init__(self) -> None:
        texts = Schema(type=OpenAPIType.OBJECT, additional_properties=_text("A file's text."))
        properties = {
            "journeys": Schema(type=OpenAPIType.ARRAY, items=_text("A journey on trial.")),
            "since": _text("First day of a back-test."),
            "until": _text("Its last day."),
            "days": _whole("Days of a dry run; 30 by default."),
            "share": Schema(type=OpenAPIType.NUMBER, description="Of the people; 1 is everybody."),
            "tick": _text("How often the virtual clock looks: 1h, 15m, 1d, or 10:00,20:00."),
            "alone": Schema(type=OpenAPIType.BOOLEAN, description="Without the journeys in service."),
            "files": texts,
        }
        self.request_body = _body(Schema(type=OpenAPIType.OBJECT, required=["journeys"], properties=properties))
