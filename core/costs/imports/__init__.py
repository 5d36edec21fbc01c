"""Usage that other programs recorded, taken into the ledger: the history of ``llm``, LiteLLM's spend logs."""

from core.costs.imports.importing import ImportKind, ImportReport, import_usage
from core.costs.imports.usage_history import SkippedRow

__all__ = ("ImportKind", "ImportReport", "SkippedRow", "import_usage")
