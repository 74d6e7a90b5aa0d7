import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neubauer.cells.read.candidates import split_images_and_annotations
from neubauer.cells.read.load import load_annotation, named_classes
from neubauer.cells.read.match import match_annotations
from neubauer.errors import InputError


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return [folder / name for name in names]


def names(pairs):
    return {image.name: annotation.name for image, annotation in pairs}


@pytest.mark.parametrize(
    ("image", "annotation", "kind"),
    [
        ("a.png", "a.png", "masks"),
        ("a.tif", "a_masks.tif", "masks"),
        ("a.png", "a_cp_masks.png", "masks"),
        ("a_img.png", "a_img_cp_masks.png", "masks"),
        ("a.jpg", "a_mask.png", "masks"),
        ("a.png", "a_labels.tif", "masks"),
        ("a.png", "a-label.npy", "masks"),
        ("a.ome.tif", "a_seg.png", "masks"),
        ("a.ome.tif", "a.png", "masks"),
        ("001cell.png", "001dots.png", "points"),
        ("BM_GRAZ_HE_0001_01_000.png", "BM_GRAZ_HE_0001_01_dots_000.png", "points"),
        ("a.jpg", "a_points.csv", "points"),
        ("a.jpg", "a.xml", "boxes"),
        ("a.jpg", "a_boxes.txt", "boxes"),
    ],
)
def test_usual_names_match(tmp_path, image, annotation, kind):
    images = touch(tmp_path / "images", image, "other1.png")
    touch(tmp_path / "marks", annotation, "third.png", "third.csv", "third.xml")
    matches = match_annotations(images, tmp_path / "marks", kind)
    assert names(matches.pairs) == {image: annotation}
    assert [p.name for p in matches.unmatched_images] == ["other1.png"]
    assert {p.stem for p in matches.unmatched_annotations} == {"third"}


def test_images_and_dots_in_one_folder(tmp_path):
    files = touch(tmp_path, "001cell.png", "001dots.png", "002cell.png", "002dots.png", "003cell.png", "label_free.png")
    images, annotations = split_images_and_annotations(files)
    assert [p.name for p in images] == ["001cell.png", "002cell.png", "003cell.png", "label_free.png"]
    assert [p.name for p in annotations] == ["001dots.png", "002dots.png"]
    # also if the images are only a part of the folder, or all files of it
    assert names(match_annotations(files, tmp_path, "points").pairs) == {
        "001cell.png": "001dots.png",
        "002cell.png": "002dots.png",
    }
    part = match_annotations([tmp_path / "001cell.png"], tmp_path, "points")
    assert names(part.pairs) == {"001cell.png": "001dots.png"}
    assert "002cell.png" not in {p.name for p in part.unmatched_annotations}


def test_equal_stems_go_before_similar_ones(tmp_path):
    images = touch(tmp_path / "i", "a.png", "a_cell.png")
    touch(tmp_path / "m", "a.png", "a_cell.png")
    assert names(match_annotations(images, tmp_path / "m", "masks").pairs) == {
        "a.png": "a.png",
        "a_cell.png": "a_cell.png",
    }


def test_numbers_and_words_do_not_run_together(tmp_path):
    images = touch(tmp_path / "i", "1_23.png", "12_3.png")
    touch(tmp_path / "m", "12_3_mask.png", "1_23_mask.png")
    matches = match_annotations(images, tmp_path / "m", "masks")
    assert names(matches.pairs) == {"1_23.png": "1_23_mask.png", "12_3.png": "12_3_mask.png"}


def test_other_kinds_ignore_regions_and_lists_are_no_candidates(tmp_path):
    images = touch(tmp_path / "i", "a.png")
    touch(tmp_path / "m", "a_masks.png", "a_dots.png", "a_ignore.png", "a.xml", "counts.json", "classes.txt")
    for kind, expected in [("masks", "a_masks.png"), ("points", "a_dots.png"), ("boxes", "a.xml")]:
        matches = match_annotations(images, tmp_path / "m", kind)
        assert names(matches.pairs) == {"a.png": expected}
        assert matches.unmatched_annotations == []


def test_ambiguous_names_are_an_error(tmp_path):
    images = touch(tmp_path / "i", "a.png", "b_cell.png", "b_image.png")
    touch(tmp_path / "m", "a_mask.png", "a_mask.tif")
    with pytest.raises(InputError, match="several annotations"):
        match_annotations(images, tmp_path / "m", "masks")
    touch(tmp_path / "n", "b_mask.png")
    with pytest.raises(InputError, match="several images"):
        match_annotations(images, tmp_path / "n", "masks")


def test_no_annotations_are_an_error(tmp_path):
    images = touch(tmp_path, "a.png")
    (tmp_path / "m").mkdir()
    with pytest.raises(InputError, match="no file that could be one"):
        match_annotations(images, tmp_path / "m", "points")
    with pytest.raises(InputError, match="no such file or folder"):
        match_annotations(images, tmp_path / "missing", "points")


def test_a_single_image_goes_with_a_single_file(tmp_path):
    image, clicks = touch(tmp_path, "a.png", "clicks.csv")
    assert match_annotations([image], clicks, "points").pairs == [(image, clicks)]


def test_coco_serves_all_images_it_lists(tmp_path):
    images = [tmp_path / "i" / name for name in ("a.png", "b.jpg", "c.png")]
    path = tmp_path / "coco.json"
    listed = [{"id": i, "file_name": name} for i, name in enumerate(["x/a.png", "b.png", "d.png"])]
    marks = [{"id": 1, "image_id": 0, "category_id": 2, "bbox": [1, 1, 2, 2]}]
    categories = [{"id": 1, "name": "never"}, {"id": 2, "name": "WBC"}]
    path.write_text(json.dumps({"images": listed, "annotations": marks, "categories": categories}))
    for source in (path, tmp_path):
        matches = match_annotations(images, source, "boxes")
        assert matches.pairs == [(images[0], path), (images[1], path)]
        assert matches.unmatched_images == [images[2]]
        assert matches.unmatched_annotations == [Path("d.png")]
    assert set().union(*(named_classes(*pair) for pair in matches.pairs)) == {"WBC"}
    assert load_annotation(images[0], path, "boxes", (9, 9), ("RBC", "WBC")).counts() == {"RBC": 0, "WBC": 1}


def test_classes_of_a_data_set(tmp_path):
    (tmp_path / "a.csv").write_text("y,x,class\n1,1,b\n2,2,\n")
    (tmp_path / "b.csv").write_text("y,x,class\n1,1,a\n")
    (tmp_path / "c.csv").write_text("y,x\n1,1\n")
    pairs = [(Path(f"{n}.png"), tmp_path / f"{n}.csv") for n in "abc"]
    assert set().union(*(named_classes(*pair) for pair in pairs)) == {"a", "b"}
    assert not any(named_classes(*pair) for pair in pairs[2:])
    (tmp_path / "a.txt").write_text("1 0.5 0.5 0.2 0.2\n")
    assert named_classes(Path("a.png"), tmp_path / "a.txt", ("x", "y")) == {"y"}


@pytest.mark.parametrize("name", ["a_ignore.png", "a_masks_ignore.tif"])
def test_ignore_region_beside_the_annotation(tmp_path, name):
    region = np.zeros((4, 5), np.uint8)
    region[:2] = 255
    Image.fromarray(region).save(tmp_path / name)
    Image.fromarray(np.eye(4, 5, dtype=np.uint8) * 3).save(tmp_path / "a_masks.png")
    marks = load_annotation("images/a.jpg", tmp_path / "a_masks.png", "masks", (4, 5))
    np.testing.assert_array_equal(marks.ignore, region > 0)
    assert len(marks) == 1  # a diagonal line is one component


def test_ignore_region_of_another_size_is_refused(tmp_path):
    Image.fromarray(np.zeros((5, 4), np.uint8)).save(tmp_path / "a_ignore.png")
    (tmp_path / "a.csv").write_text("y,x\n")
    with pytest.raises(InputError, match=r"a_ignore\.png.*5 x 4"):
        load_annotation("a.png", tmp_path / "a.csv", "points", (4, 5))
