"""Makes the requests of the assistant: options, system prompt, tools, and as much of the history as fits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from pydantic import ValidationError

from core.chat import ChatRequest, Message
from core.conversations.replay import as_heard, fit, replayable
from core.conversations.stored import Session, StoredMessage
from core.costs.tokens import estimate_message_tokens, estimate_prompt_tokens
from core.errors import InputError
from core.model_limits import ModelLimits
from core.reply_options import ReplyOptions
from core.reply_plan import ReplyPlan
from core.structured import asked_of

if TYPE_CHECKING:
    from core.settings import ChatSettings
    from core.tools import Toolbox

__all__ = ("RequestBuilder",)

_OURS = {"model", "system_prompt", "toolbox", "irrevocable"}
_OPTION_NAMES = tuple(option.name for option in fields(ReplyOptions) if option.name not in _OURS)


@dataclass(frozen=True, slots=True)
class RequestBuilder:
    """Makes requests that the models can take.

    Args:
        limits: what the models can.
        settings: the ``chat`` section, for what a reply leaves open.
    """

    limits: ModelLimits
    settings: ChatSettings

    async def toolbox(self, options: ReplyOptions, model: str) -> Toolbox | None:
        """The tools to offer, where there are any, and the model can call them and may."""
        if options.toolbox is None or options.response_format is not None:
            return None
        capabilities = self.limits.capabilities(model)
        toolbox = await options.toolbox(known=capabilities is not None)
        return toolbox if toolbox and (capabilities is None or "tools" in capabilities) else None

    def draft(
        self,
        plan: ReplyPlan,
        session: Session,
        branch: Sequence[StoredMessage],
        model: str,
        toolbox: Toolbox | None,
    ) -> tuple[ChatRequest, list[Message]]:
        """The request but for the history that goes after its messages, and that history.

        The system prompt comes first and never changes between turns, so that the provider's prompt
        cache goes on hitting.
        """
        options = {name: getattr(plan.options, name) for name in _OPTION_NAMES}
        for name in ("temperature", "max_completion_tokens", "reasoning_effort"):
            if options[name] is None:
                options[name] = getattr(self.settings, name)
        prompts = (plan.options.system_prompt, session.system_prompt, self.settings.system_prompt)
        prompt = next((prompt for prompt in prompts if prompt is not None), "")
        if (wanted := plan.options.response_format) is not None:
            options["response_format"], prompt = asked_of(wanted, self.limits.capabilities(model), prompt)
            options["tools"] = options["tool_choice"] = None  # providers refuse them beside a format
        if toolbox is not None:
            options["tools"] = [*toolbox.definitions(), *(options["tools"] or ())]
        head = [Message(role="system", content=prompt)] if prompt.strip() else []
        history = replayable([as_heard(stored.message, stored.heard) for stored in branch])
        if plan.message is not None:
            history.append(plan.message)
        history = self.limits.seen(history, model)
        try:
            request = ChatRequest(model=model, messages=[*head, *history], **options)
        except ValidationError as error:
            raise InputError(f"This cannot be asked for: {_first_problem(error)}.") from None
        return request.model_copy(update={"messages": head}), history

    async def fitted(self, base: ChatRequest, history: list[Message]) -> tuple[ChatRequest, int]:
        """The request with as much of the history as fits, and how many messages were left out of it."""
        if len(history) == 1:
            return base.model_copy(update={"messages": [*base.messages, *history]}), 0
        room = self.limits.room(base.model, base.max_completion_tokens, estimate_prompt_tokens(base))
        fitted = await asyncio.to_thread(fit, history, room, estimate_message_tokens)
        return base.model_copy(update={"messages": [*base.messages, *fitted.messages]}), fitted.left_out


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
