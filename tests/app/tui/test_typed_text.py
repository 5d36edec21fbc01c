"""Pastes, mentions, history, drafts and fuzzy matching, without a screen."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tui.drafts import Drafts
from app.tui.fuzzy import best_matches, score
from app.tui.mentions import FileIndex, Mention, attach, mention_at, mentioned_files
from app.tui.paste import LARGEST_PASTE, PastedText, check_paste
from app.tui.prompt_history import PromptHistory
from core.errors import InputError


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=3000), max_size=5))
def test_what_is_folded_unfolds_to_itself(pastes: list[str]) -> None:
    pasted = PastedText()
    shown = [pasted.fold(text) for text in pastes]
    for text, token in zip(pastes, shown, strict=True):
        if token != text:
            assert pasted.unfold(token) == text


def test_two_pastes_of_one_size_stay_apart() -> None:
    pasted = PastedText()
    first, second = "a\n" * 30, "b\n" * 30
    tokens = pasted.fold(first), pasted.fold(second)
    assert tokens == ("[pasted 31 lines]", "[pasted 31 lines #2]")
    assert pasted.fold(first) == tokens[0]
    assert pasted.unfold(f"{tokens[1]} {tokens[0]}") == f"{second} {first}"
    assert pasted.unfold("[pasted 99 lines]") == "[pasted 99 lines]"


@pytest.mark.parametrize("text", ["plain", "tabs\tand\nlines", "\x1b[31mcolour\x1b[0m", "日本語 🎉", ""])
def test_text_may_be_pasted(text: str) -> None:
    check_paste(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a" * (LARGEST_PASTE + 1), "2.0 MB"),
        ("\0", "binary"),
        ("\ufffd" * 10, "binary"),
        ("\x01\x02\x03\x04", "binary"),
    ],
)
def test_what_is_no_message_is_refused(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        check_paste(text)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("see @src/a", Mention(4, "src/a")),
        ("@", Mention(0, "")),
        ('@"two words', Mention(0, "two words")),
        ('@"done" and', None),
        ("mail me@example.org", None),
        ("@a b", None),
        ("", None),
    ],
)
def test_a_mention_ends_at_the_cursor(line: str, expected: Mention | None) -> None:
    assert mention_at(line, len(line)) == expected


def test_only_mentions_of_files_are_attached(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n", "utf-8")
    (tmp_path / "two words.md").write_text("```\ncode\n```", "utf-8")
    found = mentioned_files('look at @a.py, @"two words.md" and ask @someone', tmp_path)
    assert [name for name, _ in found] == ["a.py", "two words.md"]
    content = attach("compare @a.py", tmp_path)
    assert content == "compare @a.py\n\n`a.py`:\n```py\nx = 1\n```"
    assert attach("hi @someone", tmp_path) == "hi @someone"
    fenced = attach('@"two words.md"', tmp_path)
    assert isinstance(fenced, str)
    assert "````md\n```\ncode\n```\n````" in fenced


def test_hidden_and_generated_folders_are_not_offered(tmp_path: Path) -> None:
    for name in ("src/app.py", ".git/config", "node_modules/x/index.js", "src/.secret", "README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", "utf-8")
    index = FileIndex(tmp_path)
    assert index.candidates("") == ["README.md", "src/app.py"]
    (tmp_path / "src" / "deep").mkdir()
    assert index.candidates(f"{tmp_path}/src/") == [
        f"{tmp_path}/src/.secret",
        f"{tmp_path}/src/app.py",
        f"{tmp_path}/src/deep/",
    ]
    assert index.candidates("/does/not/exist/") == []


def test_fuzzy_prefers_names_and_word_starts() -> None:
    paths = ["docs/parser_notes.md", "src/parser.py", "src/sparse_array.py", "p/a/r/s/e.txt"]
    assert best_matches("parser", paths, 2) == ["src/parser.py", "docs/parser_notes.md"]
    assert best_matches("zzz", paths, 5) == []
    assert best_matches("", paths, 2) == ["p/a/r/s/e.txt", "src/parser.py"]


@given(st.text(max_size=20), st.text(max_size=40))
def test_a_match_is_a_subsequence(query: str, candidate: str) -> None:
    letters = iter(candidate.lower())
    assert (score(query, candidate) is not None) == all(char in letters for char in query.lower())


def test_history_survives_broken_lines_and_keeps_the_newest(tmp_path: Path) -> None:
    file = tmp_path / "data" / "history.jsonl"
    history = PromptHistory(file)
    for prompt in ("one", "two\nlines", "two\nlines", "  "):
        history.add(prompt)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open("a", encoding="utf-8") as opened:
        opened.write('{"not": "a prompt"}\nnot json\n"three"\n')
    again = PromptHistory(file)
    again.load()
    assert [again.previous("draft") for _ in range(4)] == ["three", "two\nlines", "one", None]
    assert [again.next() for _ in range(4)] == ["two\nlines", "three", "draft", None]


def test_a_long_history_is_cut_to_the_newest(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text("".join(f'"{n}"\n' for n in range(2_500)), "utf-8")
    history = PromptHistory(file)
    history.load()
    assert len(file.read_text("utf-8").splitlines()) == 1_000
    assert history.previous("") == "2499"


def test_history_that_cannot_be_written_costs_no_prompt(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", "utf-8")
    history = PromptHistory(tmp_path / "taken" / "history.jsonl")
    history.load()
    history.add("still here")
    assert history.problem is not None
    assert history.previous("") == "still here"


def test_drafts_are_kept_apart_and_blank_ones_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "data" / "drafts.json"
    drafts = Drafts(file)
    drafts.put(None, "new one")
    drafts.put("abc", "of abc")
    drafts.put("abc", " ")
    again = Drafts(file)
    again.load()
    assert (again.get(None), again.get("abc")) == ("new one", "")
    file.write_text("{broken", "utf-8")
    broken = Drafts(file)
    broken.load()
    assert broken.get(None) == ""
    assert broken.problem is None
