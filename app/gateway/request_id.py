"""What a request is called: in its answer, in the log and in the ledger."""

from __future__ import annotations

import re
from secrets import token_hex

from starlette.types import Scope

__all__ = ("request_id",)

_GIVEN = re.compile(r"[\x21-\x7e]{1,100}")


def request_id(scope: Scope) -> str:
    """The client's ``X-Request-ID``, where headers and logs can carry that, else one that is made here."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            return given if _GIVEN.fullmatch(given) else token_hex(16)
    return token_hex(16)
