import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError, UnknownRoute
from core.routing.endpoint import RouteEndpoint, RouteTable
from tests.core.routing.scripted import ScriptedProvider, VirtualTime

ENDPOINT = RouteEndpoint(provider=ScriptedProvider("groq", VirtualTime()))


def table(*patterns: str) -> RouteTable:
    routes = RouteTable()
    for pattern in patterns:
        routes.add(pattern, [ENDPOINT])
    return routes


@pytest.mark.parametrize(
    ("model", "pattern"),
    [
        ("llama-70b", "llama-70b"),
        ("llama-70b-x", "llama-70*"),
        ("llama-8b", "llama-*"),
        ("qwen", "*"),
        ("llama-70", "llama-70*"),
        ("llama", "*"),
    ],
)
def test_exact_wins_then_the_longest_prefix_then_the_star(model, pattern):
    for patterns in (["*", "llama-*", "llama-70*", "llama-70b"], ["llama-70b", "llama-70*", "llama-*", "*"]):
        assert table(*patterns).match(model)[0] == pattern


def test_an_unknown_name_is_met_with_near_ones():
    with pytest.raises(UnknownRoute) as caught:
        table("llama-70b", "gpt-oss-120b").match("lama-70b")
    assert caught.value.hint == "Did you mean llama-70b?"
    assert "'lama-70b'" in caught.value.message


def test_an_unknown_name_near_nothing_is_met_with_what_there_is():
    with pytest.raises(UnknownRoute, match="Known routes: llama-70b"):
        table("llama-70b").match("zzz")
    with pytest.raises(UnknownRoute, match="add_route"):
        table().match("zzz")


def test_registering_again_replaces():
    routes = table("a")
    other = RouteEndpoint(provider=ENDPOINT.provider, priority=3)
    routes.add("a", [other])
    assert routes.match("a") == ("a", (other,))


@pytest.mark.parametrize("pattern", ["", "a*b", "**", "*a"])
def test_a_pattern_has_one_star_at_most_and_at_its_end(pattern):
    with pytest.raises(ConfigurationError):
        table(pattern)


def test_a_route_needs_an_endpoint():
    with pytest.raises(ConfigurationError, match="leads nowhere"):
        RouteTable().add("a", [])


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf")])
def test_a_weight_is_a_share(weight):
    with pytest.raises(ConfigurationError):
        RouteEndpoint(provider=ENDPOINT.provider, weight=weight)


def test_the_key_stays_out_of_the_representation():
    assert "gsk_secret" not in repr(RouteEndpoint(provider=ENDPOINT.provider, api_key="gsk_secret"))


NAMES = st.text("ab", max_size=5)


@given(st.sets(st.one_of(NAMES.filter(bool), NAMES.map(lambda name: name + "*")), min_size=1), NAMES)
def test_the_best_match_is_independent_of_order(patterns, model):
    ordered, reversed_ = sorted(patterns), sorted(patterns, reverse=True)
    fitting = [p for p in ordered if p == model or (p.endswith("*") and model.startswith(p[:-1]))]
    if not fitting:
        with pytest.raises(UnknownRoute):
            table(*ordered).match(model)
        return
    found = table(*ordered).match(model)[0]
    assert found == table(*reversed_).match(model)[0]
    assert found == (model if model in fitting else max(fitting, key=len))
