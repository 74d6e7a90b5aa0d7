"""A run: a job done to many items, with results in a folder; what was stopped goes on."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neubauer.cells.write.harmless import harmless
from neubauer.errors import InputError, NeubauerError, OutputError
from neubauer.runs import record
from neubauer.runs.each import Outcome, Task, each, reason
from neubauer.runs.events import Done, Event, Failed, Note, OnEvent, unheard
from neubauer.runs.executors import Executor
from neubauer.runs.file_state import file_state, unchanged
from neubauer.runs.job import Item, Job
from neubauer.runs.samples import KEY, SAMPLES, write_samples
from neubauer.runs.staging import files_in, publish, staging
from neubauer.runs.store import PARTS, Store, file_name
from neubauer.version import __version__

FAILED = "failed.csv"


@dataclass(frozen=True)
class Finished:
    """How a run ended.

    Attributes
    ----------
    out : the folder of results.
    rows : what is known of each item in the tables, by name, in their order.
    failed : the files that failed in this call, and why.
    wanted : the items of this call.
    cancelled : whether it was told to stop before all were done.
    """

    out: Path
    rows: dict[str, dict[str, Any]]
    failed: dict[Path, str]
    wanted: int
    cancelled: bool


def run(
    job: Job,
    items: Sequence[Item],
    out: str | Path,
    *,
    share: tuple[int, int] | None = None,
    samples: Mapping[str, Mapping[str, str]] | None = None,
    overwrite: bool = False,
    executor: Executor | None = None,
    on_event: OnEvent = unheard,
    cancel: threading.Event | None = None,
) -> Finished:
    """Do a job to items, and keep the results in a folder.

    An item is skipped if it is done, its file has not changed since, and all outputs that are wanted now are there. A
    run that was stopped or killed goes on with the same call; its outputs are byte for byte those of one that was not.
    Further images may join a run; those of earlier calls stay in the tables as long as their files are as they were.
    `run.json` says what made the results (`neubauer.runs.record`), `failed.csv` lists what failed.

    Parameters
    ----------
    job : what to do.
    items : all items of the run.
    out : the folder, new or of the same run.
    share : (i, n): do every n-th item, from the i-th (1 to n), for several machines.
    samples : what is known of items by name (sample, condition ...), kept in `run.json` and `samples.csv`.
    overwrite : remove the results of an earlier run first.
    executor : where the work is done; by default in this process.
    on_event : hears what happens.
    cancel : when it is set, no further item is begun.

    Raises
    ------
    InputError : the folder holds the results of another run (what differs is named), or files that no run wrote.
    OutputError : it cannot be written to.
    """
    out, cancel = Path(out), cancel or threading.Event()
    settings = {"neubauer": __version__, "verb": job.verb} | job.settings()  # what is wrong with the job is said first
    taken = list(items) if share is None else list(items[share[0] - 1 :: share[1]])
    with _output_errors(out):
        (out / PARTS).mkdir(parents=True, exist_ok=True)
        with staging(out) as work:
            store = Store(out, work)
            known = _begin(store, job, settings, items, overwrite)
            session = known.begin()
            for name, columns in (samples or {}).items():
                known.images[name][KEY] = dict(columns)
            _write_record(store, known)
            done = _still_done(store, known, taken, on_event)
            todo = [
                item for item in taken if item.name not in done or not store.is_whole(item.name, _outputs(job, item))
            ]
            if not overwrite:
                _refuse_files_of_others(store, job, todo)
            if len(todo) < len(taken):
                on_event(Note(f"{len(taken) - len(todo)} of {len(taken)} images are done already and are skipped"))
            outdated = _outdated(store, known, items, on_event)
            failed: dict[Path, str] = {}
            ended = 0

            def heard(event: Event) -> None:
                nonlocal ended
                if isinstance(event, Failed):
                    failed[event.path] = event.reason
                ended += isinstance(event, Done | Failed)
                on_event(event)

            try:
                each(
                    _Work(job, store),
                    todo,
                    batch=job.batch,
                    before=len(taken) - len(todo),
                    executor=executor,
                    on_event=heard,
                    cancel=cancel,
                )
            finally:  # also after Ctrl-C
                rows = _merge(store, job, known, [item.name for item in items], outdated)
                if samples is not None:
                    write_samples(store.work / SAMPLES, known.images)
                    (store.work / SAMPLES).replace(out / SAMPLES)
                record.end(session, ended - len(failed), len(failed))
                _end_record(store, known, session)
    return Finished(out, rows, failed, len(taken), ended < len(todo))


@dataclass(frozen=True)
class _Work:
    """What is done to some items, in whatever process: the job, then their results take their places."""

    job: Job
    store: Store

    def __call__(self, task: Task) -> list[Outcome]:
        store, job = self.store, self.job
        states = {item.name: file_state(item.path) for item in task}  # before: what changes meanwhile has changed since
        folder = store.begin(file_name(task[0].name))
        try:
            for parent in {Path(file).parent for item in task for file in _outputs(job, item)}:
                (folder / parent).mkdir(parents=True, exist_ok=True)
            found = job.do(task, folder)
            outcomes = []
            for item in task:
                row = found[item.name]
                if isinstance(row, OutputError):
                    raise row
                if isinstance(row, Exception):
                    outcomes.append(Outcome(item, reason=reason(item, row)))
                    store.fail(item.name, str(outcomes[-1].reason), states[item.name])
                else:
                    store.commit(item.name, folder, _outputs(job, item), row, states[item.name])
                    outcomes.append(Outcome(item, row))
            return outcomes
        finally:
            store.discard(folder)


@contextmanager
def _output_errors(out: Path) -> Iterator[None]:
    """What the system says of the folder, as our error."""
    try:
        yield
    except OSError as error:
        if isinstance(error, NeubauerError):
            raise
        raise OutputError(f"{out}: cannot be written to ({error.strerror or error})") from error


def _outputs(job: Job, item: Item) -> list[str]:
    return job.outputs(item.name)


def _begin(store: Store, job: Job, settings: dict[str, Any], items: Sequence[Item], overwrite: bool) -> record.Record:
    """The record of this run: new, or the one that goes on."""
    out, file = store.out, store.out / record.FILE
    files = {item.name: str(item.path.resolve()) for item in items}
    new = record.Record(settings, {name: {"file": path} for name, path in files.items()})
    if overwrite:
        _remove_all(store, job)
        return new
    if not file.exists():
        if store.recorded() or any((out / table).exists() for table in (*job.tables(), FAILED)):
            raise InputError(out, "tables without the record of their run", "a new folder, or --overwrite")
        return new
    old = record.read_record(file)
    differing = old.differences(settings, files)
    if differing and any("row" in store.record(name) for name in store.recorded()):
        raise InputError(
            out,
            "results of another run (" + ", ".join(differing) + ")",
            "a new folder, the same settings, or --overwrite",
        )
    if differing:  # it left nothing
        for name in store.recorded():
            store.drop(name)
        return new
    old.images |= {name: entry for name, entry in new.images.items() if name not in old.images}
    return old


def _remove_all(store: Store, job: Job) -> None:
    for name in store.recorded():
        store.drop(name)
    store.remove([*job.tables(), FAILED, record.FILE])
    (store.out / PARTS).mkdir(exist_ok=True)


def _refuse_files_of_others(store: Store, job: Job, todo: Sequence[Item]) -> None:
    """Nothing that no run wrote is overwritten."""
    recorded = store.recorded()
    for item in todo:
        own = store.record(item.name)
        damaged = item.name in recorded and not own  # by a power cut: which files it named is not known
        for file in _outputs(job, item):
            if not damaged and file not in own.get("files", {}) and (store.out / file).exists():
                raise InputError(store.out / file, "a file that is there already", "a new folder, or --overwrite")


def _still_done(store: Store, known: record.Record, taken: Sequence[Item], on_event: OnEvent) -> set[str]:
    """Names of the items that are done, and whose files are as they were; the results of others are dropped."""
    records = {item.name: store.record(item.name) for item in taken}
    stored = {name for name, found in records.items() if "row" in found}
    changed = [i.name for i in taken if records[i.name] and not unchanged(i.path, records[i.name])]
    number = len(stored.intersection(changed))
    if number:
        said = f"{number} image{' has' if number == 1 else 's have'} changed since"
        on_event(Note(f"{said} and {'is' if number == 1 else 'are'} done again"))
    for name in changed:
        store.drop(name)
        known.images[name] = {key: value for key, value in known.images[name].items() if key in ("file", KEY)}
    return stored.difference(changed)


def _outdated(store: Store, known: record.Record, items: Sequence[Item], on_event: OnEvent) -> set[str]:
    """Names of those images of earlier calls whose files are gone or changed; what becomes of all of them is told."""
    own = {item.name for item in items}
    others = {name: Path(file) for name, file in known.files().items() if name not in own}
    records = {name: store.record(name) for name in others}
    stored = {name for name, found in records.items() if "row" in found}
    outdated = {name for name, path in others.items() if not unchanged(path, records[name])}
    if stored:
        gone = len(stored & outdated)
        on_event(
            Note(
                f"images of earlier calls that are not among these inputs: {len(stored) - gone} kept in the tables, "
                f"{gone} left out of them (the files are gone or have changed since)"
            )
        )
    return outdated


def _merge(
    store: Store, job: Job, known: record.Record, order: Sequence[str], leave_out: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Make the tables of all that is there; returns the rows in their order."""
    place = {name: i for i, name in enumerate(order)}
    names = sorted(store.recorded().difference(leave_out), key=lambda name: (place.get(name, len(place)), name))
    records = {name: store.record(name) for name in names}
    rows = {name: found["row"] for name, found in records.items() if "row" in found}
    for name in rows:
        known.images.setdefault(name, {})
        known.images[name] |= {key: records[name][key] for key in ("size", "sha256") if key in records[name]}
    why = {name: str(found["failed"]) for name, found in records.items() if "failed" in found}
    folder = store.begin("tables")
    try:
        job.merge(store.out, rows, folder)
        if why:
            _write_failed(folder / FAILED, why)
        made = files_in(folder)
        publish(folder, store.out, made)
        store.remove([table for table in (*job.tables(), FAILED) if table not in made])
    finally:
        store.discard(folder)
    return rows


def _write_failed(path: Path, reasons: dict[str, str]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("image", "reason"))
    writer.writerows((harmless(name), harmless(why)) for name, why in reasons.items())
    path.write_text(text.getvalue(), encoding="utf-8", errors="replace")  # a name that is no text fails for just that


def _write_record(store: Store, known: record.Record) -> None:
    temporary = store.work / record.FILE
    temporary.write_text(known.text(), encoding="utf-8")
    temporary.replace(store.out / record.FILE)


def _end_record(store: Store, known: record.Record, session: dict[str, Any]) -> None:
    """Write the record anew, with what other processes that do their share have noted meanwhile."""
    now = record.read_record(store.out / record.FILE)
    known.images = now.images | known.images
    known.sessions = [s for s in now.sessions if s.get("id") != session["id"]] + [session]
    _write_record(store, known)
