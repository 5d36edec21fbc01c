"""What did it cost: sums, sessions, turns and calls of the ledger, and the questions people ask of them."""

from core.review.dimensions import DIMENSIONS, Dimension
from core.review.forecast import Forecast
from core.review.groups import Group
from core.review.questions import Detour, DetourKind, Repriced
from core.review.scope import Filter, Scope, parse_filter
from core.review.sessions import SessionOrder, SessionPage, SessionSpend
from core.review.turns import TurnSpend

__all__ = (
    "DIMENSIONS",
    "Detour",
    "DetourKind",
    "Dimension",
    "Filter",
    "Forecast",
    "Group",
    "Repriced",
    "Scope",
    "SessionOrder",
    "SessionPage",
    "SessionSpend",
    "TurnSpend",
    "parse_filter",
)
