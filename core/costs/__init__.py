"""The cost tracker: live meter, ledger, budgets, review queries."""
