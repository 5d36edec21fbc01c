// Loaded into Portkey's gateway before it starts. As it installs today, every stream ends in an error 500: it
// adds to the headers of what fetch gave, and those cannot be changed. Handed a copy, it works.
const { fetch: ask, Response: Answer } = globalThis;
globalThis.fetch = async (...request) => {
  const answer = await ask(...request);
  return new Answer(answer.body, answer);
};
