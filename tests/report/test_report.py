"""A report of results: whole, harmless, the same for the same results, and true to the tables."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import neubauer as nb
from neubauer.cells.draw.thumbnail import thumbnail
from neubauer.errors import InputError
from neubauer.report.checks import remarks, trends
from neubauer.report.methods import methods
from neubauer.report.results import Results, read_results
from neubauer.runs.glance import glance_files

HOSTILE = "<img src=x onerror=alert(1)>&\"'</script><script>alert(2)</script>"
SETTINGS = {"neubauer": "0.1.0", "verb": "count", "model": "mine", "model_sha256": "0123", "diameter": None}
SESSION = {
    "started": "2026-03-04T05:06:07+00:00",
    "ended": "2026-03-04T05:07:07+00:00",
    "machine": {"python": "3.12.1", "torch": "2.9.0"},
}


def make(folder: Path, n: int = 12, names: dict[int, str] | None = None, focus: list[float] | None = None) -> Path:
    """Results of `n` images of two classes; the second one is flagged, the fourth has no cells."""
    (folder / "parts").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({**SETTINGS, "images": {}, "sessions": [SESSION]}))
    counts = ["image,file,RBC,RBC_low,RBC_high,WBC,WBC_low,WBC_high,total,total_low,total_high,flag,diameter"]
    objects = ["image,label,class,probability,equivalent_diameter_area"]
    quality = ["image,focus,spectral_slope,saturated_low,saturated_high,unevenness,intensity"]
    for i in range(n):
        name = (names or {}).get(i, f"i{i:02d}")
        quoted = '"' + name.replace('"', '""') + '"'
        rbc, wbc = (0, 0) if i == 3 else (10 + i % 3, 2)
        flag = "objects (10) and density (15.2) disagree; all pixels are the same" if i == 1 else ""
        counts.append(f"{quoted},{quoted},{rbc},{rbc - 1},{rbc + 2},{wbc},,,{rbc + wbc},{rbc},{rbc + 5},{flag},20.5")
        objects += [f"{quoted},{k},{'RBC' if k < rbc else 'WBC'},0.9,{15 + k}" for k in range(rbc + wbc)]
        quality.append(
            f"{quoted},{focus[i] if focus else 0.1 + 0.001 * (i % 5)},-4,0,0.0{'3' if i == 5 else '0'},.1,90"
        )
        for file in glance_files(name):
            (folder / file).write_bytes(thumbnail(Image.new("RGB", (40, 30), (i, 0, 0))))
    for table, lines in (("counts", counts), ("objects", objects), ("quality", quality)):
        (folder / f"{table}.csv").write_text("\n".join(lines) + "\n")
    return folder


class Parsed(HTMLParser):
    """What a browser would make of a page: elements, the text of cells, and all that could come from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.elsewhere: list[str] = []
        self.handlers: list[str] = []
        self.texts: list[str] = []
        self.stack: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.stack.append(tag)
        for name, value in attrs:
            if name.startswith("on"):
                self.handlers.append(name)
            if name in ("src", "href") and not str(value).startswith("#"):
                self.elsewhere.append(str(value))

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] not in ("script", "style"):
            self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        while self.stack and self.stack.pop() != tag:
            pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path / "my <results>")


def test_one_file_that_says_what_the_tables_say(folder: Path) -> None:
    (file,) = nb.write_report(folder)
    assert file == folder / "report.html"
    text = file.read_text(encoding="utf-8")
    page = Parsed(text)
    assert page.elsewhere == []
    assert not re.search(r"url\(|@import|https?://(?!www\.w3)", text)
    assert "Content-Security-Policy" in text
    said = " ".join(" ".join(page.texts).split())
    assert "12 [10–15]" in said
    assert "objects (10) and density (15.2) disagree" in said
    assert "3.0 % of the pixels are cut off at the bright end" in said
    assert "Counted on 4 March 2026 with neubauer 0.1.0, model mine" in said
    assert page.tags.count("svg") == 1 + 2 + 4 + 2, "counts in order; per class; sizes and probabilities; two measures"
    assert text.count('role="img" aria-label="') == page.tags.count("svg")
    pictures = json.loads(re.search(r'id="pictures">(.*?)</script>', text)[1])
    assert len(pictures) == 12
    assert all(len(pair) == 2 and all(pair) for pair in pictures)
    for order, name in enumerate(re.findall(r'<tr data-i="(\d+)"', text)):
        assert int(name) == order


def test_names_cannot_run(tmp_path: Path) -> None:
    names = {0: HOSTILE.replace("/", "|"), 2: "=1+1", 4: "a & b"}
    folder = make(tmp_path / HOSTILE.replace("/", "|"), names=names)
    (folder / "failed.csv").write_text(f'image,reason\nx,"{HOSTILE.replace(chr(34), chr(34) * 2)}"\n')
    nb.write_report(folder)
    page = Parsed((folder / "report.html").read_text(encoding="utf-8"))
    assert "img" not in page.tags
    assert page.handlers == []
    assert page.tags.count("script") == 2
    assert {names[0], "=1+1", "a & b", HOSTILE} <= {text.strip() for text in page.texts}


def test_the_same_results_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "again" / folder.name)
    first = [file.read_bytes() for file in nb.write_report(folder, pdf=True)]
    assert [file.read_bytes() for file in nb.write_report(tmp_path / "again" / folder.name, pdf=True)] == first
    assert first[1].startswith(b"%PDF")


def test_pictures_that_were_not_kept(folder: Path) -> None:
    for file in (folder / "parts").iterdir():
        file.unlink()
    (folder / "quality.csv").unlink()
    (folder / "overlays").mkdir()
    Image.new("RGB", (900, 600)).save(folder / "overlays" / "i02_overlay.png")
    nb.write_report(folder, pdf=True)
    text = (folder / "report.html").read_text(encoding="utf-8")
    pictures = json.loads(re.search(r'id="pictures">(.*?)</script>', text)[1])
    assert [bool(outlined) for _, outlined in pictures] == [i == 2 for i in range(12)]
    assert "Nothing is known of how these images were taken" in text
    assert Parsed(text).elsewhere == []
    assert 'data-o="overlays/i02_overlay.png"' in text


@pytest.mark.parametrize("n", [0, 1])
def test_few_images(n: int, tmp_path: Path) -> None:
    nb.write_report(make(tmp_path / "few", n), pdf=True)
    text = " ".join(Parsed((tmp_path / "few" / "report.html").read_text(encoding="utf-8")).texts)
    assert "too few images to look for a drift" in text or not n


def test_what_is_no_results_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        nb.write_report(tmp_path / "gone")
    with pytest.raises(InputError, match=r"no run\.json"):
        nb.write_report(tmp_path)
    (folder / "report.html").write_text("mine")
    with pytest.raises(InputError, match="no report of this program"):
        nb.write_report(folder)
    assert (folder / "report.html").read_text() == "mine"
    (folder / "report.html").unlink()
    (folder / "counts.csv").write_text("image\n\x00")
    with pytest.raises(InputError, match="tables that cannot be read"):
        nb.write_report(folder)
    (folder / "run.json").write_text(json.dumps({**SETTINGS, "verb": "classify", "images": {}, "sessions": []}))
    with pytest.raises(InputError, match="results of `neubauer classify`"):
        nb.write_report(folder)


def read(folder: Path, **options: object) -> Results:
    return read_results(make(folder, **options))  # type: ignore[arg-type]


def test_a_blurred_image_stands_out_and_a_run_of_blurred_ones_does_not(tmp_path: Path) -> None:
    sharp = [0.1 + 0.002 * (i % 5) for i in range(20)]
    said = remarks(read(tmp_path / "a", n=20, focus=[*sharp[:7], 0.01, *sharp[8:]]))
    assert ["sharp" in " ".join(of_image) for of_image in said.of_images] == [i == 7 for i in range(20)]
    said = remarks(read(tmp_path / "b", n=20, focus=[value / 20 for value in sharp]))
    assert not any("sharp" in " ".join(of_image) for of_image in said.of_images)


def test_what_most_images_have_is_said_once(tmp_path: Path) -> None:
    folder = make(tmp_path / "r")
    table = (folder / "quality.csv").read_text().replace(",.1,90", ",.4,90", 10)
    (folder / "quality.csv").write_text(table)
    said = remarks(read_results(folder))
    assert said.of_run == ["Uneven background: it varies by 40 % of the contrast in the median image, and "
                           "remarkably so in 10 of 12."]  # fmt: skip
    assert sum(map(len, said.of_images)) == 1


def test_drift_is_told_and_noise_is_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.normal(1, 0.1, 40)).tolist()
    falling = (np.linspace(0.2, 0.1, 40) * rng.normal(1, 0.05, 40)).tolist()
    for name, focus, told in (("noise", noise, False), ("falling", falling, True)):
        (sharpness,) = (t for t in trends(read(tmp_path / name, n=40, focus=focus)) if t.name == "sharpness")
        assert sharpness.told is told
    assert re.match(r"falls by (6\d|7\d) % over the run \(Kendall's τ −0\.\d+, p < 0\.001\)", sharpness.words)
    assert sharpness.start == pytest.approx(0.2, rel=0.05)
    assert sharpness.end == pytest.approx(0.1, rel=0.1)


def test_the_paragraph_names_what_was_done(folder: Path) -> None:
    record = json.loads((folder / "run.json").read_text())
    about = methods(read_results(folder))
    assert "Cells in 12 images were counted with neubauer 0.1.0" in about.paragraph
    assert "the model mine (SHA-256 0123)" in about.paragraph
    assert "20.5 pixels in all images" in about.paragraph
    assert "1 image was flagged" in about.paragraph
    assert "on 4 March 2026 with PyTorch 2.9.0" in about.paragraph
    (folder / "run.json").write_text(json.dumps(record | {"diameter": 24.0, "stain": "haematoxylin", "project": "max"}))
    paragraph = methods(read_results(folder)).paragraph
    assert "The typical cell diameter was set to 24 pixels." in paragraph
    assert "The stain haematoxylin was separated" in paragraph
    assert "reduced to their max projection" in paragraph
    bounded = record | {"regions": "tissue", "min_area": "20um2", "min_probability": 0.5}
    (folder / "run.json").write_text(json.dumps(bounded))
    paragraph = methods(read_results(folder)).paragraph
    assert "Cells were counted in the tissue, which the program found." in paragraph
    assert "by these rules count: an area of at least 20um2, a probability of at least 0.5." in paragraph


def test_a_bundled_model_is_cited_by_its_card(folder: Path) -> None:
    from neubauer.models.shared.bundled import resolve
    from neubauer.runs.digests import file_digest

    record = json.loads((folder / "run.json").read_text())
    for digest, cited in ((file_digest(resolve("blood-smear")), True), ("other", False)):
        changed = record | {"model": "blood-smear", "model_sha256": digest, "model_licence": "MIT: BCCD"}
        (folder / "run.json").write_text(json.dumps(changed))
        about = methods(read_results(folder))
        assert any("BCCD" in text for _, text in about.citations) is cited
        assert ("trained on BCCD" in about.paragraph) is cited
        assert (about.limits is not None) is cited
        assert about.licence == "MIT: BCCD"


def test_the_citation_is_that_of_the_project() -> None:
    from neubauer.report import methods as module

    text = (Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8")
    assert f'title: "{module.TITLE}"' in text
    assert f"name: {module.AUTHORS}" in text
    assert f"date-released: {module.RELEASED}" in text
