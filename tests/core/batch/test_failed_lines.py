"""What each failure means for a batch, and how it stands in the output."""

from __future__ import annotations

import pytest

from core import errors
from core.batch.failed_lines import Meaning, error_line, meaning_of, told_wait
from core.chat import Decision


def limited(seconds: float | None) -> errors.RateLimited:
    error = errors.RateLimited("A limit is used up.", provider="groq", status=429)
    error.retry_after = seconds
    return error


def all_failed(*causes: errors.ProviderError | errors.CredentialsError) -> errors.AllRoutesFailed:
    return errors.AllRoutesFailed("No route answered.", causes=causes, decision=Decision("m", "random"))


INVALID = errors.InvalidRequest("Refused.", status=400, code="bad_field", request_id="req_7")
WRONG_KEY = errors.AuthenticationFailed("Wrong key.", status=401)
NO_KEY = errors.CredentialsError("No key.")
OFFLINE = errors.ConnectionFailed("Nobody answers.")
BROKEN = errors.ServerFailed("It failed.", status=503)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (INVALID, Meaning.LINE),
        (all_failed(errors.ModelUnavailable("Gone.", status=404)), Meaning.LINE),
        (all_failed(limited(3), OFFLINE), Meaning.LIMIT),
        (all_failed(WRONG_KEY, limited(3)), Meaning.LIMIT),
        (all_failed(BROKEN), Meaning.PASSING),
        (all_failed(OFFLINE), Meaning.PASSING),
        (all_failed(WRONG_KEY, BROKEN), Meaning.PASSING),
        (all_failed(WRONG_KEY, NO_KEY), Meaning.ALL),
        (all_failed(errors.QuotaExhausted("Used up.", status=402)), Meaning.ALL),
        (errors.DatabaseBusy("Locked."), Meaning.ALL),
        (errors.BudgetExceeded("Too dear.", scope="day"), Meaning.BUDGET),
    ],
)
def test_what_a_failure_means(error: errors.TensorWallError, meaning: Meaning) -> None:
    assert meaning_of(error) is meaning


def test_the_shortest_wait_that_was_told_counts() -> None:
    assert told_wait(all_failed(limited(9), limited(3), limited(None))) == 3
    assert told_wait(all_failed(OFFLINE)) is None


def test_an_error_of_the_provider_keeps_its_status_and_code() -> None:
    line = error_line("a", INVALID)
    assert (line.status_code, line.request_id, line.error, line.failed) == (400, "req_7", None, True)
    told = {"message": "Refused.", "type": "invalid_request_error", "param": None, "code": "bad_field"}
    assert line.body == {"error": told}


@pytest.mark.parametrize("error", [all_failed(OFFLINE), all_failed(BROKEN, OFFLINE)])
def test_where_nobody_answered_there_is_no_response(error: errors.AllRoutesFailed) -> None:
    line = error_line("a", error)
    assert (line.status_code, line.body, line.failed) == (None, None, True)
    assert line.error == {"code": "ConnectionFailed", "message": "No route answered."}
