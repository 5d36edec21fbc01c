"""The profiles against the catalogue: two views of the same models must not contradict each other."""

import pytest

from core.catalogue import ModelInfo, load_catalogue
from core.catalogue.shipped import read_shipped
from core.offline.models import EMBEDDED
from core.providers.profiles import BUILT_IN

PROFILES = {profile.name: profile for profile in BUILT_IN}
CHAT_MODELS = [info for info in load_catalogue().models(kind="chat") if info.listed and info.usable]


@pytest.mark.parametrize("info", CHAT_MODELS, ids=lambda info: f"{info.provider}/{info.id}")
def test_a_models_rule_says_what_the_catalogue_says(info: ModelInfo) -> None:
    rule = PROFILES[info.provider].rule(info.id)
    assert rule.reasoning_efforts == info.reasoning_efforts
    assert rule.max_output_tokens in (None, info.max_output_tokens)


def test_the_catalogue_knows_which_providers_cost_nothing() -> None:
    servers = {profile.name for profile in BUILT_IN if profile.local}
    assert read_shipped().local_providers == {*servers, EMBEDDED}
