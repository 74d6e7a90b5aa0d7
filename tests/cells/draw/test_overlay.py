import numpy as np
import pytest
from PIL import Image
from skimage.data import immunohistochemistry

from neubauer.cells.annotation import Annotation
from neubauer.cells.convert import annotation_to_cells, labels_to_points
from neubauer.cells.draw.colours import OKABE_ITO, class_colours
from neubauer.cells.draw.display import display_size, to_display
from neubauer.cells.draw.missing import DARK, LIGHT
from neubauer.cells.draw.overlay import draw_overlay
from neubauer.cells.table import CountEstimate, Unfamiliar
from neubauer.images.read import from_array


def two_cells(shape=(512, 512), classes=("a", "b"), image="x"):
    labels = np.zeros(shape, np.int32)
    labels[100:200, 100:160] = 1
    labels[100:200, 160:220] = 2  # touches the first
    marks = Annotation("masks", shape, classes, np.array([0, 1]), labels_to_points(labels), labels=labels)
    return annotation_to_cells(marks, image)


def test_contours_in_class_colours_and_the_tissue_as_it_is():
    tissue = np.moveaxis(immunohistochemistry(), -1, 0)
    page = draw_overlay(tissue, two_cells())
    zoom = display_size((512, 512), 2000)[0] // 512
    pixels = np.asarray(page)[: 512 * zoom]
    yellow, blue = ((pixels == colour).all(axis=2) for colour in OKABE_ITO[:2])
    ys, xs = np.nonzero(yellow)
    assert (ys.min() // zoom, ys.max() // zoom, xs.min() // zoom, xs.max() // zoom) == (100, 199, 100, 159)
    assert blue[150 * zoom].any()
    assert yellow[150 * zoom, 159 * zoom : 160 * zoom].any()  # both keep their line where they touch
    assert blue[150 * zoom, 160 * zoom : 161 * zoom].any()
    assert not yellow[130 * zoom : 170 * zoom, 120 * zoom : 140 * zoom].any()  # the inside stays open
    plain = np.asarray(to_display(tissue))
    np.testing.assert_array_equal(pixels[300 * zoom :], plain[300 * zoom :])


def test_lines_have_a_dark_rim_on_bright_images():
    pixels = np.asarray(draw_overlay(np.full((3, 1000, 1000), 255, np.uint8), two_cells((1000, 1000))))
    assert [pixels[150, x].sum() > 600 for x in (97, 98, 99, 102, 103)] == [True, True, False, False, True]
    assert tuple(pixels[150, 100]) == OKABE_ITO[0]


def test_legend_grows_with_what_it_says_and_covers_nothing():
    image = np.zeros((3, 512, 512), np.uint8)
    cells = two_cells()
    plain = draw_overlay(image, cells)
    cells.flags = ["counts of peaks and of density disagree", "blurred"]
    cells.estimates = {n: CountEstimate(1, 0, 3) for n in ("a", "b", "total")}
    flagged = draw_overlay(image, cells)
    assert flagged.height > plain.height > 1024
    assert flagged.width == plain.width == 1024
    long = two_cells(image="a-very-long-name-" * 40)
    assert draw_overlay(image, long).height > plain.height


def test_boxes_points_and_nothing():
    image = np.full((1, 400, 400), 7, np.uint16)
    corners = np.array([[50.0, 60, 150, 160]])
    box = Annotation("boxes", (400, 400), ("a",), np.array([0]), corners[:, :2] + 50, boxes=corners)
    point = Annotation("points", (400, 400), ("a",), np.array([0]), np.array([[300.0, 200.0]]))
    nothing = Annotation("points", (400, 400), ("a",), np.zeros(0, np.int64), np.zeros((0, 2)))
    zoom = display_size((400, 400), 2000)[0] // 400
    found = []
    for marks in (box, point, nothing):
        pixels = np.asarray(draw_overlay(image, annotation_to_cells(marks, "x")))[: 400 * zoom]
        found.append(np.argwhere((pixels == OKABE_ITO[0]).all(axis=2)))
    np.testing.assert_allclose(found[0].min(axis=0), [50 * zoom, 60 * zoom], atol=2)
    np.testing.assert_allclose(found[0].max(axis=0), [150 * zoom, 160 * zoom], atol=2)
    np.testing.assert_allclose(found[1].mean(axis=0), [300.5 * zoom, 200.5 * zoom], atol=1)
    assert len(found[2]) == 0


def test_large_images_are_reduced_and_small_ones_enlarged(tmp_path):
    labels = np.zeros((900, 1300), np.int32)
    labels[100:500, 200:900] = 1
    marks = Annotation("masks", labels.shape, ("a",), np.array([0]), labels_to_points(labels), labels=labels)
    source = from_array((labels * 1000).astype(np.uint16), axes="YX")
    page = draw_overlay(source, annotation_to_cells(marks, "x"), tmp_path / "o.png", max_side=600)
    saved = Image.open(tmp_path / "o.png")
    assert saved.size == page.size
    assert page.width == 600
    picture = np.asarray(page)[:415]
    assert tuple(picture[150, 300]) == (255, 255, 255)
    assert tuple(picture[300, 500]) == (0, 0, 0)
    assert display_size((30, 40), 2000) == (240, 320)
    assert display_size((1, 100_000), 2000) == (1, 2000)


def test_reduced_images_are_not_darker_at_the_edge():
    assert np.asarray(to_display(np.full((3, 1003, 1007), 255, np.uint8), 200)).min() == 255


def test_cells_without_a_known_class_are_drawn():
    cells = two_cells(classes=("a", "b"))
    cells.table["class"] = ""
    pixels = np.asarray(draw_overlay(np.zeros((1, 512, 512), np.uint8), cells))[:1024]
    assert (pixels == 200).all(axis=2).any()


def test_another_shape_is_refused():
    with pytest.raises(ValueError, match="the cells are of an image of"):
        draw_overlay(np.zeros((1, 5, 5), np.uint8), two_cells())


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_other_images_are_stretched(channels, dtype):
    image = np.full((channels, 60, 60), 100, dtype)
    image[:, 10:40, 10:40] = 140
    pixels = np.asarray(to_display(image))
    assert pixels.shape == (480, 480, 3)
    assert pixels[-1, -1].max() == 0
    assert pixels[200, 200].max() == 255


def test_constant_images_are_black():
    assert np.asarray(to_display(np.full((1, 9, 9), 50, np.uint8))).max() == 0


def test_many_classes_have_colours_of_their_own():
    colours = class_colours(20)
    assert len(set(colours)) == 20
    assert colours[:7] == list(OKABE_ITO)


@pytest.mark.parametrize("size", [300, 3000])
def test_missing_pixels_are_striped(size, monkeypatch):
    monkeypatch.setattr("neubauer.images.bands.BAND_BYTES", 400_000)
    image = np.random.default_rng(0).random((1, size, size)).astype(np.float32)
    image[0, 20, 40] = np.nan
    image[0, size // 2 :, : size // 4] = np.inf
    pixels = np.asarray(draw_overlay(image, two_cells((size, size)), max_side=1000))
    side = display_size((size, size), 1000)[0]
    zoom = side / size
    striped = ((pixels == DARK) | (pixels == LIGHT)).all(axis=2)[:side, :side]
    wanted = np.zeros((side, side), bool)
    wanted[side // 2 :, : side // 4] = True
    wanted[int(20 * zoom) : max(int(21 * zoom), int(20 * zoom) + 1), int(40 * zoom) : int(40 * zoom + max(zoom, 1))] = 1
    assert (striped == wanted).all()
    assert (pixels[:side, :side][striped] == LIGHT).all(axis=1).mean() < 0.4


def test_strange_parts_are_striped_and_no_others():
    image = np.full((1, 512, 512), 120, np.uint8)
    blocks = np.zeros((2, 4), bool)
    blocks[:, 2:] = True
    cells = two_cells()
    plain = np.asarray(draw_overlay(image, cells)).astype(int)
    cells.unfamiliar = Unfamiliar(blocks, (256.0, 128.0))
    marked = np.asarray(draw_overlay(image, cells)).astype(int)
    differs = np.abs(plain - marked)[: plain.shape[1]].sum(2) > 0
    half = differs.shape[1] // 2
    assert not differs[:, : half - 2].any()
    assert 0.02 < differs[:, half:].mean() < 0.5
