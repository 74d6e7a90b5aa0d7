"""Marks at their places, ticks at round values."""

from __future__ import annotations

import numpy as np
import pytest

from neubauer.report.drawing import Drawing, Marks, Scale, Text, shown
from neubauer.report.plots import histogram


def test_marks_and_words_as_svg() -> None:
    drawing = Drawing('a "plot" <b>', 10, 5)
    drawing.marks = [Marks("bar", bars=[(1, 2, 3, 4.126)]), Marks("data", lines=[(0, 0, 1, 1)], dots=[(2, 2.5)])]
    drawing.texts = [Text(1, 2, "x < y", "start")]
    svg = drawing.svg()
    assert 'aria-label="a &quot;plot&quot; &lt;b&gt;"' in svg
    assert '<path class="mark-bar" d="M1 2h3v4.13h-3z"/>' in svg
    assert '<path class="mark-data" d="M0 0L1 1M2 2.5h0"/>' in svg
    assert ">x &lt; y</text>" in svg


def test_ticks_are_round_and_inside() -> None:
    scale = Scale(0, 23, 100, 0)
    ticks = scale.ticks(5, whole=True)
    assert [text for _, text in ticks] == ["0", "5", "10", "15", "20"]
    assert ticks[0][0] == 100
    assert ticks[-1][0] == pytest.approx(100 - 100 * 20 / 23)


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [(0.25, 0.25, "0.25"), (-0.0, 0.5, "-0.0"), (1200, 200, "1,200"), (0.04, 0.02, "0.04"), (3e6, 1e6, "3e+06")],
)
def test_numbers_have_the_digits_of_their_step(value: float, step: float, text: str) -> None:
    assert shown(value, step) == text


def test_histogram_holds_every_value() -> None:
    values = np.r_[np.repeat([3, 4, 4, 7], 5), np.nan]
    drawing = histogram(values, "cells", "images", whole=True)
    assert drawing is not None
    (bars,) = (m.bars for m in drawing.marks if m.kind == "bar")
    heights = [height for *_, height in bars]
    assert np.allclose(np.array(heights) / heights[0], [1, 2, 1])
    assert "over 20 images; median 4, from 3 to 7" in drawing.title
    assert histogram([np.nan], "x", "cells") is None
    long = histogram(np.r_[np.linspace(10, 20, 2000), 900.0], "size", "cells")
    assert long is not None
    assert any("larger than shown" in text.text for text in long.texts)
    assert histogram([5.0, 5.0], "x", "cells") is not None
