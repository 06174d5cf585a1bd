"""Chat services on loopback: each refuses what the real one refuses, by its documentation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tests.webhookserver import Delivery, WebhookServer


def _units(most: int) -> AfterValidator:
    """At most so many UTF-16 code units, as services that are written in JavaScript count."""

    def check(text: str) -> str:
        assert 0 < len(text.encode("utf-16-le")) // 2 <= most
        return text

    return AfterValidator(check)


def _bytes(most: int) -> AfterValidator:
    def check(text: str) -> str:
        assert 0 < len(text.encode()) <= most
        return text

    return AfterValidator(check)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SlackText(Strict):
    type: Literal["plain_text"]
    text: Annotated[str, _units(3000)]
    emoji: Literal[False]


class SlackBlock(Strict):
    type: Literal["header", "section"]
    text: SlackText


class Slack(Strict):
    text: Annotated[str, _units(40_000)]
    blocks: list[SlackBlock] = Field(min_length=1, max_length=50)

    def model_post_init(self, _: Any) -> None:
        assert all(len(block.text.text) <= 150 for block in self.blocks if block.type == "header")
        assert not any(mark in self.text for mark in "<>"), "would be a link or a mention"


class DiscordEmbed(Strict):
    title: Annotated[str, _units(256)]
    description: Annotated[str, _units(4096)]
    color: Annotated[int, Field(ge=0, le=0xFFFFFF)]


class DiscordMentions(Strict):
    parse: list[str] = Field(max_length=0)


class Discord(Strict):
    embeds: list[DiscordEmbed] = Field(min_length=1, max_length=10)
    allowed_mentions: DiscordMentions

    def model_post_init(self, _: Any) -> None:
        assert sum(len(embed.title) + len(embed.description) for embed in self.embeds) <= 6000


class Mattermost(Strict):
    text: Annotated[str, _units(16_383)]


class TeamsRun(Strict):
    type: Literal["TextRun"]
    text: str = Field(min_length=1)
    weight: Literal["Bolder"] | None = None
    size: Literal["Medium"] | None = None


class TeamsBlock(Strict):
    type: Literal["RichTextBlock"]
    inlines: list[TeamsRun] = Field(min_length=1)


class TeamsWidth(Strict):
    width: Literal["Full"]


class TeamsCard(Strict):
    schema_: Literal["http://adaptivecards.io/schemas/adaptive-card.json"] = Field(alias="$schema")
    type: Literal["AdaptiveCard"]
    version: Literal["1.2", "1.3", "1.4", "1.5"]
    msteams: TeamsWidth
    body: list[TeamsBlock] = Field(min_length=1)


class TeamsAttachment(Strict):
    contentType: Literal["application/vnd.microsoft.card.adaptive"]  # noqa: N815 - Microsoft's name
    contentUrl: None  # noqa: N815
    content: TeamsCard


class Teams(Strict):
    type: Literal["message"]
    attachments: list[TeamsAttachment] = Field(min_length=1, max_length=1)


class Ntfy(Strict):
    topic: str = Field(pattern=r"^[-_A-Za-z0-9]{1,64}$")
    title: Annotated[str, _bytes(250)]
    message: Annotated[str, _bytes(4096)]
    priority: Annotated[int, Field(ge=1, le=5)]
    tags: list[str]


class Gotify(Strict):
    title: str
    message: str = Field(min_length=1)
    priority: Annotated[int, Field(ge=0, le=10)]
    extras: dict[str, dict[str, str]]


class TelegramPreview(Strict):
    is_disabled: bool


class Telegram(Strict):
    chat_id: str
    text: Annotated[str, _units(4096)]
    link_preview_options: TelegramPreview
    disable_notification: bool


class Matrix(Strict):
    msgtype: Literal["m.text"]
    body: Annotated[str, _bytes(60_000)]
    mentions: dict[str, Any] = Field(alias="m.mentions", max_length=0)


BODIES: dict[str, type[Strict]] = {
    "slack": Slack,
    "discord": Discord,
    "mattermost": Mattermost,
    "teams": Teams,
    "ntfy": Ntfy,
    "gotify": Gotify,
    "telegram": Telegram,
    "matrix": Matrix,
}
MOST_BYTES = {"teams": 28 * 1024, "matrix": 65_536}
ROOM = "!kitchen:example.org"


class ChatServer(WebhookServer):
    """One service: answers 400 to a body that it does not take, 404 to a path that it does not have."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service
        self.problem = ""
        base = self.url.removesuffix("/hook")
        self.url = base + {"ntfy": "/alerts", "gotify": "", "telegram": "/bot1:token", "matrix": ""}.get(
            service, "/hook/T0/secret"
        )

    def judge(self, delivery: Delivery) -> int:
        if delivery.method != ("PUT" if self.service == "matrix" else "POST") or not self._has_path(delivery.path):
            self.problem = f"{delivery.method} {delivery.path}"
            return 404
        try:
            BODIES[self.service].model_validate_json(delivery.body)
            assert len(delivery.body) <= MOST_BYTES.get(self.service, 1 << 20)
        except (ValidationError, AssertionError) as error:
            self.problem = f"{error!r}"
            return 400
        return 200

    def _has_path(self, path: str) -> bool:
        expected = {
            "ntfy": "/",
            "gotify": "/message",
            "telegram": "/bot1:token/sendMessage",
            "matrix": f"/_matrix/client/v3/rooms/{ROOM}/send/m.room.message/",
        }.get(self.service, "/hook/T0/secret")
        return path.startswith(expected) if self.service == "matrix" else path == expected
