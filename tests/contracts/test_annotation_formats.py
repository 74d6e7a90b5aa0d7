"""What every reader of annotations promises."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from annotation_samples import SIZE, TEXTS, write_sample

from neubauer.cells.read.formats.registry import ANNOTATIONS, recognise
from neubauer.cells.read.load import load_annotation, named_classes
from neubauer.cells.read.marks import listed_images
from neubauer.cells.read.match import match_annotations
from neubauer.errors import InputError

EVERY = list(ANNOTATIONS)
IMAGE = Path("images/a.png")
KIND = {"table": "points", "voc": "boxes"}
"""The most that a format can say, where that is no outline."""
SYNTAX = {"csv": [".txt", ".tsv"], "json": [".JSON", ".geojson", ".txt", ".annotations"], "xml": [".txt", ".data"]}


@pytest.mark.parametrize("form", EVERY)
def test_a_file_is_recognised_by_its_content(form: str, tmp_path: Path) -> None:
    path = write_sample(form, tmp_path)
    for suffix in ("", *SYNTAX.get({".geojson": "json"}.get(path.suffix, path.suffix[1:]), [])):
        copy = path.rename(path.with_suffix(suffix)) if suffix else path
        assert recognise(copy)[1] is ANNOTATIONS[form], suffix
        copy.rename(path)
    assert [name for name, f in ANNOTATIONS.items() if not f.last and f.takes(recognise(path)[0])] in ([form], [])


@pytest.mark.parametrize("kind", ["masks", "boxes", "points"])
@pytest.mark.parametrize("form", EVERY)
def test_the_same_cells_from_every_format(form: str, kind: str, tmp_path: Path) -> None:
    path = write_sample(form, tmp_path)
    marks = load_annotation(IMAGE, path, kind, SIZE)  # type: ignore[arg-type]
    assert marks.counts() == {"RBC": 1, "WBC": 1}
    assert named_classes(IMAGE, path) == {"RBC", "WBC"}
    np.testing.assert_allclose(marks.centres, [[4.5, 12], [20, 30]], atol=1e-3)
    order = ["points", "boxes", "masks"]
    assert marks.kind == min(kind, KIND.get(form, "masks"), key=order.index)
    if marks.labels is not None:
        expected = np.zeros(SIZE, int)
        expected[2:8, 10:15], expected[18:23, 28:33] = 1, 2
        np.testing.assert_array_equal(marks.labels, expected)
    if marks.boxes is not None:
        np.testing.assert_allclose(marks.boxes, [[2, 10, 8, 15], [18, 28, 23, 33]], atol=1e-3)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize("form", [f for f in EVERY if f not in ("table", "yolo", "via")] + ["via"])
def test_truncated_files_are_named(form: str, share: float, tmp_path: Path) -> None:
    path = write_sample(form, tmp_path, "cut")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=rf"{path.name}: found [^\n]*; expected "):
        load_annotation(IMAGE, path, "masks", SIZE)


@pytest.mark.parametrize("form", EVERY)
def test_shapes_outside_of_the_image_are_named(form: str, tmp_path: Path) -> None:
    if form in ("yolo", "label-studio"):
        pytest.skip("fractions of the image are within it")
    path = write_sample(form, tmp_path, "out")
    with pytest.raises(InputError, match=rf"{path.name}: found (.*outside|marks of an image of 30 x 40 pixels)"):
        load_annotation(IMAGE, path, "boxes", (12, 14))


@pytest.mark.parametrize("form", EVERY)
def test_a_class_that_the_data_set_lacks_is_named(form: str, tmp_path: Path) -> None:
    path = write_sample(form, tmp_path)
    with pytest.raises(InputError, match=rf"{path.name}: found the class 'WBC'; expected one of RBC"):
        load_annotation(IMAGE, path, "boxes", SIZE, ["RBC"])


@pytest.mark.parametrize("form", EVERY)
def test_files_are_found_in_a_folder(form: str, tmp_path: Path) -> None:
    """By stem, or where a file lists images, by their names."""
    path = write_sample(form, tmp_path)
    image = tmp_path / "images" / "a.png"
    if ANNOTATIONS[form].images is not None:
        path = path.rename(tmp_path / f"export_1{path.suffix}")
        assert len(listed_images(path) or ()) == 1
    other = image.with_name("other.png")
    for kind in ("masks", "boxes", "points"):
        matches = match_annotations([image, other], tmp_path, kind)  # type: ignore[arg-type]
        assert matches.pairs == [(image, path)]
        assert matches.unmatched_images == [other]
        assert matches.unmatched_annotations == []


def test_there_is_a_sample_of_each() -> None:
    assert {*TEXTS, "imagej"} == set(EVERY)


def problem_of(path: Path) -> InputError | None:
    try:
        load_annotation(IMAGE, path, "masks", SIZE)
    except InputError as error:
        return error
    return None


def nodes(value: object, at: tuple = ()) -> Iterator[tuple]:
    """The way to every value inside a JSON value."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*at, key)
        yield from nodes(child, (*at, key))


@pytest.mark.parametrize("form", [f for f in EVERY if f in TEXTS and TEXTS[f][0].endswith("json")])
@pytest.mark.parametrize("wrong", [None, "x", -1, 1e300, [], {}, [[]], {"a": 1}, True], ids=repr)
def test_a_wrong_value_is_told_in_one_line_or_does_not_matter(form: str, wrong: object, tmp_path: Path) -> None:
    path = write_sample(form, tmp_path, "bad")
    whole = path.read_text()
    for time, way in enumerate(nodes(json.loads(whole))):
        content = json.loads(whole)
        place = content
        for key in way[:-1]:
            place = place[key]
        place[way[-1]] = wrong
        path.write_text(json.dumps(content))
        os.utime(path, ns=(0, time))  # quick changes of the same size may have the same time
        problem = problem_of(path)
        if problem is not None:
            assert "bad" in str(problem)
            assert "\n" not in str(problem)
            assert len(problem.found) < 400
