"""An index of the words of messages on PostgreSQL, as SQLite's has had from the first.

Words are told apart as SQLite does it: every sign parts them, accents do not matter, and each character of
Chinese, Japanese and Korean is a word. PostgreSQL's own parser would take ``core/review.py`` for a path.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_LONGEST = 200_000
"""Characters of a message that are looked through: PostgreSQL takes a megabyte of different words."""
_SIGNS = r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"""
_ACCENTS = r"[\u0300-\u036f]"
_CJK = (
    r"([\u2e80-\u303f\u3040-\u30ff\u3100-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    r"\uff66-\uff9f\U00020000-\U0003ffff])"
)


def upgrade() -> None:
    """Add the function that parts words, which searches use, too, and the index."""
    if op.get_bind().dialect.name != "postgresql":
        return
    bare = f"normalize(regexp_replace(normalize(content, NFD), '{_ACCENTS}', '', 'g'), NFC)"
    apart = f"regexp_replace({bare}, '{_CJK}', ' \\1 ', 'g')"
    op.execute(
        sa.text(
            "CREATE FUNCTION words_apart(content text) RETURNS text "
            "LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT translate("
            f"CASE WHEN octet_length(content) = char_length(content) THEN content ELSE {apart} END, "
            f"$signs${_SIGNS}$signs$, repeat(' ', {len(_SIGNS)})) $$"
        )
    )
    op.execute(
        sa.text(
            "CREATE INDEX ix_messages_words ON messages USING gin "
            f"(to_tsvector(CAST('simple' AS regconfig), words_apart(left(text, {_LONGEST}))))"
        )
    )
