"""Keys: where they are looked for, where they go, and that they never show."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend

from core.credentials import (
    StoredWhere,
    api_key,
    base_url,
    clean_api_key,
    find_api_key,
    forget_api_key,
    redact,
    store_api_key,
)
from core.errors import ConfigurationError, CredentialsError, InputError
from core.locations import Locations, find_locations

KEY = "gsk_" + "abcdefghijklmnopqrstuvwxyz0123456789"
OTHER = "gsk_" + "Z" * 40


class MemoryKeyring(KeyringBackend):
    """A keyring that works."""

    priority = 0.1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class LockedKeyring(KeyringBackend):
    """A keyring that repeats the secret in its complaint, as no keyring should."""

    priority = 0.1  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked("the collection is locked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"cannot keep {password}")

    def delete_password(self, service: str, username: str) -> None:
        raise keyring.errors.KeyringLocked("the collection is locked")


@pytest.fixture(autouse=True)
def _keyring_restored() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.fixture
def ring() -> MemoryKeyring:
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    return backend


@pytest.fixture
def file() -> Path:
    return find_locations().credentials_file


def test_without_a_keyring_the_key_goes_to_a_private_file_and_that_is_said(file: Path) -> None:
    where = store_api_key("groq", KEY)
    assert where.kind == "file"
    assert str(where) == f"{file}, readable by you alone, because there is no working system keyring"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert api_key("groq") == KEY
    assert api_key("openai") is None


def test_with_a_keyring_the_key_goes_there(ring: MemoryKeyring, file: Path) -> None:
    where = store_api_key("groq", KEY)
    assert where.kind == "keyring"
    assert "keyring" in str(where)
    assert json.loads(file.read_text()) == {"groq": None}
    assert ring.kept == {("tensorwall", "groq"): KEY}
    found = find_api_key("groq")
    assert found is not None
    assert (found.key, found.where) == (KEY, where)


def test_a_failing_keyring_falls_to_the_file_and_says_why(file: Path) -> None:
    keyring.set_keyring(LockedKeyring())
    where = store_api_key("groq", KEY)
    assert where.kind == "file"
    assert "the system keyring failed" in str(where)
    assert KEY not in str(where)
    assert api_key("groq") == KEY
    gone = forget_api_key("groq")
    assert gone is not None
    assert gone.kind == "file"
    assert api_key("groq") is None


def test_the_environment_goes_first(ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    store_api_key("groq", KEY)
    monkeypatch.setenv("GROQ_API_KEY", f"  {OTHER}\n")
    found = find_api_key("groq", "GROQ_API_KEY")
    assert found is not None
    assert found.key == OTHER
    assert str(found.where) == "the environment variable GROQ_API_KEY"
    monkeypatch.setenv("GROQ_API_KEY", "  ")
    assert api_key("groq", "GROQ_API_KEY") == KEY


def test_a_key_moves_to_the_keyring_when_one_works(file: Path) -> None:
    store_api_key("groq", OTHER)
    store_api_key("openai", OTHER)
    keyring.set_keyring(MemoryKeyring())
    assert api_key("groq") == OTHER
    store_api_key("groq", KEY)
    assert api_key("groq") == KEY
    assert json.loads(file.read_text()) == {"groq": None, "openai": OTHER}


def test_a_keyring_that_no_longer_answers_is_said(ring: MemoryKeyring) -> None:
    store_api_key("groq", KEY)
    keyring.set_keyring(LockedKeyring())
    for attempt in (api_key, forget_api_key):
        with pytest.raises(CredentialsError, match="the collection is locked") as caught:
            attempt("groq")
        assert "Unlock" in caught.value.hint
    keyring.set_keyring(ring)
    assert api_key("groq") == KEY


def test_a_key_that_was_taken_from_the_keyring_by_hand_is_gone(ring: MemoryKeyring) -> None:
    store_api_key("groq", KEY)
    ring.kept.clear()
    assert api_key("groq") is None
    assert forget_api_key("groq") is not None


def test_the_keyring_is_not_even_imported_where_it_holds_nothing() -> None:
    script = (
        "import sys; from core.credentials import api_key; print(api_key('groq'), 'keyring' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "False"]


def test_a_malformed_key_in_the_environment_is_named_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", f"{KEY}\n{OTHER}")
    with pytest.raises(CredentialsError, match="GROQ_API_KEY") as caught:
        api_key("groq", "GROQ_API_KEY")
    assert KEY not in str(caught.value)


def test_forgetting_says_where_the_key_was(ring: MemoryKeyring, file: Path) -> None:
    where = store_api_key("groq", KEY)
    assert forget_api_key("groq") == where
    assert forget_api_key("groq") is None
    assert ring.kept == {}
    assert not file.exists()


def test_forgetting_one_key_keeps_the_others(file: Path) -> None:
    store_api_key("groq", KEY)
    store_api_key("openai", OTHER)
    forget_api_key("groq")
    assert api_key("openai") == OTHER
    forget_api_key("openai")
    assert not file.exists()


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
def test_a_file_that_others_may_read_is_refused_with_the_mend(file: Path) -> None:
    store_api_key("groq", KEY)
    file.chmod(0o640)
    with pytest.raises(CredentialsError, match="0640") as caught:
        api_key("groq")
    assert caught.value.hint.startswith(f"Run: chmod 600 '{file}'")
    store_api_key("groq", OTHER)  # storing anew mends it
    assert api_key("groq") == OTHER


@pytest.mark.parametrize("content", ["{", "[]", '{"groq": 1}', "\0"])
def test_a_damaged_file_is_said_and_left_alone(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(content)
    file.chmod(0o600)
    for attempt in (
        lambda: api_key("groq"),
        lambda: store_api_key("groq", KEY),
        lambda: forget_api_key("groq"),
    ):
        with pytest.raises(CredentialsError, match=file.name):
            attempt()
    assert file.read_text() == content


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file where a folder should be")
    with pytest.raises(CredentialsError, match="cannot be"):
        store_api_key("groq", KEY, locations=Locations.under(tmp_path))


def test_a_found_key_does_not_show_in_its_repr() -> None:
    store_api_key("groq", KEY)
    assert KEY not in repr(find_api_key("groq"))


@pytest.mark.parametrize(
    "pasted",
    [
        KEY,
        f"  {KEY}\n",
        f'"{KEY}"',
        f"'{KEY}'\r\n",
        f"\u201c{KEY}\u201d",
        f"\ufeff{KEY}\u200b",
        f"GROQ_API_KEY={KEY}",
        f'export GROQ_API_KEY="{KEY}"',
        f"Bearer {KEY}",
        f"Authorization: Bearer {KEY}",
        f"`{KEY}`",
        f"Bearer Bearer {KEY}",
        f"$env:GROQ_API_KEY = '{KEY}'",
    ],
)
def test_a_pasted_key_is_freed_of_what_surrounds_it(pasted: str) -> None:
    assert clean_api_key(pasted) == KEY


@pytest.mark.parametrize(
    ("pasted", "problem"),
    [
        ("", "empty"),
        (' "" ', "empty"),
        (f"{KEY}\n{OTHER}", "several lines"),
        (f"{KEY} {OTHER}", "space"),
        (f"{KEY}\x1b[0m", "character"),
        (f"{KEY}\x00", "character"),
        ("gsk_\u00e9clair" * 3, "character"),
        ("gsk_abc...xyz", "shortened"),
        ("gsk_********", "masked"),
        ("gsk_\u2022\u2022\u2022\u2022", "masked"),
        ("k" * 5000, "longer"),
    ],
)
def test_what_cannot_be_a_key_is_refused_without_repeating_it(pasted: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        store_api_key("groq", pasted)
    assert caught.value.hint
    assert len(pasted) < 5 or pasted not in str(caught.value)
    assert api_key("groq") is None


@given(st.text())
def test_a_cleaned_key_is_fit_for_a_header_and_stays_as_it_is(pasted: str) -> None:
    try:
        key = clean_api_key(pasted)
    except InputError:
        return
    assert key.isascii()
    assert key.isprintable()
    assert " " not in key
    assert clean_api_key(key) == key


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Incorrect API key provided: {KEY}.", "Incorrect API key provided: gsk_[redacted]."),
        ("key sk-proj-AbCdEf0123456789xyz here", "key sk-proj-[redacted] here"),
        ("Authorization: Bearer abc.def-ghi_jkl", "Authorization: Bearer [redacted]"),
        ("postgresql+psycopg://me:s3cret@db:5432/x", "postgresql+psycopg://me:[redacted]@db:5432/x"),
        ("http://user:pass@proxy:8080 refused", "http://user:[redacted]@proxy:8080 refused"),
        ("ask-me-anything-about-tensors", "ask-me-anything-about-tensors"),
        ("the model's risk-assessment-of-things", "the model's risk-assessment-of-things"),
        ("https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1"),
        ("", ""),
    ],
)
def test_keys_are_taken_out_of_texts(text: str, shown: str) -> None:
    assert redact(text) == shown


@given(st.text(), st.text(), st.from_regex(r"[!-~]{8,60}", fullmatch=True))
def test_a_known_key_is_taken_out_whatever_it_looks_like(before: str, after: str, key: str) -> None:
    shown = redact(before + key + after, keys=[key])
    assert key not in shown or key in "[redacted]"


def test_an_address_comes_from_its_variable_or_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    default = "https://api.groq.com/openai/v1"
    assert base_url("GROQ_API_URL", default) == default
    assert base_url(None, default + "/") == default
    monkeypatch.setenv("GROQ_API_URL", " ")
    assert base_url("GROQ_API_URL", default) == default
    monkeypatch.setenv("GROQ_API_URL", " http://127.0.0.1:8080/openai/v1/ ")
    assert base_url("GROQ_API_URL", default) == "http://127.0.0.1:8080/openai/v1"


@pytest.mark.parametrize(
    "wrong",
    [
        "api.groq.com",
        "ftp://api.groq.com",
        "https://",
        "http://a b/",
        "https://[::1",
        "http://x:99999",
        "http://a\x1bb",
    ],
)
def test_an_address_that_is_none_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("GROQ_API_URL", wrong)
    with pytest.raises(ConfigurationError) as caught:
        base_url("GROQ_API_URL", "https://api.groq.com/openai/v1")
    assert caught.value.key == "GROQ_API_URL"
    assert caught.value.hint
    assert "\x1b" not in str(caught.value)


def test_places_are_told_apart() -> None:
    assert str(StoredWhere("keyring", "macOS Keychain")) == "the system keyring (macOS Keychain)"
    assert str(StoredWhere("file", "/x")) == "/x, readable by you alone"
