"""The OpenAPI document and its page: true to what is served, and held against it by schemathesis."""

from __future__ import annotations

import html.parser
import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.gateway_process import RunningGateway, gateway_process
from tests.simulated import Simulated

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def gateway(simulator_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with gateway_process(tmp_path_factory.mktemp("gateway") / "home", simulator_url) as running:
        yield running


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.root, trust_env=False, verify=False, timeout=20) as client:
        yield client


def test_the_document_needs_no_key_and_names_this_server(client, gateway):
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    document = answer.json()
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": gateway.root}]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_method_of_every_path_is_served_where_the_document_says_so_and_nowhere_else(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/chat/completions", "/openai/v1/chat/completions", "/v1/models", "/metrics"} <= paths.keys()
    for path, described in paths.items():
        for method in METHODS:
            answer = client.request(method, path.replace("{model}", "openai/gpt-oss-20b"))
            if method.lower() in described:
                is_open = described[method.lower()].get("security") == []
                assert answer.status_code == (200 if is_open else 401), (method, path)
            else:
                assert answer.status_code == 405, (method, path)
                assert answer.json()["error"]["code"] == "method_not_allowed"


def test_what_is_answered_fits_the_document(client, gateway, simulator):
    document = client.get("/openapi.json").json()
    keys = {"X-API-Key": gateway.key, "Authorization": f"Bearer {simulator.api_key}"}
    question = {"model": "openai/gpt-oss-20b", "messages": [{"role": "user", "content": "Hello!"}]}
    path = "/v1/chat/completions"
    answers = [
        ("ChatAnswer", client.post(path, json=question, headers=keys)),
        ("DryRun", client.post(path, json=question, headers={**keys, "X-Dry-Run": "true"})),
        ("Error", client.post(path, json={}, headers=keys)),
        ("Error", client.post(path, json=question)),
        ("Models", client.get("/v1/models", headers=keys)),
        ("Model", client.get("/v1/models/openai/gpt-oss-20b", headers=keys)),
        ("Health", client.get("/health")),
    ]
    for name, answer in answers:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        Draft202012Validator(schema).validate(answer.json())
    told = document["paths"][path]["post"]["responses"]["200"]["headers"]
    given = {name for name in answers[0][1].headers if name.startswith("x-")}
    assert given <= told.keys()
    assert {"x-request-id", "x-tensorwall-route", "x-tensorwall-cost", "x-tensorwall-overhead-ms"} <= given


class _Page(html.parser.HTMLParser):
    """What a page asks a browser for, and what it can be asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        given = dict(attrs)
        assert not {"src", "onclick", "onload"} & given.keys()
        if "id" in given:
            self.ids.add(given["id"])
        if "href" in given:
            self.links.add(given["href"])


def test_the_page_shows_every_operation_and_needs_nothing_else(client, gateway):
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = _Page()
    page.feed(answer.text)
    assert not {"script", "link", "img", "iframe"} & page.tags
    assert {link for link in page.links if not link.startswith("#")} == {"/openapi.json"}
    assert {link[1:] for link in page.links if link.startswith("#")} <= page.ids
    for path, described in client.get("/openapi.json").json()["paths"].items():
        for method, operation in described.items():
            if not path.startswith("/openai/"):
                assert operation["operationId"] in page.ids
                assert f"{method.upper()} {path}" in answer.text
    assert f"curl {gateway.root}/v1/models" in answer.text


def test_the_host_that_a_client_names_is_text_in_the_page(client):
    answer = client.get("/docs", headers={"Host": "localhost:<script>alert(1)</script>"})
    assert "<script" not in answer.text


def test_the_curl_lines_of_the_page_work(client, gateway, simulator):
    (line,) = re.findall(
        r"<pre><code>(curl -X POST .*?chat/completions.*?)</code>", client.get("/docs").text, re.DOTALL
    )
    line = html.unescape(line).replace("curl ", f"curl -sS -H 'Authorization: Bearer {simulator.api_key}' ")
    run = subprocess.run(
        ["sh", "-c", line],
        env={"TENSORWALL_KEY": gateway.key, "PATH": "/usr/bin:/bin", "no_proxy": "*"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert '"choices"' in run.stdout, run.stdout + run.stderr


@pytest.mark.timeout(90)
def test_schemathesis_finds_no_answer_that_contradicts_the_document(gateway, simulator: Simulated, tmp_path):
    """Neither a 500 nor a status, header or body that is not written there.

    What breaks no schema may still be refused by a provider, and what breaks one may be taken by it.
    """
    keys = ("-H", f"X-API-Key: {gateway.key}", "-H", f"Authorization: Bearer {simulator.api_key}")
    bounds = ("--max-examples", "20", "--generation-deterministic", "--exclude-path-regex", "^/openai/")
    checks = ("--exclude-checks", "negative_data_rejection,positive_data_acceptance")
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{gateway.root}/openapi.json", "--no-color"),
            *(*keys, *bounds, *checks),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=80,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(simulator.questions()) > 20
