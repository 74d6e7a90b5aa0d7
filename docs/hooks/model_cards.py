"""The cards of the bundled models: `<!-- cards -->` in a page becomes all of them."""

from __future__ import annotations

import re
from typing import Any

MARK = "<!-- cards -->"


def on_page_markdown(markdown: str, **kwargs: Any) -> str:
    """Called by mkdocs for every page."""
    if MARK not in markdown:
        return markdown
    from neubauer.models.shared.bundled import bundled

    cards = [re.sub(r"^(#+) ", r"#\1 ", model.card, flags=re.MULTILINE) for model in bundled()]
    # the headings within a card are those of all cards: bold lines keep the contents short
    cards = [re.sub(r"^### (.*)$", r"**\1**", card, flags=re.MULTILINE) for card in cards]
    return markdown.replace(MARK, "\n\n".join(cards))
