from core.catalogue import Catalogue
from core.catalogue.shipped import parse_models
from core.providers import RemoteModel
from core.routing.endpoint import RouteEndpoint
from core.routing.known_models import KnownModels
from tests.core.routing.scripted import ScriptedProvider, VirtualTime

GROQ = ScriptedProvider("groq", VirtualTime())
OTHER_KEY = ScriptedProvider("groq", VirtualTime())


def test_a_model_that_is_gone_is_replaced_for_this_key_alone():
    models = KnownModels()
    assert models.replace(GROQ, "mixtral-8x7b-32768") == "openai/gpt-oss-120b"
    endpoint = RouteEndpoint(provider=GROQ)
    assert models.resolve(endpoint, GROQ, "mixtral-8x7b-32768") == "openai/gpt-oss-120b"
    assert models.resolve(endpoint, OTHER_KEY, "mixtral-8x7b-32768") == "mixtral-8x7b-32768"


def test_a_model_chosen_by_the_endpoint_is_replaced_too():
    models = KnownModels()
    models.replace(GROQ, "gemma2-9b-it")
    endpoint = RouteEndpoint(provider=GROQ, model="gemma2-9b-it")
    assert models.resolve(endpoint, GROQ, "anything") == "openai/gpt-oss-20b"


def test_nothing_replaces_what_the_catalogue_does_not_know():
    assert KnownModels().replace(GROQ, "brand-new/model") is None


def test_what_became_of_a_model_is_said_as_it_is_known():
    models = KnownModels()
    assert models.fate(GROQ, "llama-3.3-70b-versatile") == "llama-3.3-70b-versatile is retired"
    assert models.fate(GROQ, "openai/gpt-oss-120b") == "openai/gpt-oss-120b is not available with this key"


CATALOGUE = """
default_model = "a"
voice_model = "a"
title_model = "a"
local_providers = []
[aliases]
[models.groq.a]
label = "A"
replacement = "b"
[models.groq.b]
label = "B"
replacement = "a"
[models.groq.c]
label = "C"
replacement = "a"
"""


def test_two_models_that_succeed_each_other_do_not_run_in_a_circle():
    catalogue = Catalogue(parse_models(CATALOGUE))
    catalogue.merge("groq", [RemoteModel("a"), RemoteModel("b")])
    models, endpoint = KnownModels(catalogue), RouteEndpoint(provider=GROQ)
    assert models.replace(GROQ, "a") == "b"
    assert models.replace(GROQ, "b") is None
    assert models.replace(GROQ, "c") == "b", "by way of a, which is gone too"
    assert models.resolve(endpoint, GROQ, "c") == "b"
