"""The local endpoint: OpenAI's API over the same router, budgets and ledger as the assistant's."""
