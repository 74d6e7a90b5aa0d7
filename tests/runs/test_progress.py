"""Progress as words, and plain lines where there is no terminal."""

from __future__ import annotations

import time

import pytest

from neubauer import progress
from neubauer.progress import Display, Progress, duration


def test_rate_and_time_left_do_not_count_what_was_done_before() -> None:
    now = Progress(done=30, total=100, elapsed=10.0, before=20)
    assert (now.rate, now.left) == (1.0, 70.0)
    assert now.text("images") == "30 of 100 images, 1 images/s, 70 s left"
    assert Progress(20, 100, 10.0, 20).text("images") == "20 of 100 images, time left unknown"
    assert Progress(21, 100, 60.0, 20, 1).text("images") == "21 of 100 images, 1 failed, 1 images/min, 79 min left"
    assert duration(3 * 3600 + 125) == "3 h 02 min"


def test_a_plain_line_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Also while one item takes long; nothing where all is done before the first is due."""
    with Display("counting", "images", 4):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "EVERY", 0.05)
    with Display("training", "steps", 4) as display:
        display.update(1, note="loss 0.5")
        time.sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 3
    assert all(line.startswith("training: 1 of 4 steps") and line.endswith("left, loss 0.5") for line in lines)
