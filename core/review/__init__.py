"""What did it cost: sums, sessions, turns and calls of the ledger, and the questions people ask of them."""

from core.review.dimensions import DIMENSIONS, Dimension
from core.review.exports import FORMS, Form, form_of, render
from core.review.forecast import Forecast
from core.review.groups import Group, GroupOrder, GroupPage
from core.review.questions import Detour, DetourKind, Repriced
from core.review.report import Progress, Report
from core.review.routes import RouteRecord
from core.review.scope import Filter, Scope, parse_filter
from core.review.sessions import SessionOrder, SessionPage, SessionSpend
from core.review.turns import TurnSpend

__all__ = (
    "DIMENSIONS",
    "FORMS",
    "Detour",
    "DetourKind",
    "Dimension",
    "Filter",
    "Forecast",
    "Form",
    "Group",
    "GroupOrder",
    "GroupPage",
    "Progress",
    "Report",
    "Repriced",
    "RouteRecord",
    "Scope",
    "SessionOrder",
    "SessionPage",
    "SessionSpend",
    "TurnSpend",
    "form_of",
    "parse_filter",
    "render",
)
