"""The pictures of the documentation, made by the program itself: `python docs/make_pictures.py`.

Nothing is downloaded: the real image is one that scikit-image ships, all others are drawn by the simulator. Takes a
minute on one core.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from shapely import Point, Polygon
from shapely.affinity import scale
from skimage import data
from skimage.segmentation import find_boundaries

import neubauer as nb
from neubauer.cells.draw.overlay import draw_overlay
from neubauer.cells.regions.prepare import make_regions
from neubauer.cells.regions.regions import Region
from neubauer.chamber.rulings import ruling_of
from neubauer.chamber.simulate.photograph import Optics, photograph
from neubauer.chamber.simulate.style import Style
from neubauer.compare.write import write_comparison
from neubauer.gan.data.holes import draw_holes
from neubauer.images.fill import fill_biharmonic
from neubauer.images.write import write_image
from neubauer.layouts.simulator.render import render
from neubauer.layouts.simulator.simulate import simulate
from neubauer.models.labelfree.presets import preset

OUT = Path(__file__).parent / "pictures"
GAP = 6


def main() -> None:
    """Make all of them."""
    OUT.mkdir(exist_ok=True)
    tissue()
    regions()
    nuclei()
    labelled()
    holes()
    report()
    chamber()
    comparison()
    print(f"{sum(file.stat().st_size for file in OUT.iterdir()) / 1e6:.2f} MB in {OUT}")


def tissue() -> None:
    """What `neubauer demo` counts."""
    image = data.immunohistochemistry().transpose(2, 0, 1)
    cells = nb.CellCounter.load("nuclei-haematoxylin").predict(image, stain="haematoxylin")
    cells.image = "immunohistochemistry"
    save(draw_overlay(image, cells), "tissue.jpg")


def regions() -> None:
    """The same tissue, counted in two regions of which one lies in the other, and in a gland."""
    image = data.immunohistochemistry().transpose(2, 0, 1)
    gland = scale(Point(314, 412).buffer(1, quad_segs=16), 66, 100)
    corners = [
        (78, 225),
        (150, 250),
        (262, 258),
        (285, 215),
        (330, 265),
        (410, 300),
        (505, 300),
        (505, 505),
        (165, 505),
    ]
    drawn = [
        Region("stroma", Polygon([*corners, (150, 400), (115, 310)]).difference(gland)),
        Region("lower stroma", Polygon([(405, 385), (495, 370), (495, 495), (400, 495)])),
        Region("gland", gland),
    ]
    found = make_regions(drawn, image.shape[1:], "drawn")
    cells = nb.CellCounter.load("nuclei-haematoxylin").predict(image, stain="haematoxylin", regions=found)
    cells.image = "immunohistochemistry"
    save(draw_overlay(image, cells), "regions.jpg")


def nuclei() -> None:
    """Nuclei in fluorescence that the simulator drew, so that their number is known, and what is found."""
    # the first of the drawings that is well filled
    drawings = (drawn("nuclei-labelfree", (320, 480), seed) for seed in range(100))
    image, labels, _ = next(made for made in drawings if made[1].max() >= 60)
    cells = nb.CellCounter.load("nuclei-fluorescence").predict(image)
    print(f"nuclei.jpg: {labels.max()} drawn, {cells.counts()['cell']} counted")
    cells.image = "drawn by the simulator"
    save(draw_overlay(image, cells), "nuclei.jpg")


def labelled() -> None:
    """Drawn blood smears above, their masks below."""
    colours = np.array([(230, 80, 70), (70, 110, 220), (40, 160, 90)])
    rows: list[list[np.ndarray]] = [[], []]
    for seed in range(3):
        image, labels, class_index = drawn("blood-smear-labelfree", (240, 320), seed, 0.35)
        picture = np.full((*labels.shape, 3), 245, np.uint8)
        picture[labels > 0] = colours[class_index[labels[labels > 0] - 1]]
        picture[find_boundaries(labels, mode="inner")] = 30
        rows[0].append(image.transpose(1, 2, 0))
        rows[1].append(picture)
    save(Image.fromarray(tiles(rows)), "labelled.jpg")


def holes() -> None:
    """A piece of tissue, the same with holes, and filled in without any training."""
    image = data.immunohistochemistry()[150:390, 150:390].transpose(2, 0, 1)
    missing = draw_holes((240, 240), 0.12, np.random.default_rng(4))
    filled = fill_biharmonic(image, missing)
    damaged = np.where(missing, np.uint8(0), image)
    pictures = [np.asarray(part, np.uint8).transpose(1, 2, 0) for part in (image, damaged, filled)]
    save(Image.fromarray(tiles([pictures])), "holes.jpg")


def report() -> None:
    """The top of a report in a browser, if a headless Chromium is there; else the picture stays as it is."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("report.jpg: no Chromium, not made anew")
        return
    with TemporaryDirectory() as place:
        fields, out = Path(place, "fields"), Path(place, "Colon, twelve fields")
        fields.mkdir()
        image = data.immunohistochemistry()
        for i in range(12):
            y, x = 104 * (i // 4), 104 * (i % 4)
            field = image[y : y + 200, x : x + 200]
            if i == 5:
                field = np.rint(gaussian_filter(field.astype(float), (2.5, 2.5, 0))).astype(np.uint8)
            Image.fromarray(field).save(fields / f"field-{i + 1:02d}.png")
        nb.count_folder(fields, "nuclei-haematoxylin", out, stain="haematoxylin")
        nb.write_report(out)
        shot = Path(place, "report.png")
        command = [browser, "--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1280,1800"]
        subprocess.run(
            [*command, f"--screenshot={shot}", (out / "report.html").as_uri()], check=True, capture_output=True
        )
        save(Image.open(shot), "report.jpg")


def chamber() -> None:
    """A simulated photograph of a counting chamber in trypan blue, and what is counted in it."""
    rng = np.random.default_rng(5)
    style = Style(dead=0.25, contrast=0.5, line=0.9, specks=150, clumps=2, granules=3, bubbles=0.4, clustered=0.12)
    optics = Optics((1100, 1400), 540.0, (0.52, 0.52), 600.0, turn=0.12, tilt=(0.02, -0.01), bend=-0.04, shade=0.25)
    photo = photograph(ruling_of("neubauer-improved"), optics, style, 70, rng)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "simulated.png"
        Image.fromarray(photo.pixels).save(file)
        nb.count_chambers(file, Path(folder) / "results", dilution=2, trypan_blue=True, overlays=True)
        save(Image.open(Path(folder) / "results" / "overlays" / "simulated.png"), "chamber.jpg")


def comparison() -> None:
    """What `neubauer compare` draws: a control and two doses, four samples of each, three images of each sample."""
    rng = np.random.default_rng(0)
    population, appearance = preset("nuclei-labelfree")
    with TemporaryDirectory() as folder:
        for condition, coverage in (("control", 0.22), ("drug 1 µM", 0.17), ("drug 10 µM", 0.07)):
            for sample in range(1, 5):
                own = coverage * float(rng.lognormal(0, 0.18))
                for field in range(1, 4):
                    covered = population.model_copy(update={"coverage": (own * 0.9, own * 1.1)})
                    scene = simulate(covered, (320, 320), rng)
                    image = np.rint(5 + render(scene, covered, appearance, rng) * 240)
                    path = Path(folder, "images", condition, f"culture-{condition}-{sample}_{field}.png")
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write_image(path, np.clip(image, 0, 255).astype(np.uint8))
        nb.count_folder(f"{folder}/images", "nuclei-fluorescence", f"{folder}/r", recursive=True, formats=(), workers=2)
        names = "{condition}/{sample}_{field}.png"
        found = nb.compare_conditions(f"{folder}/r", samples=names, control="control")
        write_comparison(found, f"{folder}/c")
        print(found.pairs.to_string())
        with Image.open(f"{folder}/c/plot.png") as picture:
            picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(OUT / "compare.png", optimize=True)


def drawn(
    name: str, shape: tuple[int, int], seed: int, scale: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A drawing of a preset at a scale: (C, Y, X) uint8, its labels, and the class of each cell."""
    population, appearance = preset(name)
    population, appearance = population.scaled(scale), appearance.scaled(scale)
    rng = np.random.default_rng(seed)
    scene = simulate(population, shape, rng)
    image = render(scene, population, appearance, rng)
    return np.clip(np.rint(5 + image * 240), 0, 255).astype(np.uint8), scene.labels, scene.class_index


def tiles(rows: list[list[np.ndarray]]) -> np.ndarray:
    """Pictures of one size in rows, with white between them."""
    height, width = rows[0][0].shape[:2]
    shape = (len(rows) * (height + GAP) - GAP, len(rows[0]) * (width + GAP) - GAP, 3)
    page = np.full(shape, 255, np.uint8)
    for i, row in enumerate(rows):
        for k, picture in enumerate(row):
            y, x = i * (height + GAP), k * (width + GAP)
            page[y : y + height, x : x + width] = picture
    return page


def save(picture: Image.Image, name: str) -> None:
    """JPEG or PNG, at most 900 pixels wide."""
    if picture.width > 900:
        picture = picture.resize((900, round(picture.height * 900 / picture.width)), Image.Resampling.LANCZOS)
    picture.convert("RGB").save(OUT / name, quality=82, optimize=True)


if __name__ == "__main__":
    main()
