import pytest

from core.chat import ToldLimit
from core.providers.told_limit import told_limit


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "Rate limit reached for model `gemma2-9b-it` in organization `org_1` service tier `on_demand` "
            "on tokens per minute (TPM): Limit 15000, Used 11972, Requested 4351. Please try again in 5.2s.",
            ToldLimit("tokens_per_minute", 15_000, 11_972, 4_351),
        ),
        (
            "Rate limit reached on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619.",
            ToldLimit("tokens_per_day", 100_000, 97_050, 3_619),
        ),
        (
            "Rate limit reached on requests per minute (RPM): Limit 30, Used 30, Requested 1.",
            ToldLimit("requests_per_minute", 30, 30, 1),
        ),
        (
            "Request too large on tokens per minute (TPM): Limit 6000, Requested 6294, please reduce",
            ToldLimit("tokens_per_minute", 6_000, None, 6_294),
        ),
        (
            "Rate limit reached on tokens per minute (TPM): Limit 7000, Used 0, Requested ~12903.",
            ToldLimit("tokens_per_minute", 7_000, 0, 12_903),
        ),
        ("Rate limit reached on tokens per minute (TPM): Limit 0, Used 0, Requested 5.", None),
        ("This model's maximum context length is 8192 tokens.", None),
        ("", None),
    ],
)
def test_refusals_name_a_limit_and_its_numbers(message, told):
    assert told_limit(message) == told
