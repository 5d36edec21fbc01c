"""What is said for what is written."""

from __future__ import annotations

import pytest

from core.voice.spoken_text.languages import LANGUAGES, language_of
from tests.core.voice.spoken_text.answers import clauses, spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**Bold**, *italic*, ~~gone~~ and __this__.", "Bold, italic, gone and this."),
        ("2 * 3 = 6, 2*3, 2**3", "2 times 3 equals 6, 2 times 3, 2 to the power of 3"),
        ("Some 2^10 or x^-1", "Some 2 to the power of 10 or x to the power of minus 1"),
        ("Call `get_user_name()` now", "Call get user name now"),
        ("Call `getUserName` now", "Call get User Name now"),
        ("Take `v1.2.3` or `3.14`", "Take version 1.2.3 or 3.14"),
        ("Edit `core/app.py` now", "Edit core/app dot py now"),
        ("Is `x != y` or `f(x) = a * 2`?", "Is x is not y or f x equals a times 2?"),
        ("In `C++17`, `C#` and C#, not `ls -l`", "In C plus plus 17, C sharp and C sharp, not ls l"),
        ("A `Vec<int>` or Vec<String> holds", "A Vec int or Vec String holds"),
        ("Open C:\\Users\\me now", "Open C: Users me now"),
        ("Use `" + "x = f(y); " * 10 + "` here", "Use Code on screen. here"),
        ("See [the *fine* manual](https://a.b/c_d?e=f).", "See the fine manual."),
        ("See https://www.example.com/a/b?c=d.", "See example.com."),
        ("See <https://example.com> too", "See example.com too"),
        ("See [the manual][1].", "See the manual."),
        ("Ask <ann@example.com> for <your-key> now", "Ask ann@example.com for your-key now"),
        ('See <a href="https://a.b/c" class="d">here</a> now', "See here now"),
        ("![A cat](cat.png) sleeps", "image: A cat sleeps"),
        ("Water[^1] is wet【4†source】.", "Water is wet."),
        ("[^1]: A note.", "A note."),
        ("[ref]: https://a.b", ""),
        ("<b>Bold</b> &amp; more<br>here", "Bold and more here"),
        ("A snake_case name", "A snake case name"),
        ("\\*Not emphasis\\* costs 5", "Not emphasis costs 5"),
        ("Great \U0001f600! Yes", "Great! Yes"),
        ("Title\n===\nText", "Title. Text"),
        ("It costs $5.", "It costs 5 dollars."),
        ("It costs $1 or €2,50 or 3 €.", "It costs 1 dollar or 2,50 euros or 3 euros."),
        ("They paid $1.5 million, then $3M.", "They paid 1.5 million dollars, then 3 million dollars."),
        ("It is $5–$10 or 3-5 €", "It is 5 to 10 dollars or 3 to 5 euros"),  # noqa: RUF001
        ("Some US$5-10k, R$1 or $1M", "Some US 5 to 10 thousand dollars, 1 real or 1 million dollars"),
        ("From 2-3 hours, 5-10km, 1990-1995.", "From 2 to 3 hours, 5 to 10 kilometres, 1990 to 1995."),
        ("Call 555-1234, 10-5 or 978-3-16", "Call 555-1234, 10-5 or 978-3-16"),
        ("In the 1990s and the 80s, 30s long", "In the 1990s and the 80s, 30 seconds long"),
        ("A V8 engine in v2", "A V8 engine in version 2"),
        ("It is 21°C, -5 °C at night", "It is 21 degrees Celsius, minus 5 degrees Celsius at night"),
        ("Some 3–5 km, 16GB and 1 kg", "Some 3 to 5 kilometres, 16 gigabytes and 1 kilogram"),  # noqa: RUF001
        ("About 50% of ~20", "About 50 percent of about 20"),
        ("On 2026-11-05 at 10:30", "On November 5, 2026 at 10:30"),
        ("Issue #12 in v1.2.3", "Issue number 12 in version 1.2.3"),
        ("If a >= b -> c != d & e", "If a at least b to c is not d and e"),
        ("An area of 5 m²", "An area of 5 square metres"),
        ("So $a^2 + b^2 = c^2$ holds", "So a squared plus b squared equals c squared holds"),
        ("So \\(x \\leq \\pi\\) holds", "So x at most pi holds"),
        ("So $\\frac{a}{b}$ holds", "So formula on screen holds"),
        ("$$\n\\int x\n$$", "Formula on screen."),
        ("$$ \\begin{cases}\nx &= 1\n\\end{cases} $$\nSo", "Formula on screen. So"),
        ("\\[ x = \\frac{1}{2}\n+ 3 \\]\nSo", "Formula on screen. So"),
        ("\\[ x = 3 \\] holds", "x equals 3 holds"),
        ("$$ is the shell itself", "$$ is the shell itself"),
        ("With $HOME and $PATH set", "With $HOME and $PATH set"),
    ],
)
def test_english(written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize(
    ("written", "language", "said"),
    [
        ("Das kostet 5 €, also 20%.", "de", "Das kostet 5 Euro, also 20 Prozent."),
        ("Am 2026-11-05 um 10 Uhr", "de-AT", "Am 5. November 2026 um 10 Uhr"),
        ("```python\nx\n```", "fr", "Code Python à l'écran."),
        ("Son 3–5 km", "es", "Son 3 a 5 kilómetros"),  # noqa: RUF001
        ("Costa 5 €", "it", "Costa 5 euro"),
        ("Custa R$5", "pt_BR", "Custa 5 reais"),
        ("```\nx\n```", "nl", "Code op het scherm."),
        ("```\nx\n```", "sv", "Code on screen."),
        ("Это 5 % и $3 за 2^10 км, v2", "ru", "Это 5 % и $3 за 2^10 км, v2"),
        ("请访问https://a.cn/b查看。", "zh", "请访问a.cn查看。"),
    ],
)
def test_other_languages(written: str, language: str, said: str) -> None:
    assert spoken(written, language) == said


def test_lists_are_said_item_by_item() -> None:
    text = "Do this:\n\n1. Wash\n2. Dry\n   - with a towel\n- [x] Fold"
    assert spoken(text) == "Do this: 1: Wash 2: Dry. with a towel. Fold"


def test_lines_of_a_paragraph_are_joined_by_a_pause_where_they_are_not_one_sentence() -> None:
    assert spoken("Name: Ann\nAge: 7\n\nThis goes\non here") == "Name: Ann, Age: 7. This goes on here"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('She said "Go."\nHe went.', 'She said "Go." He went.'),
        ("# A title (really!)\nText", "A title (really!) Text"),
        ("One line.<br>\nAnother", "One line. Another"),
        ("# यह एक है।\nहाँ", "यह एक है। हाँ"),
    ],
)
def test_a_line_with_a_mark_at_its_end_gets_no_other(written: str, said: str) -> None:
    assert spoken(written) == said


def test_a_table_is_announced_by_its_columns() -> None:
    text = "| **Name** | Price |  |\n|---|---|---|\n| a | 1 | 2 |\n\nThat is all."
    found = clauses(text)
    assert found[0].spoken == "Table on screen: Name and Price."
    assert text[found[0].start : found[0].end].endswith("| 2 |\n")


def test_the_middle_of_a_phrase_maps_to_the_end_of_what_it_stands_for() -> None:
    (clause,) = clauses("Costs 20% now")
    percent = clause.spoken.index("percent")
    assert clause.source(percent + 3) == len("Costs 20%")
    assert clause.source(clause.spoken.index("now")) == len("Costs 20% ")


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_every_word(code: str) -> None:
    english, language = language_of(None), language_of(code)
    assert language.symbols.keys() == english.symbols.keys()
    assert language.units.keys() == english.units.keys()
    assert len(language.months) == 12
    assert {"$", "€", "£"} <= language.currencies.keys()
    assert language.continuing
