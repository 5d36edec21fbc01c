"""The gateway's own keys: who may call it, for what, and up to which sum.

Importing this is cheap; ``core.keys.keys`` needs SQLAlchemy, so import that once a database is open.
"""

from core.keys.key import ENDPOINTS, PERIODS, GatewayKey, KeyBudget, KeyPeriod, KeyScopes, KeyState
from core.keys.ring import KeyRing
from core.keys.secret import KeySecret, hash_of, new_secret, prefix_of

__all__ = (
    "ENDPOINTS",
    "PERIODS",
    "GatewayKey",
    "KeyBudget",
    "KeyPeriod",
    "KeyRing",
    "KeyScopes",
    "KeySecret",
    "KeyState",
    "hash_of",
    "new_secret",
    "prefix_of",
)
