"""The files that docs/extending.md shows, installed as a package outside, do what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
BLOCK = re.compile(r'^```(?:python|toml) title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)

USE = """
from pathlib import Path
import numpy as np
import neubauer as nb
from neubauer.cells.write.formats import FORMATS
from neubauer.images.find import find_images
from neubauer.recipes import load_recipe

scene = np.full((96, 96), 200, np.uint16)
for i, (y, x) in enumerate([(20, 20), (20, 60), (60, 30), (70, 75)]):
    scene[y - 6 : y + 6, x - 6 : x + 6] = 3000
Path("images").mkdir()
Path("images/field.pgm").write_bytes(b"P5 96 96 65535\\n" + scene.astype(">u2").tobytes())
assert (nb.open_image("images/field.pgm").read() == scene).all()
assert [f.name for f in find_images(["images"])] == ["field.pgm"]
Path("images/field.pgm").write_bytes(b"P5 96 96 65535\\n")
try:
    nb.open_image("images/field.pgm")
except nb.InputError as error:
    assert "field.pgm: found a grey map that ends early" in str(error)
else:
    raise AssertionError("no error")
Path("images/field.pgm").write_bytes(b"P5 96 96 65535\\n" + scene.astype(">u2").tobytes())

from neubauer.cells.read.load import load_annotation
from neubauer.cells.read.match import match_annotations
Path("field.circles").write_text("%circles\\nround 20 20 6\\nround 60 30 6\\n")
(pair,) = match_annotations([Path("images/field.pgm")], ".", "masks").pairs
assert load_annotation(*pair, "masks", (96, 96)).counts() == {"round": 2}

counted = nb.count_folder("images", "nuclei-fluorescence", "out", formats=["centres"], diameter=14)
rows = Path("out/centres/field.tsv").read_text().splitlines()
assert rows[0].split("\\t") == ["class", "centroid-0", "centroid-1"]
assert len(rows) == 5 and counted["total"][0] == 4, (rows, counted)

images = np.random.default_rng(0).integers(0, 255, (16, 1, 8, 8), np.uint8)
quiet = {"training": {"batch_size": 8, "preview_every": 0, "monitor": {"every": 0}}}
generator = nb.ImageGenerator("softplus", quiet).fit(images, steps=2)
assert type(generator.game).__name__ == "SoftplusGan" and generator.sample(2).shape == (2, 1, 8, 8)
assert type(nb.load(generator.save("g.safetensors")).game).__name__ == "SoftplusGan"

from toys.otsu import OtsuCounter
file = OtsuCounter().fit("images/field.pgm").save("otsu.safetensors")
assert type(nb.load(file)) is OtsuCounter and nb.load(file).predict(scene) == 4
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder for the path of Python, in which the page's package lies as if it were installed."""
    blocks = dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    assert set(blocks) == {
        "pyproject.toml",
        *(f"toys/{n}" for n in ("reader.py", "marks.py", "centres.py", "softplus_gan.py", "softplus.toml", "otsu.py")),
    }
    (tmp_path / "toys").mkdir()
    (tmp_path / "toys" / "__init__.py").write_text("")
    info = tmp_path / "toys-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    points = re.sub(r'\[project\.entry-points\."(.*?)"\]', r"[\1]", blocks.pop("pyproject.toml")).replace('"', "")
    (info / "entry_points.txt").write_text(points)
    for name, text in blocks.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_what_the_page_adds_can_be_used(site: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    work = tmp_path_factory.mktemp("work")
    code = f"import sys; sys.path.insert(0, {str(site)!r})\n{USE}"
    result = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code], cwd=work, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
