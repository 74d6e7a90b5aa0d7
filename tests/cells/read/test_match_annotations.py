import json
from pathlib import Path

import numpy as np
import pytest
from annotation_samples import RBC, WBC, cvat_file, cvat_image, labelme_file, write_sample
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


@pytest.mark.parametrize(
    ("image", "annotation"),
    [
        ("a.tif", "a.json"),
        ("a.tif", "a.geojson"),
        ("a.tif", "a.tif.geojson"),
        ("a.ome.tif", "a.geojson"),
        ("a.tif", "a_rois.zip"),
        ("a.tif", "a_RoiSet.zip"),
        ("a.tif", "RoiSet_a.zip"),
        ("a.tif", "a.roi"),
        ("my cells 1.png", "1a2b3c4d-my_cells_1.txt"),
    ],
)
@pytest.mark.parametrize("kind", ["masks", "boxes", "points"])
def test_files_of_programs_match(tmp_path, image, annotation, kind):
    images = touch(tmp_path / "i", image, "other.tif")
    touch(tmp_path / "m", annotation)
    matches = match_annotations(images, tmp_path / "m", kind)
    assert names(matches.pairs) == {image: annotation}


def test_an_image_called_roi_is_no_annotation(tmp_path):
    files = touch(tmp_path, "a.tif", "a_roi.tif")
    assert split_images_and_annotations(files) == (files, [])


def test_label_images_go_before_other_files(tmp_path):
    images = touch(tmp_path / "i", "a.png", "b.png")
    touch(tmp_path / "m", "a_masks.png", "a.json", "a.xml")
    write_sample("labelme", tmp_path / "m", "b")
    matches = match_annotations(images, tmp_path / "m", "masks")
    assert names(matches.pairs) == {"a.png": "a_masks.png", "b.png": "b.json"}
    assert matches.unmatched_annotations == []


def test_files_of_microscopes_beside_images_do_no_harm(tmp_path):
    images = touch(tmp_path, "a.png", "b.png")
    write_sample("labelme", tmp_path, "a")
    (tmp_path / "a.xml").write_text("<Microscope/>")
    (tmp_path / "a.csv").write_text("area,mean\n3,4\n")
    assert names(match_annotations(images, tmp_path, "masks").pairs) == {"a.png": "a.json"}


def test_annotations_without_image_are_told_where_an_image_lacks_one(tmp_path):
    images = touch(tmp_path / "i", "a.png", "b.png")
    for stem in ("a", "c"):
        write_sample("labelme", tmp_path / "i", stem)
    (tmp_path / "i" / "counts.json").write_text('{"a": 3}')
    matches = match_annotations(images, tmp_path / "i", "masks")
    assert names(matches.pairs) == {"a.png": "a.json"}
    assert matches.unmatched_annotations == [tmp_path / "i" / "c.json"]


def test_several_lists_and_single_files_together(tmp_path):
    images = [tmp_path / "i" / f"{n}.png" for n in "abcd"]
    (tmp_path / "m").mkdir()
    for name, inside in (("one", ["a.png", "gone.png"]), ("two", ["sub/b.png"])):
        (tmp_path / "m" / f"{name}.xml").write_text(cvat_file(*(cvat_image(n, "") for n in inside)))
    write_sample("voc", tmp_path / "m", "c")
    for kind in ("masks", "boxes"):
        matches = match_annotations(images, tmp_path / "m", kind)
        assert names(matches.pairs) == {"a.png": "one.xml", "b.png": "two.xml", "c.png": "c.xml"}
        assert matches.unmatched_images == [images[3]]
        assert matches.unmatched_annotations == [Path("gone.png")]
    (tmp_path / "m" / "three.xml").write_text(cvat_file(cvat_image("b.tif", "")))
    with pytest.raises(InputError, match=r"b\.png: found several annotations, in .*; expected one for each image"):
        match_annotations(images, tmp_path / "m", "masks")


def test_a_single_image_that_a_list_does_not_name_is_not_matched(tmp_path):
    path = write_sample("via", tmp_path)
    matches = match_annotations([tmp_path / "other.png"], path, "masks")
    assert matches.pairs == []
    assert matches.unmatched_annotations == [Path("a.png")]


def test_a_damaged_list_is_named(tmp_path):
    path = write_sample("via", tmp_path, "project")
    path.write_text(path.read_text()[:-20])
    for source in (tmp_path, path):
        with pytest.raises(InputError, match=r"project\.json: found a file that cannot be read as JSON"):
            match_annotations([tmp_path / "i" / "a.png", tmp_path / "i" / "b.png"], source, "masks")


def test_other_json_is_not_blamed_where_label_images_have_other_names(tmp_path):
    images = touch(tmp_path / "i", "a.png", "b.png")
    touch(tmp_path / "m", "x.png")
    (tmp_path / "m" / "counts.json").write_text('{"a": 3}')
    matches = match_annotations(images, tmp_path / "m", "masks")
    assert matches.pairs == []
    assert matches.unmatched_annotations == [tmp_path / "m" / "x.png"]
    (tmp_path / "m" / "x.png").unlink()
    with pytest.raises(
        InputError, match=r"counts\.json: found JSON with the keys \['a'\]; expected annotations: .*VIA"
    ):
        match_annotations(images, tmp_path / "m", "masks")


def test_the_class_ignore_is_a_region(tmp_path):
    shapes = [{"label": "ignore", "points": RBC}, {"label": "a", "points": WBC}]
    (tmp_path / "a.json").write_text(json.dumps(labelme_file(*shapes)))
    marks = load_annotation("a.png", tmp_path / "a.json", "masks", (30, 40))
    assert marks.counts() == {"a": 1}
    assert marks.ignore.sum() == 30
    assert named_classes(Path("a.png"), tmp_path / "a.json") == {"a"}
