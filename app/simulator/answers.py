"""What the demo says: a few subjects it knows, and a sensible, honest reply to everything else.

The prepared texts are ``assets/demo/*.md``; each says that it is simulated.
"""

from __future__ import annotations

import functools
import random
import re
from importlib import resources

__all__ = ("answer",)

_INTENTS = (
    ("about", re.compile(r"\btensor\s?wall\b|\bwhat are you\b|\bwho are you\b")),
    ("tour", re.compile(r"\bmarkdown\b|\btour\b")),
    ("story", re.compile(r"\bstory\b|\btale\b")),
    ("hello", re.compile(r"^\W*(hi|hello|hey|good (morning|afternoon|evening))\b.{0,20}$", re.DOTALL)),
    ("long", re.compile(r"\blong\b|\bin detail\b|\bessay\b|\bat length\b")),
)

_TITLE = re.compile(r"\btitle\b", re.IGNORECASE)

_ASIDES = (
    "It is worth measuring rather than guessing.",
    "The simplest thing that works is usually the right beginning.",
    "Small, steady improvements add up faster than one would think.",
    "Two short attempts often teach more than one long plan.",
)

_REPLY = """\
You {kind} **{subject}**. I'm a simulator, so I can't answer that from knowledge, but here is how a reply \
to it would read:

1. **It starts with what matters.** A model would first say what it takes your words to mean. {first}
2. **Then the substance**, in a few short points, with an example where one helps.
3. **Then a next step** that you can take at once. {second}

Set `GROQ_API_KEY` for real answers; everything else you see here works the same.
"""

_NOTHING_ASKED = (
    "I'm the simulator, and there was no text in that message. Ask me anything, or say *hello*.\n"
)


def answer(prompt: str, seed: int = 0, *, instructions: str = "") -> str:
    """A reply to a prompt; the same for the same prompt and seed, and open about being simulated.

    Args:
        prompt: the last user message.
        seed: varies the words.
        instructions: the system message; one that asks for a title gets a title.
    """
    if _TITLE.search(instructions):
        return _title(prompt)
    asked = prompt.casefold()
    for name, pattern in _INTENTS:
        if pattern.search(asked):
            return _prepared(name)
    return _reply(prompt, random.Random(f"{seed} {prompt}"))


@functools.cache
def _prepared(name: str) -> str:
    return resources.files("assets").joinpath("demo", f"{name}.md").read_text(encoding="utf-8")


def _reply(prompt: str, random_: random.Random) -> str:
    subject = _subject(prompt)
    if not subject:
        return _NOTHING_ASKED
    first, second = random_.sample(_ASIDES, 2)
    return _REPLY.format(kind=_kind(prompt), subject=subject, first=first, second=second)


def _title(prompt: str) -> str:
    """The first words of the question in the conversation it quotes."""
    question = re.sub(r"^user:\s*", "", prompt, flags=re.IGNORECASE)
    question = re.split(r"\n+assistant:", question, maxsplit=1, flags=re.IGNORECASE)[0]
    words = _subject(question).split()
    title = " ".join(words[:6]).rstrip(",;:") or "a quiet conversation"
    return title[0].upper() + title[1:]


def _subject(prompt: str) -> str:
    """The first sentence of the prompt on one line, without Markdown's own marks, at most 80 characters."""
    line = re.sub(r"[*_`#\[\]<>|]", "", " ".join(prompt.split()))
    sentence = re.split(r"(?<=[.?!])\s", line, maxsplit=1)[0].rstrip(".?! ")
    return sentence if len(sentence) <= 80 else f"{sentence[:79].rsplit(' ', 1)[0]}…"


def _kind(prompt: str) -> str:
    if "```" in prompt or re.search(r"\b(code|function|bug|python|rust|javascript|sql)\b", prompt.casefold()):
        return "brought a piece of programming work:"
    return "asked:" if "?" in prompt else "wrote:"
