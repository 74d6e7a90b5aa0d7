from __future__ import annotations

import numpy as np
import pytest
import torch

from neubauer.gan.insight import fake_map, heat, nearest_neighbours, spherical_path
from neubauer.gan.pictures import grid, to_rgb
from neubauer.gan.training.ema import MovingAverage
from neubauer.metrics.features import RandomEncoder


def test_spherical_path_stays_on_the_sphere():
    a, b = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 3.0])
    path = spherical_path(a, b, 5)
    torch.testing.assert_close(path[0], a)
    torch.testing.assert_close(path[-1], b)
    torch.testing.assert_close(path.norm(dim=1), torch.full((5,), 3.0))
    torch.testing.assert_close(path[2], torch.full((2,), 4.5**0.5))
    torch.testing.assert_close(spherical_path(a, a, 3), a.expand(3, 2))


def test_nearest_neighbours_find_a_copy(blobs):
    images = torch.from_numpy(blobs(100, 16).astype(np.float32) / 127.5 - 1)
    samples = images[[7, 42]] + 0.01 * torch.randn(2, 1, 16, 16)
    indices, distances = nearest_neighbours(samples, images, RandomEncoder(images), k=3)
    assert indices[:, 0].tolist() == [7, 42]
    assert (np.diff(distances) >= 0).all()


def test_fake_map_finds_the_pixel_that_gives_it_away():
    """A discriminator that dislikes bright spots blames the bright spot."""
    images = torch.full((2, 1, 16, 16), -0.5)
    images[0, 0, 4, 11] = 1
    found = fake_map(lambda x: -x.pow(3).sum((1, 2, 3)), images)
    assert np.unravel_index(found[0].argmax(), (16, 16)) == (4, 11)
    assert np.abs(found[1]).max() < 1e-5
    pictures = heat(found)
    assert pictures.shape == (2, 3, 16, 16)
    assert pictures[0, :, 4, 11].tolist() == pytest.approx([1, -1, -1])


def test_fake_map_adds_up_to_the_difference_of_scores():
    torch.manual_seed(0)
    images = torch.randn(3, 2, 16, 16)
    found = fake_map(lambda x: x.square().sum((1, 2, 3)), images, steps=32)
    from scipy.ndimage import gaussian_filter

    blurred = torch.from_numpy(gaussian_filter(images.numpy(), (0, 0, 2, 2)))
    expected = (blurred.square() - images.square()).sum((1, 2, 3))
    np.testing.assert_allclose(found.sum((1, 2)), expected, rtol=1e-3)


@pytest.mark.parametrize("channels", [1, 2, 3, 7])
def test_pictures_of_any_number_of_channels(channels):
    rgb = to_rgb(np.random.default_rng(0).uniform(-1, 1, (5, channels, 6, 8)))
    assert rgb.shape == (5, 6, 8, 3)
    assert rgb.dtype == np.uint8
    assert rgb.max() > 150


def test_grid_places_images_in_rows():
    images = np.linspace(-1, 1, 5)[:, None, None, None] * np.ones((5, 1, 4, 6))
    picture = grid(images, columns=3, gap=1)
    assert picture.shape == (9, 20, 3)
    assert picture[0, 0, 0] == 0
    assert picture[5, 7, 0] == 255  # the fifth image, second row and second column
    assert (picture[5:, 14:] == 255).all()  # an empty place is white


def test_moving_average():
    network = torch.nn.BatchNorm1d(2)
    average = MovingAverage(network, 0.5)
    for step in range(200):
        with torch.no_grad():
            network.weight.fill_(5.0)
            network.running_mean.fill_(3.0)
            network.num_batches_tracked += 1
        average.update(step)
    torch.testing.assert_close(average.network.weight, torch.full((2,), 5.0))
    torch.testing.assert_close(average.network.running_mean, torch.full((2,), 3.0))
    assert average.network.num_batches_tracked == 200
    assert not average.network.training
    slow = MovingAverage(network, 0.999)
    with torch.no_grad():
        network.weight.fill_(6.0)
    slow.update(100_000)
    torch.testing.assert_close(slow.network.weight, torch.full((2,), 5.001))
