"""What can be added to the program: things of one kind that register themselves, here and in packages outside."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from neubauer.errors import InputError, NeubauerError

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """Things of one kind by name, in alphabetical order.

    They are looked for on first use: every module of a package of ours is imported, and so is what other distributions
    name as entry points of a group. Each registers what it has.

    Parameters
    ----------
    kind : what they are, in messages: `reader`.
    package : whose modules register themselves.
    group : of entry points. A module that is named there registers something when it is imported.
    """

    def __init__(self, kind: str, package: str, group: str) -> None:
        self.kind, self.package, self.group = kind, package, group
        self._found: dict[str, T] = {}
        self._lock = threading.RLock()
        self._loading = self._loaded = False

    def register(self, name: str) -> Callable[[T], T]:
        """A decorator that adds something under a name.

        Raises
        ------
        NeubauerError : there is another one of this name.
        """

        def add(thing: T) -> T:
            if name in self._found:
                raise NeubauerError(f"two {self.kind}s are called {name!r}: {self._found[name]!r} and {thing!r}")
            self._found[name] = thing
            return thing

        return add

    def find(self, name: str, where: str | None = None) -> T:
        """The thing of this name; `where` it was asked for is named in the error.

        Raises
        ------
        InputError : there is none; the nearest name is suggested.
        """
        if name in self:
            return self[name]
        near = difflib.get_close_matches(name, self, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise InputError(where or self.kind, repr(name) + hint, "one of " + ", ".join(self))

    def __getitem__(self, name: str) -> T:
        self._load()
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._found))

    def __len__(self) -> int:
        self._load()
        return len(self._found)

    def _load(self) -> None:
        if self._loaded:
            return
        with self._lock:  # another thread waits, and does not take a part for the whole; `register` never does
            if self._loading or self._loaded:  # what is imported now may look things up
                return
            self._loading = True
            try:
                folder = importlib.import_module(self.package)
                for module in pkgutil.iter_modules(folder.__path__):
                    importlib.import_module(f"{self.package}.{module.name}")
                for point in entry_points(group=self.group):
                    before = set(self._found)
                    if load(point, self.kind) is None:
                        for name in self._found.keys() - before:
                            del self._found[name]
                self._loaded = True
            finally:
                self._loading = False


def load(point: EntryPoint, kind: str, use: Callable[[Any], Any] = lambda thing: thing) -> Any:
    """What an entry point names, or None: a package outside that is broken costs nothing but itself, and a warning.

    Parameters
    ----------
    point : of a distribution that is installed.
    kind : what it names, in the warning.
    use : thing -> what is returned; if it fails, that counts as broken, too.
    """
    try:
        return use(point.load())
    except Exception as error:
        owner = point.dist.name if point.dist is not None else "an unknown distribution"
        text = f"the {kind} {point.name!r} of {owner} cannot be used: {type(error).__name__}: {error}"
        warnings.warn(text, stacklevel=2)
        return None
