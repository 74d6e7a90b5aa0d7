"""A run: what is done is skipped, what was killed leaves nothing behind, what belongs to others is left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import toy_job
from toy_job import Letters, items_of

from neubauer.errors import InputError
from neubauer.progress import Progress
from neubauer.runs.events import Done, Event, Failed, Note
from neubauer.runs.executors import LocalProcesses
from neubauer.runs.run import run

TEXTS = {"a": "one", "b": "twenty", "c": "three", "d": "fourty four", "e": "five"}


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


def files_of(out: Path, *leave_out: str) -> dict[str, bytes]:
    """All that a run left, but for the record of how it went."""
    found = {str(f.relative_to(out)): f.read_bytes() for f in out.rglob("*") if f.is_file()}
    return {name: content for name, content in found.items() if name not in ("run.json", *leave_out)}


def test_results_tables_record_and_events(texts: Path, tmp_path: Path) -> None:
    (texts / "b.txt").write_text("bad")
    events: list[Event] = []
    finished = run(Letters(), items_of(texts), tmp_path / "out", on_event=events.append)
    assert list(finished.rows) == ["a", "c", "d", "e"]
    assert finished.failed == {texts / "b.txt": f"{texts / 'b.txt'}: found a bad word; expected good words"}
    assert (tmp_path / "out" / "letters.csv").read_text().splitlines()[:3] == ["image,letters", "a,3", "c,5"]
    assert (tmp_path / "out" / "failed.csv").read_text().splitlines()[0] == "image,reason"
    assert [e.name for e in events if isinstance(e, Done)] == ["a", "c", "d", "e"]
    assert [e.name for e in events if isinstance(e, Failed)] == ["b"]
    progress = [e for e in events if isinstance(e, Progress)]
    assert (progress[0].done, progress[0].left) == (0, None)
    assert (progress[-1].done, progress[-1].total, progress[-1].failed, progress[-1].left) == (5, 5, 1, 0)

    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert (record["verb"], record["word"]) == ("letters", "x")
    assert record["images"]["a"]["size"] == 3
    assert len(record["images"]["a"]["sha256"]) == 64
    (session,) = record["sessions"]
    assert (session["done"], session["failed"]) == (4, 1)
    assert session["started"] <= session["ended"]
    assert {"host", "processor", "cores", "python", "torch"} <= session["machine"].keys()


def test_what_is_done_is_skipped_and_what_changed_is_not(texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(Letters(), items_of(texts), out)
    events: list[Event] = []
    run(Letters(), items_of(texts), out, on_event=events.append)
    assert not [e for e in events if isinstance(e, Done)]
    assert Note("5 of 5 images are done already and are skipped") in events

    os.utime(texts / "c.txt", ns=(1, 1))  # copied anew, the content is the same
    (texts / "a.txt").write_text("another")
    run(Letters(loud=True), items_of(texts)[:1], out)
    events.clear()
    finished = run(Letters(), items_of(texts), out, on_event=events.append)
    assert not [e for e in events if isinstance(e, Done)]
    assert finished.rows["a"] == {"letters": 7}
    assert (out / "loud" / "a.txt").read_text() == "ANOTHER"
    (texts / "a.txt").write_text("a third")
    (out / "copies" / "b.txt").unlink()
    events.clear()
    run(Letters(), items_of(texts), out, on_event=events.append)
    assert [e.name for e in events if isinstance(e, Done)] == ["a", "b"]
    assert not (out / "loud").exists(), "of the old content"


def test_other_settings_and_files_of_others_are_refused(texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "copies").mkdir(parents=True)
    (out / "copies" / "b.txt").write_text("precious")
    with pytest.raises(InputError, match=r"b\.txt: found a file that is there already"):
        run(Letters(), items_of(texts), out)
    assert (out / "copies" / "b.txt").read_text() == "precious"
    (out / "copies" / "b.txt").unlink()
    run(Letters(), items_of(texts), out)
    before = files_of(out)
    with pytest.raises(InputError, match="word: 'x' there"):
        run(Letters(word="y"), items_of(texts), out)
    assert files_of(out) == before
    run(Letters(word="y"), items_of(texts)[:1], out, overwrite=True)
    assert sorted(files_of(out)) == ["copies/a.txt", "letters.csv", "parts/a.json"]


def test_cancelled_between_two_items(texts: Path, tmp_path: Path) -> None:
    cancel = threading.Event()

    def stop(event: Event) -> None:
        if isinstance(event, Done) and event.name == "b":
            cancel.set()

    finished = run(Letters(), items_of(texts), tmp_path / "out", on_event=stop, cancel=cancel)
    assert finished.cancelled
    assert list(finished.rows) == ["a", "b"]
    assert (tmp_path / "out" / "letters.csv").read_text().splitlines() == ["image,letters", "a,3", "b,6"]
    assert not run(Letters(), items_of(texts), tmp_path / "out").cancelled


def test_local_processes_give_the_same_bytes(texts: Path, tmp_path: Path) -> None:
    (texts / "c.txt").write_text("bad")
    one = run(Letters(loud=True), items_of(texts), tmp_path / "one")
    two = run(Letters(loud=True), items_of(texts), tmp_path / "two", executor=LocalProcesses(2))
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert (one.rows, one.failed) == (two.rows, two.failed)


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_any_moment(texts: Path, tmp_path: Path, workers: int) -> None:
    """SIGKILL again and again, each time a little later; what remains is byte for byte an undisturbed run."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    run(Letters(loud=True), items_of(texts), whole)
    command = [sys.executable, toy_job.__file__, str(texts), str(out), str(workers)]
    killed = 0
    for wait in (0.0, 0.01, 0.03, 0.05, 0.06, 0.07) if workers == 1 else (0.01, 0.05):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not (out / "run.json").exists():
            time.sleep(0.001)
        done = len(list((out / "copies").glob("*"))) if out.exists() else 0
        deadline = time.monotonic() + 300  # only so that it ends: machines may be busy
        while process.poll() is None and len(list((out / "copies").glob("*"))) == done and killed:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(wait)
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert killed
    time.sleep(0.5 if workers > 1 else 0)  # processes notice that their parent is gone
    finished = run(Letters(loud=True), items_of(texts), out)
    assert list(finished.rows) == list(TEXTS)
    assert files_of(out) == files_of(whole)
    assert sorted(p.name for p in out.iterdir()) == sorted(p.name for p in whole.iterdir())


def test_a_folder_that_cannot_be_written_to(texts: Path, tmp_path: Path) -> None:
    from neubauer.errors import OutputError

    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError, match="file"):
        run(Letters(), items_of(texts), tmp_path / "file" / "out")
