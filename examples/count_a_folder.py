"""Count a folder, and plot it
============================

A stained section of colon (`skimage.data.immunohistochemistry`) is cut into nine fields, as a microscope would deliver
them. One line counts the folder by the nuclei's own stain; the picture shows the counts with their 90 % intervals,
beside the outlines of one field. There is no truth to compare with: look at the outlines, and at the flags.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from PIL import Image
from skimage import data

import neubauer as nb


def fields(folder: Path) -> Path:
    """Nine fields of 170 x 170 pixels as PNG files."""
    section = data.immunohistochemistry()
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(9):
        y, x = 170 * (i // 3), 170 * (i % 3)
        Image.fromarray(section[y : y + 170, x : x + 170]).save(folder / f"field-{i + 1}.png")
    return folder


def main(out: Path) -> None:
    images = fields(out / "images")

    # %% Count. Run it twice: the second time nothing is left to do.
    table = nb.count_folder(images, "nuclei-haematoxylin", out / "results", stain="haematoxylin")
    print(table[["image", "total", "total_low", "total_high", "flag"]].to_string(index=False))
    print(f"together: {table['total'].sum()}")

    # %% Plot.
    figure, (bars, picture) = plt.subplots(1, 2, figsize=(10, 4.2), width_ratios=(3, 2), layout="constrained")
    reach = (table["total"] - table["total_low"], table["total_high"] - table["total"])
    bars.bar(table["image"].str.removeprefix("field-"), table["total"], yerr=reach, capsize=4, color="#7aa6c2")
    bars.set(xlabel="field", ylabel="nuclei, with 90 % interval", title="nuclei of each field")
    picture.imshow(Image.open(out / "results" / "overlays" / "field-5_overlay.png"))
    picture.set(title="field 5")
    picture.axis("off")
    figure.savefig(out / "count_a_folder.png", dpi=110)
    print(out / "count_a_folder.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("count_a_folder"))
    main(parser.parse_args().out)
