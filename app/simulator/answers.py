"""What the demo says: a few subjects it knows, and a sensible, honest reply to everything else."""

from __future__ import annotations

import random
import re

__all__ = ("answer",)

_HELLO = """\
Hello! I'm TensorWall's built-in **simulator**: no model is running, and nothing you type leaves this machine. \
Everything around the answer is real, though: the streaming, the live speed, the spend and the history.

Try asking for:

- *a tour of Markdown*, to see headings, lists, a table and code
- *a story*
- *a long answer*, then press **Esc** to stop it part-way
"""

_ABOUT = """\
**TensorWall** is a chat and voice assistant for the terminal. It streams answers from Groq through a router that \
falls back to another provider when one fails, and it keeps live speed and spend on screen.

- **Chat** in the terminal, with branches, search and export
- **Speak**: push to talk, and answers read aloud
- **Review costs** for every session afterwards

You are in the demo, so this text was prepared in advance rather than written by a model. Set `GROQ_API_KEY` to \
talk to a real one.
"""

_TOUR = """\
# A tour of Markdown

This is a *simulated* answer that shows how replies look in your terminal.

## Text

Words can be **bold**, *italic*, ~~struck out~~ or `inline code`, and a link looks like \
[the Groq console](https://console.groq.com/keys).

## Lists

1. Numbered items keep their order
2. and can hold others:
   - a nested point
   - another one

## A table

| Model | Speed | Best for |
|:------|------:|:---------|
| openai/gpt-oss-120b | ~500 t/s | thinking things through |
| openai/gpt-oss-20b | ~1000 t/s | quick replies and voice |

## Code

```python
def fibonacci(count: int) -> list[int]:
    \"\"\"The first Fibonacci numbers.\"\"\"
    numbers = [0, 1]
    while len(numbers) < count:
        numbers.append(numbers[-1] + numbers[-2])
    return numbers[:count]


print(fibonacci(10))
```

> Quotes stand a little apart.

That is the whole tour. Copy the code block with a key, or regenerate this answer to see a branch.
"""

_STORY = """\
# The Lighthouse Keeper's Clock

On a spit of rock where two seas met there stood a lighthouse, and in it lived a keeper named Ada who could not \
sleep without the ticking of a clock.

One winter night the clock stopped. Ada heard the silence before she woke, and in it something else: a boat, far \
out, tapping its hull against the ice. She climbed the hundred and twelve steps, opened the shutters, and turned \
the lamp by hand, once for every tick she remembered.

By morning a small blue boat lay in the lee of the rock. Its captain was a clockmaker.

"I steered by your light," he said. "It kept perfect time."

He stayed for breakfast, and he mended the clock. But Ada, who had learned what silence was for, wound it only on \
ordinary nights ever after.

*(A simulated story: written in advance, and told at the speed of a real model.)*
"""

_SECTIONS = (
    (
        "The first token",
        "What you feel as speed is mostly the wait before the first word. It is made of the network, "
        "a queue at the provider, and the reading of your prompt. A warm connection removes the part that is yours.",
    ),
    (
        "The stream",
        "After that, words arrive one token at a time: each in an event of its own, a thousand a second "
        "on the fastest models. A terminal cannot paint that often, so it collects what has come and paints at its own pace.",
    ),
    (
        "The limits",
        "Providers count requests and tokens in buckets that refill all the time. A call is admitted when "
        "its prompt and the longest answer it allows both fit, which is why a sensible cap on the answer matters.",
    ),
    (
        "The price",
        "Input and output cost differently, and repeated beginnings of a prompt are cheaper because they are "
        "cached. While the answer streams the cost is an estimate; the provider's own count replaces it at the end.",
    ),
    (
        "The fallback",
        "When a route fails before the first word, another takes over and you need not notice. When it "
        "fails later, what has arrived is kept, and you are told in one line.",
    ),
    (
        "The record",
        "Every call is written down with what it used and what it cost, the failed ones too. You can "
        "look at a session months later and see where the money went.",
    ),
)

_ASIDES = (
    "It is worth measuring rather than guessing.",
    "The simplest thing that works is usually the right beginning.",
    "Small, steady improvements add up faster than one would think.",
    "Two short attempts often teach more than one long plan.",
)


def answer(prompt: str, seed: int = 0) -> str:
    """A reply to a prompt; the same for the same prompt and seed, and open about being simulated."""
    asked = prompt.casefold()
    for pattern, text in _INTENTS:
        if pattern.search(asked):
            return text
    if _LONG.search(asked):
        return _long_answer()
    return _reply(prompt, random.Random(f"{seed} {prompt}"))


_INTENTS = (
    (re.compile(r"\btensor\s?wall\b|\bwhat are you\b|\bwho are you\b"), _ABOUT),
    (re.compile(r"\bmarkdown\b|\btour\b"), _TOUR),
    (re.compile(r"\bstory\b|\btale\b"), _STORY),
    (re.compile(r"^\W*(hi|hello|hey|good (morning|afternoon|evening))\b.{0,20}$", re.DOTALL), _HELLO),
)
_LONG = re.compile(r"\blong\b|\bin detail\b|\bessay\b|\bat length\b")


def _long_answer() -> str:
    sections = "\n\n".join(
        f"## {number}. {title}\n\n{text}" for number, (title, text) in enumerate(_SECTIONS, 1)
    )
    return (
        "# How an answer reaches your terminal\n\nA long answer, *simulated*: prepared text, real streaming.\n\n"
        f"{sections}\n\n## In short\n\n"
        + "".join(
            f"- **{title}**: {text.split('. ', maxsplit=1)[0].rstrip('.')}.\n" for title, text in _SECTIONS
        )
    )


def _reply(prompt: str, random_: random.Random) -> str:
    subject = _subject(prompt)
    if not subject:
        return "I'm the simulator, and there was no text in that message. Ask me anything, or say *hello*.\n"
    kind = _kind(prompt)
    first, second = random_.sample(_ASIDES, 2)
    return (
        f"You {kind} **{subject}**. I'm a simulator, so I can't answer that from knowledge, but here is how a "
        "reply to it would read:\n\n"
        f"1. **Start with what matters.** A model would first say what it takes your words to mean. {first}\n"
        f"2. **Then the substance**, in a few short points with an example where one helps.\n"
        f"3. **Then a next step** that you can take at once. {second}\n\n"
        "Set `GROQ_API_KEY` for real answers; everything else you see here works the same.\n"
    )


def _subject(prompt: str) -> str:
    """The first sentence of the prompt on one line, without Markdown's own marks, at most 80 characters."""
    line = re.sub(r"[*_`#\[\]<>|]", "", " ".join(prompt.split()))
    sentence = re.split(r"(?<=[.?!])\s", line, maxsplit=1)[0].rstrip(".?! ")
    return sentence if len(sentence) <= 80 else f"{sentence[:79].rsplit(' ', 1)[0]}…"


def _kind(prompt: str) -> str:
    if "```" in prompt or re.search(r"\b(code|function|bug|python|rust|javascript|sql)\b", prompt.casefold()):
        return "brought a piece of programming work:"
    return "asked:" if "?" in prompt else "wrote:"
