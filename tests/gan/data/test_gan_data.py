from __future__ import annotations

import numpy as np
import pytest

from neubauer.errors import InputError
from neubauer.gan.data.images import images_from_array, images_from_folder
from neubauer.gan.data.order import Order
from neubauer.images.write import write_image

RNG = np.random.default_rng(0)


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, array)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_any_bit_depth_and_channel_count_survives_the_way_there_and_back(dtype, channels):
    images = (RNG.random((50, channels, 8, 8)) * 200 + 10).astype(dtype)
    data = images_from_array(images)
    x = data.batch(np.arange(50), RNG)["image"]
    assert x.dtype.is_floating_point
    assert -1 <= x.min() < x.max() <= 1
    back = data.intensity.restore(x.numpy())
    assert back.dtype == images.dtype
    inside = (x.numpy() > -1) & (x.numpy() < 1)  # the others were clipped to the percentiles
    assert inside.mean() > 0.95
    np.testing.assert_allclose(back[inside], images[inside], atol=1e-3)


def test_eight_bit_images_keep_their_whole_range():
    data = images_from_array(np.array([[[[0, 100, 200]]]], np.uint8))
    assert data.intensity.limits == ((0.0, 255.0),)


def test_sparse_and_constant_channels_have_limits():
    images = np.zeros((4, 2, 64, 64), np.uint16)
    images[0, 0, 5, 5] = 900  # far less than 0.2 % of the pixels
    data = images_from_array(images)
    assert data.intensity.limits == ((0.0, 900.0), (0.0, 1.0))


def test_folder_with_classes(tmp_path):
    for name, value in (("red", 1), ("blue", 2)):
        for i in range(3):
            write(tmp_path / name / f"{i}.tif", np.full((2, 5, 6), value, np.uint16))
    data = images_from_folder(tmp_path)
    assert data.classes == ("blue", "red")
    assert data.shape == (2, 5, 6)
    assert [int(image[0, 0, 0]) for image in data.images] == [2, 2, 2, 1, 1, 1]
    assert data.labels is not None
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("odd", "found"),
    [
        (np.zeros((1, 8, 9), np.uint8), "9 x 8 px, 1 channels, uint8"),
        (np.zeros((3, 8, 8), np.uint8), "8 x 8 px, 3 channels, uint8"),
        (np.zeros((1, 8, 8), np.uint16), "8 x 8 px, 1 channels, uint16"),
    ],
)
def test_mixed_folders_name_the_odd_file(tmp_path, odd, found):
    for i in range(3):
        write(tmp_path / f"{i}.png", np.zeros((1, 8, 8), np.uint8))
    write(tmp_path / "odd.png", odd)
    with pytest.raises(InputError, match=r"odd\.png: found " + found):
        images_from_folder(tmp_path)


def test_unreadable_files_are_left_out_and_named(tmp_path, caplog):
    write(tmp_path / "good.png", np.zeros((1, 8, 8), np.uint8))
    (tmp_path / "bad.png").write_text("no image")
    assert len(images_from_folder(tmp_path)) == 1
    assert "bad.png" in caplog.text
    (tmp_path / "good.png").unlink()
    with pytest.raises(InputError, match="none can be read"):
        images_from_folder(tmp_path)


def test_empty_class_and_missing_folder(tmp_path):
    write(tmp_path / "a" / "0.png", np.zeros((1, 8, 8), np.uint8))
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="b: found a folder without images"):
        images_from_folder(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        images_from_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("images", "classes", "message"),
    [
        (np.zeros((4, 8)), None, "shape"),
        (np.zeros((4, 8, 8, 3), np.uint8), None, "channels last"),
        (np.full((4, 1, 8, 8), np.nan), None, "NaN"),
        (np.zeros((4, 1, 8, 8)), ["a"], "1 names"),
    ],
)
def test_unusable_arrays(images, classes, message):
    with pytest.raises(InputError, match=message):
        images_from_array(images, classes)


def test_split_is_disjoint_and_repeatable():
    data = images_from_array(np.arange(200, dtype=np.uint16).reshape(200, 1, 1, 1).repeat(4, 3), ["a", "b"] * 100)
    train, holdout = data.split(0.2, seed=3)
    assert holdout is not None
    values = {int(i[0, 0, 0]) for i in train.images}, {int(i[0, 0, 0]) for i in holdout.images}
    assert len(values[0]) == 160
    assert values[0] | values[1] == set(range(200))
    again = data.split(0.2, seed=3)[1]
    assert again is not None
    assert np.array_equal(again.images, holdout.images)
    assert data.split(0.05, seed=3)[1] is None  # ten images would tell nothing


def test_order_visits_everything_once_per_epoch():
    order = Order(n=10, batch_size=4, seed=1)
    seen = np.concatenate([order.indices(k) for k in range(5)])
    for epoch in (seen[:10], seen[10:]):
        assert sorted(epoch) == list(range(10))
    assert list(seen[:10]) != list(seen[10:])


def test_order_depends_on_nothing_but_its_arguments():
    forward, backward = Order(100, 8, 5), Order(100, 8, 5)
    want = [forward.indices(k) for k in range(40)]
    got = [backward.indices(k) for k in reversed(range(40))][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(want, got, strict=True))
    assert forward.rng(3).random() == backward.rng(3).random() != forward.rng(4).random()


def test_processes_share_a_batch():
    whole = Order(64, 8, 0)
    parts = [Order(64, 8, 0, rank, 2) for rank in range(2)]
    for k in range(10):
        assert np.array_equal(whole.indices(k), np.concatenate([p.indices(k) for p in parts]))


def test_batches_that_do_not_fit():
    with pytest.raises(InputError, match="7 items"):
        Order(7, 8, 0)
    with pytest.raises(InputError, match="multiple of the 3 processes"):
        Order(70, 8, 0, 0, 3)
