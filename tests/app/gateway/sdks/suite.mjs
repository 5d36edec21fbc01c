// OpenAI's own package for Node against the gateway, as it is. test_node.py says where both are.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

const { GATEWAY, GATEWAY_KEY, SIMULATOR, PACKAGE } = process.env;
const { default: OpenAI, toFile } = await import(PACKAGE);

const MODEL = "openai/gpt-oss-20b";
const VISION = "qwen/qwen3.8-27b";
const HELLO = [{ role: "user", content: "Hello!" }];
const PARAMETERS = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const WEATHER = { type: "function", function: { name: "get_weather", parameters: PARAMETERS } };
const TWO_CITIES = [{ role: "user", content: "How is the weather in Oslo and in Rome?" }];
const CITIES = [{ city: "Oslo" }, { city: "Rome" }];

/** An account of the test's own at the simulator, and a client that asks for it through the gateway. */
async function account(options = {}, settings = {}) {
  const key = `gsk_${randomUUID()}`;
  const url = `${SIMULATOR}/_simulator/keys/${key}`;
  const configured = await fetch(url, { method: "PUT", body: JSON.stringify(options) });
  assert.equal(configured.status, 200, await configured.text());
  const client = new OpenAI({
    baseURL: `${GATEWAY}/v1`,
    apiKey: key,
    defaultHeaders: { "X-API-Key": GATEWAY_KEY },
    maxRetries: 0,
    ...settings,
  });
  const questions = async () => (await fetch(`${url}/requests`)).json();
  return { client, questions };
}

/** How the only question ended at the provider, once it has. */
async function ended(questions) {
  const limit = Date.now() + 20_000;
  for (;;) {
    const asked = await questions();
    if (asked.length === 1 && asked[0].outcome !== "answering") return asked[0].outcome;
    assert.ok(Date.now() < limit, "the question goes on at the provider");
  }
}

/** A second of silence, as WAV. */
function recording() {
  const samples = 16_000;
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + 2 * samples, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(samples, 24);
  head.writeUInt32LE(2 * samples, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(2 * samples, 40);
  return Buffer.concat([head, Buffer.alloc(2 * samples)]);
}

for (const path of ["/v1", "/openai/v1"]) {
  test(`chat under ${path}`, async () => {
    const { client } = await account({ text: "All is well.", reasoning: "" }, { baseURL: GATEWAY + path });
    const answer = await client.chat.completions.create({ model: MODEL, messages: HELLO });
    assert.equal(answer.choices[0].message.content, "All is well.");
    assert.ok(answer.usage.completion_tokens > 0);
    assert.ok(answer._request_id);
  });
}

test("streamed chat", async () => {
  const { client } = await account({ text: ["All", " is", " well."], reasoning: "Hm." });
  const stream = await client.chat.completions.create({
    model: MODEL,
    messages: HELLO,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let reasoning = "";
  let last;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    reasoning += chunk.choices[0]?.delta.reasoning ?? "";
    last = chunk;
  }
  assert.equal(text, "All is well.");
  assert.equal(reasoning, "Hm.");
  assert.ok(last.usage.completion_tokens > 0);
});

test("the helper for streams puts an answer together", async () => {
  const { client } = await account({ text: ["All", " is", " well."], reasoning: "" });
  const pieces = [];
  const stream = client.chat.completions.stream({ model: MODEL, messages: HELLO });
  stream.on("content", (piece) => pieces.push(piece));
  assert.equal(await stream.finalContent(), "All is well.");
  assert.equal(pieces.join(""), "All is well.");
});

test("parallel tools, and what they returned", async () => {
  const { client } = await account();
  const asked = { model: MODEL, tools: [WEATHER] };
  const made = (await client.chat.completions.create({ ...asked, messages: TWO_CITIES })).choices[0].message;
  assert.deepEqual(made.tool_calls.map((call) => JSON.parse(call.function.arguments)), CITIES);
  const results = made.tool_calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: "7 degrees" }));
  const messages = [...TWO_CITIES, made, ...results];
  const answer = await client.chat.completions.create({ ...asked, messages });
  assert.match(answer.choices[0].message.content, /7 degrees/);
});

test("streamed tools", async () => {
  const { client } = await account();
  const stream = client.chat.completions.stream({ model: MODEL, messages: TWO_CITIES, tools: [WEATHER] });
  const answer = await stream.finalChatCompletion();
  const calls = answer.choices[0].message.tool_calls;
  assert.deepEqual(calls.map((call) => JSON.parse(call.function.arguments)), CITIES);
  assert.equal(answer.choices[0].finish_reason, "tool_calls");
});

test("tools that the package runs by itself", async () => {
  const { client, questions } = await account();
  const asked = [];
  const tool = {
    type: "function",
    function: {
      ...WEATHER.function,
      parse: JSON.parse,
      function: ({ city }) => {
        asked.push(city);
        return `It rains in ${city}.`;
      },
    },
  };
  const run = client.chat.completions.runTools({ model: MODEL, messages: TWO_CITIES, tools: [tool] });
  const text = await run.finalContent();
  assert.deepEqual(asked.sort(), ["Oslo", "Rome"]);
  assert.match(text, /It rains in Oslo\./);
  assert.equal((await questions()).length, 2);
});

test("JSON mode and schemas", async () => {
  const { client } = await account();
  const asked = { model: MODEL, messages: [{ role: "user", content: "JSON please" }] };
  const loose = await client.chat.completions.create({ ...asked, response_format: { type: "json_object" } });
  assert.equal(JSON.parse(loose.choices[0].message.content).simulated, true);
  const response_format = {
    type: "json_schema",
    json_schema: { name: "place", schema: PARAMETERS, strict: true },
  };
  const strict = await client.chat.completions.create({ ...asked, response_format });
  assert.deepEqual(Object.keys(JSON.parse(strict.choices[0].message.content)), ["city"]);
});

test("pictures", async () => {
  const { client, questions } = await account();
  const url = "data:image/png;base64,iVBORw0KGgo=";
  const content = [
    { type: "text", text: "What is this?" },
    { type: "image_url", image_url: { url } },
  ];
  await client.chat.completions.create({ model: VISION, messages: [{ role: "user", content }] });
  assert.equal((await questions())[0].body.messages[0].content[1].image_url.url, url);
});

test("headers of the answer", async () => {
  const { client } = await account();
  const asked = client.chat.completions.create(
    { model: MODEL, messages: HELLO },
    { headers: { "X-Request-ID": "from-node" } },
  );
  const { data, response, request_id } = await asked.withResponse();
  assert.ok(data.choices[0].message.content);
  assert.equal(response.headers.get("x-tensorwall-route"), `groq/${MODEL}`);
  assert.equal(request_id, "from-node");
});

for (const [fault, raised, status] of [
  [{ kind: "bad_request" }, OpenAI.BadRequestError, 400],
  [{ kind: "unauthorized" }, OpenAI.AuthenticationError, 401],
  [{ kind: "forbidden" }, OpenAI.PermissionDeniedError, 403],
  [{ kind: "model_not_found" }, OpenAI.NotFoundError, 404],
  [{ kind: "too_large" }, OpenAI.APIError, 413],
  [{ kind: "unprocessable" }, OpenAI.UnprocessableEntityError, 422],
  [{ kind: "rate_limited", retry_after: 90 }, OpenAI.RateLimitError, 429],
  [{ kind: "server_error", status: 503 }, OpenAI.InternalServerError, 502],
]) {
  test(`the provider's error ${fault.kind}`, async () => {
    const { client } = await account({ faults: [fault] });
    const error = await client.chat.completions.create({ model: MODEL, messages: HELLO }).catch((e) => e);
    assert.ok(error instanceof raised, String(error));
    assert.equal(error.status, status);
    assert.ok(error.requestID);
    if (status === 429) assert.ok(Number(error.headers.get("retry-after")) >= 60);
  });
}

test("the gateway's own errors", async () => {
  const { client } = await account();
  const error = await client.chat.completions.create({ model: MODEL, messages: [] }).catch((e) => e);
  assert.ok(error instanceof OpenAI.BadRequestError, String(error));
  assert.equal(error.param, "messages");
  const stranger = new OpenAI({ baseURL: `${GATEWAY}/v1`, apiKey: `gw_${"x".repeat(43)}`, maxRetries: 0 });
  const refused = await stranger.models.list().catch((e) => e);
  assert.ok(refused instanceof OpenAI.AuthenticationError, String(refused));
  assert.equal(refused.code, "invalid_api_key");
});

test("a stream that breaks off", async () => {
  const faults = [{ kind: "cut", after_tokens: 2 }];
  const { client } = await account({ text: ["Once", " upon", " a", " time"], reasoning: "", faults });
  let text = "";
  const listen = async () => {
    const stream = await client.chat.completions.create({ model: MODEL, messages: HELLO, stream: true });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  };
  await assert.rejects(listen, OpenAI.APIError);
  assert.equal(text, "Once upon");
});

test("a client that waits no longer ends the call", async () => {
  const { client, questions } = await account({ first_token_ms: 60_000 }, { timeout: 300 });
  const asked = client.chat.completions.create({ model: MODEL, messages: HELLO });
  await assert.rejects(asked, OpenAI.APIConnectionTimeoutError);
  assert.equal(await ended(questions), "disconnected");
});

test("an aborted stream ends the call", async () => {
  const slow = { tokens_per_second: 50, content: "markdown", tokens: 4000, reasoning: "" };
  const { client, questions } = await account(slow);
  const stream = await client.chat.completions.create({ model: MODEL, messages: HELLO, stream: true });
  for await (const _ of stream) break;
  stream.controller.abort();
  assert.equal(await ended(questions), "disconnected");
});

test("models", async () => {
  const { client } = await account();
  const listed = [];
  for await (const model of client.models.list()) listed.push(model.id);
  assert.ok(listed.includes("llama-70b"));
  assert.ok(listed.includes(MODEL));
  assert.equal((await client.models.retrieve(MODEL)).id, MODEL);
  await assert.rejects(client.models.retrieve("none/such"), OpenAI.NotFoundError);
});

test("recordings and speech", async () => {
  const { client } = await account({ heard: "All is well." });
  const file = await toFile(recording(), "speech.wav");
  const heard = await client.audio.transcriptions.create({ model: "whisper-large-v3", file });
  assert.equal(heard.text.trim(), "All is well.");
  const verbose = await client.audio.transcriptions.create({
    model: "whisper-large-v3",
    file,
    response_format: "verbose_json",
    timestamp_granularities: ["word"],
  });
  assert.deepEqual(verbose.words.map(({ word }) => word), ["All", "is", "well."]);
  const spoken = await client.audio.speech.create({
    model: "canopylabs/orpheus-v1-english",
    voice: "autumn",
    input: "All is well.",
    response_format: "wav",
  });
  assert.equal(Buffer.from(await spoken.arrayBuffer()).toString("latin1", 0, 4), "RIFF");
});

test("what is not served is told", async () => {
  const { client } = await account();
  for (const ask of [
    () => client.batches.list(),
    () => client.files.list(),
    () => client.embeddings.create({ model: MODEL, input: "Hello!" }),
    () => client.responses.create({ model: MODEL, input: "Hello!" }),
  ]) {
    const error = await ask().then(() => null, (e) => e);
    assert.ok(error instanceof OpenAI.NotFoundError, String(error));
    assert.equal(error.code, "unknown_url");
  }
});
