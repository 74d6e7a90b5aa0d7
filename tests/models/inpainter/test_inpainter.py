"""Holes are found and filled in; nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scenes import discs

from neubauer.errors import InputError
from neubauer.gan.data.holes import HoleCrops, draw_holes
from neubauer.gan.data.image_pairs import Domain
from neubauer.gan.games.inpainting import Inpainting
from neubauer.gan.training.trainer import Trainer
from neubauer.images.fill import continued, fill_biharmonic, fill_texture
from neubauer.images.holes import find_holes, read_holes
from neubauer.images.read import from_array
from neubauer.images.write import write_image
from neubauer.models.counter.repaired import mark_repaired
from neubauer.models.estimators.inpainter import Inpainter
from neubauer.models.inpainter.evaluate import evaluate_inpainting
from neubauer.nets.inpainting import InpaintingNet

SMALL: dict[str, Any] = {
    "crop": 32,
    "widths": [16, 24],
    "depths": [1, 2],
    "critic_widths": [16, 16],
    "training": {"batch_size": 8, "preview_every": 0, "generator": {"warmup_steps": 20}},
}


def stripes(seed: int, size: int = 64) -> np.ndarray:
    """(1, size, size) uint16: waves of random direction and phase, which continue through a hole in one way only."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    angle = rng.uniform(0, np.pi)
    wave = np.sin((y * np.sin(angle) + x * np.cos(angle)) * 2 * np.pi / 9 + rng.uniform(0, 6))
    return (20000 + 9000 * wave)[None].astype(np.uint16)


@pytest.fixture(scope="module")
def trained() -> Inpainter:
    return Inpainter(SMALL).fit([stripes(i) for i in range(24)], steps=350, seed=0)


def test_learns_more_than_the_mean_of_the_surroundings(trained: Inpainter) -> None:
    images = [stripes(100 + i) for i in range(4)]
    scores = evaluate_inpainting(images, trained, share=0.1)
    assert scores["inpainter"]["psnr"] > 14
    plain = evaluate_inpainting(images, Inpainter(SMALL).fit([stripes(0), stripes(1)], steps=1), share=0.1)
    assert scores["inpainter"]["psnr"] > plain["inpainter"]["psnr"] + 3


def test_pixels_outside_of_holes_come_back_as_they_were(trained: Inpainter) -> None:
    image = np.concatenate([stripes(7), stripes(8)], 2)[:, :53, :111]
    holes = draw_holes((53, 111), 0.1, np.random.default_rng(0))
    repaired, uncertainty = trained.predict(image, holes)
    assert repaired.dtype == np.uint16
    assert (repaired[:, ~holes] == image[:, ~holes]).all()
    assert (repaired[:, holes] != image[:, holes]).mean() > 0.5
    assert (uncertainty[~holes] == 0).all()
    assert (uncertainty[holes] > 0).mean() > 0.9
    nothing = np.zeros((53, 111), bool)
    assert (trained.predict(image, nothing)[0] == image).all()


def test_what_is_in_a_hole_does_not_matter(trained: Inpainter) -> None:
    image, holes = stripes(9), np.zeros((64, 64), bool)
    holes[20:34, 25:50] = True
    other = image.copy()
    other[:, holes] = 0
    assert (trained.predict(image, holes)[0][:, holes] == trained.predict(other, holes)[0][:, holes]).all()


def test_tiles_leave_no_seams(trained: Inpainter) -> None:
    image = np.tile(stripes(3), (1, 3, 3))[:, :181, :187]
    holes = draw_holes((181, 187), 0.1, np.random.default_rng(2), side=64)
    whole, uncertain = trained.predict(image, holes, samples=8, tile=512)
    tiled, uncertain_too = trained.predict(image, holes, samples=8, tile=64)
    assert np.abs(whole.astype(int) - tiled).max() <= 0.01 * np.ptp(image)
    assert np.abs(uncertain - uncertain_too).max() <= 0.01 * np.ptp(image)


def test_a_hole_may_be_wider_than_a_tile_and_what_it_sees(trained: Inpainter) -> None:
    image = np.full((1, 400, 390), 20000, np.uint16)
    holes = np.zeros((400, 390), bool)
    holes[10:390, 10:380] = True
    repaired, _ = trained.predict(image, holes, samples=1, tile=32)
    assert (repaired[:, ~holes] == 20000).all()
    assert np.abs(repaired.astype(int) - 20000).max() < 12000


def test_the_halo_is_as_far_as_the_network_sees() -> None:
    network = InpaintingNet(1, widths=(8, 8), depths=(1, 2)).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.normal_(module.weight)
    side = 2 * network.halo + 2 * network.stride
    image = torch.rand(1, 1, side, side, requires_grad=True)
    middle = side // 2
    network(image, torch.zeros(1, 1, side, side))[0, 0, middle, middle].backward()
    assert image.grad is not None
    y, x = np.nonzero(image.grad[0, 0].numpy())
    assert network.halo / 2 < max(np.abs(y - middle).max(), np.abs(x - middle).max()) <= network.halo


def test_a_file_fills_in_like_the_original(trained: Inpainter, tmp_path: Path) -> None:
    again = Inpainter.load(trained.save(tmp_path / "i.safetensors"))
    holes = draw_holes((64, 64), 0.2, np.random.default_rng(1))
    for mine, theirs in zip(trained.predict(stripes(5), holes), again.predict(stripes(5), holes), strict=True):
        assert (mine == theirs).all()


def test_the_middle_of_a_wide_hole_is_continued_at_half_the_size() -> None:
    y, x = np.mgrid[:300, :280] / 40
    image = (100 + 50 * np.sin(y) + 40 * x)[None].astype(np.float32)
    holes = np.zeros((300, 280), bool)
    holes[60:240, 50:220] = True
    made = continued(image, holes)
    assert (made[:, ~holes] == image[:, ~holes]).all()
    steps = np.abs(np.diff(made[0], axis=0)).max(), np.abs(np.diff(made[0], axis=1)).max()
    assert max(steps) < 6  # 1.25 in the image, and no edge where the two meet
    assert made[0, 150, 50:220].std() > 20  # continues the slope


def test_training_crops() -> None:
    images = Domain.of([from_array(np.concatenate([stripes(i), stripes(i + 9)])[:, :50]) for i in range(3)], "tests")
    data = HoleCrops(images, 96, (0.1, 0.3), seed=4)
    one, again = (data.batch(np.array([5, 700, 1999]), np.random.default_rng(1)) for _ in range(2))
    assert one["image"].shape == one["smooth"].shape == (3, 2, 32, 32)  # as large as the images allow
    holes = one["holes"].bool().expand_as(one["image"])
    assert 0.1 <= holes.float().mean() < 0.5
    assert (one["image"] == one["smooth"])[~holes].all()
    assert (one["image"] != one["smooth"])[holes].float().mean() > 0.9
    assert all((one[name] == again[name]).all() for name in one)
    turned = data.batch(np.array([5, 700, 1999]), np.random.default_rng(2))
    assert turned["holes"].sum() == one["holes"].sum()


def test_the_discriminator_rests_until_it_is_needed(tmp_path: Path) -> None:
    changes = {**SMALL, "training": {**SMALL["training"], "steps": 4, "log_every": 1}}
    config = Inpainter({**changes, "warmup": 0.5}).config
    data = HoleCrops(Domain.of([from_array(stripes(i)) for i in range(4)], "tests"), 32, config.holes, 0)
    trainer = Trainer(config.training, tmp_path / "run", progress=False)
    trainer.fit(Inpainting(config, 1), data)
    states = trainer.state.optimizers["discriminator"].state.values()
    assert {int(state["step"]) for state in states} == {2}
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    scores = rows[0].split(",").index("discriminator/score_real")
    assert [bool(row.split(",")[scores]) for row in rows[1:]] == [False, False, True, True]


@pytest.mark.parametrize("fill", [fill_biharmonic, fill_texture])
def test_base_lines(fill) -> None:
    image = np.tile(np.linspace(0, 200, 48).astype(np.uint8), (3, 48, 1))
    holes = np.zeros((48, 48), bool)
    holes[20:26, 20:26] = True
    damaged = np.where(holes, 0, image).astype(np.uint8)
    made = fill(damaged, holes)
    assert made.dtype == np.uint8
    assert (made[:, ~holes] == image[:, ~holes]).all()
    assert np.abs(made.astype(int) - image)[:, holes].mean() < 25


def test_damage_is_found() -> None:
    image = discs(20, seed=1)[0][None].copy()
    assert find_holes(image).mean() < 0.002
    truth = np.zeros(image.shape[1:], bool)
    for y, x in ((10, 12), (50, 90), (100, 31)):
        image[:, y, x] = 65535
        truth[y, x] = True
    image[:, 64:80, 96:112] = 0
    truth[64:80, 96:112] = True
    image[:, 40, 5:60] = 60000
    truth[40, 5:60] = True
    found = find_holes(image)
    assert found[truth].all()
    assert (found & ~truth).sum() < 0.02 * truth.size


def test_cells_on_repaired_pixels_are_marked() -> None:
    from neubauer.cells.measure import measure
    from neubauer.cells.table import Cells

    labels = np.zeros((20, 20), np.int32)
    labels[2:6, 2:6], labels[10:14, 10:14] = 1, 2
    table = measure(labels)
    cells = Cells(table, ("cell",), "a", (20, 20), labels, None, {}, [], {})
    holes = np.zeros((20, 20), bool)
    holes[2:4, 2:6] = True
    mark_repaired(cells, holes)
    assert cells.table["repaired"].tolist() == [0.5, 0.0]
    assert cells.flags == ["1 of 2 cells touch repaired pixels"]


def test_bad_input(trained: Inpainter, tmp_path: Path) -> None:
    image, two = stripes(0), np.concatenate([stripes(0), stripes(1)])
    write_image(tmp_path / "small.png", np.ones((1, 10, 10), np.uint8))
    write_image(tmp_path / "all.png", np.ones((1, 64, 64), np.uint8))
    for call, expected in (
        (lambda: trained.predict(image, np.ones((64, 64), bool)), "covers the whole image"),
        (lambda: trained.predict(image, np.ones((9, 9), bool)), "as the image has"),
        (
            lambda: trained.predict((image // 257).astype(np.uint8), np.zeros((64, 64), bool)),
            "uint8 pixels; expected uint16",
        ),
        (lambda: trained.predict(two, np.zeros((64, 64), bool)), "2 channels"),
        (lambda: trained.predict(image, np.zeros((64, 64), bool), samples=9), "1 to 8"),
        (lambda: read_holes(tmp_path / "small.png", (64, 64)), r"small\.png: found a mask of"),
        (lambda: read_holes(tmp_path / "all.png", (64, 64)), r"all\.png: found a hole that covers"),
        (lambda: Inpainter({"crops": 64}), "crop"),
        (lambda: Inpainter(SMALL).fit([stripes(0), two]), "2 channels"),
    ):
        with pytest.raises(InputError, match=expected):
            call()
