"""What the next turn asks for: the model, how hard it thinks, the form of its answer, and the tools."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from app.tui.permission import Permission
from core.assistant import ReplyOptions
from core.chat import Message
from core.tools.session_tools import SessionTools

if TYPE_CHECKING:
    from app.composition import Services
    from app.tui.open_session import OpenSession
    from app.tui.stage import Leave, Prompt
    from core.assistant import Turn
    from core.chat import ChatRequest, JsonObjectFormat, JsonSchemaFormat, ReasoningEffort, ToolCall
    from core.tools import ToolSource

__all__ = ("NextTurn",)


class NextTurn:
    """Every turn is made of what is chosen when it begins.

    Args:
        services: who answers.
        session: the one on screen, with a model and instructions of its own.
        may_call: asks the user whether a call with an effect may run.

    Attributes:
        effort: how hard the model thinks; ``None`` for what is usual.
        response_format: the JSON that answers have to be; ``None`` for text.
        tools: what the model may call.
    """

    def __init__(
        self,
        services: Callable[[], Services],
        session: OpenSession,
        may_call: Callable[[ToolCall], Awaitable[Leave]],
    ) -> None:
        self.effort: ReasoningEffort | None = None
        self.response_format: JsonObjectFormat | JsonSchemaFormat | None = None
        self._permission = Permission(may_call)
        self.tools = SessionTools(services().tools, self._permission)
        self._services = services
        self._session = session

    @property
    def model(self) -> str:
        """Who is asked."""
        return self.chosen_model or self._services().catalogue.default_model

    @property
    def chosen_model(self) -> str | None:
        """What the user chose, for now, for this session, or for all."""
        stored = self._session.stored.model if self._session.stored else None
        return self._session.model or stored or self._services().settings.chat.model

    @property
    def context_window(self) -> int | None:
        """The tokens that the model takes, where it is known."""
        services = self._services()
        for provider in services.providers:
            info = services.catalogue.find(provider, services.catalogue.provider_model(self.model, provider))
            if info is not None and info.context_window:
                return info.context_window
        return None

    @property
    def form(self) -> str:
        """What answers are, in a word or two; empty for text."""
        wanted = self.response_format
        if wanted is None:
            return ""
        return "JSON" if wanted.type == "json_object" else f"JSON {wanted.json_schema.name}"

    def forget_leave(self) -> None:
        """In another session nothing is attached, and the user is asked again."""
        self.tools.attached.clear()
        self._permission.forget()

    async def upcoming(self, typed: str) -> ChatRequest:
        """The request that would be sent next, with what is typed; nothing is sent or loaded for it.

        Raises:
            InputError: it cannot be asked.
        """
        return await self._services().assistant.preview(
            self._session.stored,
            self._session.branch,
            Message(role="user", content=typed or " "),
            model=self.model,
            options=self._options(self.tools.loaded),
        )

    def turn(self, prompt: Prompt | None, parent_id: str | None, *, model: str | None = None) -> Turn:
        """A turn of the model chosen, or of ``model``, which a new session keeps.

        Without a prompt it answers the message that is its parent.
        """
        return self._reply(prompt, parent_id, self._options(self.tools), model=model)

    def tentative_turn(self, prompt: Prompt, *, model: str, effort: ReasoningEffort | None) -> Turn:
        """An answer by this model that may come to nothing: stored and shown only once it is wanted.

        Args:
            prompt: what was said; it follows what is on screen.
            model: who is asked, this once.
            effort: how hard it thinks, where the user has not said.
        """
        options = replace(
            self._options(self.tools), model=model, reasoning_effort=self.effort or effort, spoken=True
        )
        return self._reply(prompt, self._session.leaf_id, options, tentative=True)

    def _reply(
        self,
        prompt: Prompt | None,
        parent_id: str | None,
        options: ReplyOptions,
        *,
        model: str | None = None,
        tentative: bool = False,
    ) -> Turn:
        stored = self._session.stored
        return self._services().assistant.reply(
            stored.id if stored else None,
            Message(role="user", content=prompt.content) if prompt else None,
            parent_id=parent_id,
            model=model or self._session.model,
            options=options,
            tentative=tentative,
        )

    def _options(self, toolbox: ToolSource | None) -> ReplyOptions:
        return ReplyOptions(
            system_prompt=self._session.system_prompt,
            reasoning_effort=self.effort,
            response_format=self.response_format,
            toolbox=toolbox,
        )
