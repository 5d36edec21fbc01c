"""An answer as it is spoken: clauses that begin early, and text a voice can read."""
