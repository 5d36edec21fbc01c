import pytest

from core import errors
from core.routing.actions import Action, cooled_down, on_demand, policy_for, shrunk
from tests.core.routing.scripted import request

EXPECTED = {
    errors.InvalidRequest: (Action.RAISE, False),
    errors.AuthenticationFailed: (Action.ELSEWHERE, False),
    errors.CredentialsError: (Action.ELSEWHERE, False),
    errors.AccessDenied: (Action.ELSEWHERE, False),
    errors.QuotaExhausted: (Action.ELSEWHERE, False),
    errors.ModelUnavailable: (Action.REPLACE_MODEL, False),
    errors.RequestTooLarge: (Action.SHRINK, False),
    errors.RateLimited: (Action.LATER, False),
    errors.CapacityExceeded: (Action.ON_DEMAND, False),
    errors.OfflineUnavailable: (Action.ELSEWHERE, False),
    errors.OutputInvalid: (Action.REPEAT, False),
    errors.ToolCallInvalid: (Action.REPEAT, False),
    errors.Unprocessable: (Action.REPEAT, False),
    errors.ConnectionFailed: (Action.LATER, True),
    errors.ServerFailed: (Action.LATER, True),
    errors.StreamInterrupted: (Action.LATER, True),
    errors.StreamStalled: (Action.ELSEWHERE, True),
    errors.UnexpectedResponse: (Action.ELSEWHERE, True),
    errors.ProviderError: (Action.ELSEWHERE, True),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_each_error_has_its_action_and_its_bearing_on_health(kind):
    policy = policy_for(kind("It failed."))
    assert (policy.action, policy.unhealthy) == EXPECTED[kind]
    assert policy.because


def test_the_table_is_complete():
    kinds = {
        kind
        for name in errors.__all__
        if issubclass(kind := getattr(errors, name), errors.ProviderError | errors.CredentialsError)
    }
    assert kinds == set(EXPECTED)


def test_an_error_nobody_knows_is_treated_as_its_base():
    class Overheated(errors.ServerFailed):
        pass

    assert policy_for(Overheated("Hot.")) == policy_for(errors.ServerFailed("Hot."))


def test_a_failed_dependency_is_not_asked_again():
    assert policy_for(errors.Unprocessable("No.", status=422)).action is Action.REPEAT
    assert policy_for(errors.Unprocessable("No.", status=424)).action is Action.ELSEWHERE


def test_a_spend_cap_is_out_of_the_way_until_it_begins_anew():
    blocked = errors.QuotaExhausted("Used up.", code="blocked_api_access")
    assert policy_for(blocked).set_aside == 600
    blocked.renews_in = 86_400.0
    assert policy_for(blocked).set_aside == 86_400


@pytest.mark.parametrize(
    ("cap", "limit", "requested", "fitted"),
    [
        (8192, 8000, 8300, 7892),
        (8192, None, 8300, None),
        (8192, 8000, None, None),
        (None, 8000, 8300, None),
        (500, 8000, 8700, None),  # the prompt leaves no room
        (628, 8000, 8500, 128),
        (627, 8000, 8500, None),  # an answer too short to help
        (8192, 8000, 7000, None),  # a refusal that contradicts itself
    ],
)
def test_the_cap_is_cut_by_what_is_too_much(cap, limit, requested, fitted):
    error = errors.RequestTooLarge("Too large.")
    error.limit, error.requested = limit, requested
    smaller = shrunk(request(), error, cap)
    assert (smaller.max_completion_tokens if smaller else None) == fitted


@pytest.mark.parametrize(
    ("tier", "after"), [("flex", "on_demand"), ("auto", "on_demand"), ("on_demand", None), (None, None)]
)
def test_only_flex_falls_back_to_on_demand(tier, after):
    changed = on_demand(request(service_tier=tier))
    assert (changed.service_tier if changed else None) == after


@pytest.mark.parametrize(("temperature", "after"), [(None, 0.2), (1.0, 0.2), (0.2, 0.2), (0.0, 0.0)])
def test_a_second_try_at_json_is_no_warmer(temperature, after):
    assert cooled_down(request(temperature=temperature)).temperature == after
