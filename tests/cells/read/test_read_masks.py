import numpy as np
import pytest
import tifffile
from PIL import Image

from neubauer.cells.read.masks import read_masks
from neubauer.errors import InputError

LABELS = np.zeros((6, 9), np.int32)
LABELS[1:3, 1:4] = 1
LABELS[4:6, 6:9] = 2


def save(path, array):
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".tif":
        tifffile.imwrite(path, array)
    else:
        Image.fromarray(array).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *(("a.png", "uint8"), ("a.png", "uint16"), ("a.tif", "uint8"), ("a.tif", "uint16"), ("a.tif", "uint32")),
        *(("a.tif", "int32"), ("a.tif", "float32"), ("a.npy", "int64"), ("a.bmp", "uint8")),
    ],
)
def test_label_images_of_any_bit_depth_give_the_same_cells(tmp_path, name, dtype):
    marks = read_masks(save(tmp_path / name, LABELS.astype(dtype)), (6, 9))
    np.testing.assert_array_equal(marks.labels, LABELS)
    assert marks.labels.dtype == np.int32
    assert marks.kind == "masks"
    assert marks.counts() == {"cell": 2}
    np.testing.assert_allclose(marks.centres, [[1.5, 2], [4.5, 7]])


def test_labels_with_gaps_are_renumbered_in_order(tmp_path):
    marks = read_masks(save(tmp_path / "a.tif", np.array([[0, 70000, 7], [0, 70000, 3000]], np.uint32)))
    np.testing.assert_array_equal(marks.labels, [[0, 3, 1], [0, 3, 2]])


def test_two_valued_image_is_a_binary_mask_of_components(tmp_path):
    marks = read_masks(save(tmp_path / "a.png", (LABELS > 0).astype(np.uint8) * 255))
    np.testing.assert_array_equal(marks.labels, LABELS)


def test_one_bit_mask_and_palette_image(tmp_path):
    assert len(read_masks(save(tmp_path / "a.png", LABELS > 0))) == 2
    palette = Image.fromarray(LABELS.astype(np.uint8), mode="P")
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    palette.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_masks(tmp_path / "p.png").labels, LABELS)


def test_a_label_in_pieces_stays_one_cell_if_there_are_others(tmp_path):
    assert len(read_masks(save(tmp_path / "a.tif", np.array([[1, 0, 1, 0, 2]], np.uint16)))) == 2


def test_grey_saved_as_rgb_is_read(tmp_path):
    rgb = np.repeat(LABELS.astype(np.uint8)[..., None], 3, axis=2)
    np.testing.assert_array_equal(read_masks(save(tmp_path / "a.png", rgb)).labels, LABELS)


def test_an_image_without_cells(tmp_path):
    marks = read_masks(save(tmp_path / "a.png", np.zeros((4, 5), np.uint8)))
    assert len(marks) == 0
    assert marks.centres.shape == (0, 2)
    assert marks.counts() == {"cell": 0}


def test_ignore_value_is_no_cell_but_a_region(tmp_path):
    marks = read_masks(save(tmp_path / "a.tif", np.array([[-1, 0, 1, 2]], np.int32)), ignore_value=-1)
    np.testing.assert_array_equal(marks.ignore, [[True, False, False, False]])
    assert len(marks) == 2


def test_the_class_is_known_only_if_there_is_one(tmp_path):
    path = save(tmp_path / "a.png", LABELS.astype(np.uint8))
    assert read_masks(path, classes=("nucleus",)).counts() == {"nucleus": 2}
    assert read_masks(path, classes=("a", "b")).class_index.tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.array([[0, 0.5]], np.float32), "not whole"),
        (np.array([[0, np.nan]], np.float32), "not whole"),
        (np.array([[0, -3]], np.int32), "negative value -3"),
        (np.zeros((4, 5, 3), np.uint8) + np.arange(3, dtype=np.uint8), "colour image"),
        (np.zeros((7, 6, 9), np.uint8), "stack"),
        (np.zeros((9, 6), np.uint8), "9 x 6 pixels"),
    ],
)
def test_what_is_no_label_image_of_this_image_is_refused(tmp_path, array, found):
    with pytest.raises(InputError, match=found) as error:
        read_masks(save(tmp_path / "bad.tif", array), (6, 9) if array.shape == (9, 6) else None)
    assert "bad.tif" in str(error.value)


def test_unreadable_files_are_named(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.tif").write_text("not a TIFF")
    (tmp_path / "a.csv").write_text("y,x\n")
    Image.fromarray(LABELS.astype(np.uint8)).save(tmp_path / "a.jpg")
    whole = save(tmp_path / "whole.png", np.random.default_rng(0).integers(0, 255, (50, 50), dtype=np.uint8))
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:300])
    np.save(tmp_path / "a_seg.npy", np.array({"masks": LABELS}), allow_pickle=True)
    for name, found in [
        ("empty.png", "an empty file"),
        ("text.tif", "cannot be read"),
        ("a.csv", "a file of type .csv"),
        ("a.jpg", "JPEG"),
        ("cut.png", "cannot be read"),
        ("a_seg.npy", "save the masks as TIFF or PNG"),
        ("missing.png", "no such file"),
    ]:
        with pytest.raises(InputError, match=found) as error:
            read_masks(tmp_path / name)
        assert name in str(error.value)
