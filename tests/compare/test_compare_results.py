"""`compare_conditions` on folders of results: what is pooled, what is flagged, what is refused, what is written."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from results_folder import nested, write_results
from scipy import stats

import neubauer as nb
from neubauer.compare.measure import standard_error
from neubauer.compare.methods import methods
from neubauer.compare.write import FILES, write_comparison
from neubauer.errors import InputError
from neubauer.images.write import write_labels

Z95 = 1.959963984540054


def named(text: str) -> dict[str, dict[str, str]]:
    """`a control s1` in each line: image, condition, sample, and perhaps replicate."""
    rows = [line.split() for line in text.strip().splitlines()]
    keys = ("condition", "sample", "replicate")
    return {row[0]: dict(zip(keys, row[1:], strict=False)) for row in rows}


SIX = named("a wt 1\nb wt 1\nc wt 2\nd ko 3\ne ko 4\nf ko 4")
COUNTS = {name: {"cell": n, "error": 2.0} for name, n in zip("abcdef", (10.0, 14, 20, 30, 40, 48), strict=True)}


def test_images_of_a_sample_are_pooled_first(tmp_path: Path) -> None:
    found = nb.compare_conditions(write_results(tmp_path / "r", COUNTS, SIX))
    samples = found.samples.set_index("sample")
    assert list(samples["value"]) == [12, 20, 30, 44]
    assert list(samples["images"]) == [2, 1, 1, 2]
    assert list(samples["standard_error"]) == pytest.approx([2**0.5, 2, 2, 2**0.5], rel=1e-6)
    assert samples.loc["2", "high"] == pytest.approx(20 + 2 * Z95)
    known = stats.ttest_ind([30, 44], [12, 20], equal_var=False)
    (pair,) = found.pairs.to_dict("records")
    assert (pair["condition"], pair["reference"], pair["difference"], pair["ratio"]) == ("ko", "wt", 21, 37 / 16)
    assert pair["p"] == pytest.approx(known.pvalue)
    assert list(found.conditions["samples"]) == [2, 2]


def test_images_as_replicates_only_on_demand(tmp_path: Path) -> None:
    """A null experiment: images taken for replicates find a difference that samples do not."""
    counts, of = nested(np.random.default_rng(7), {"a": 100, "b": 100}, 3, 8, 15, 4, 3)
    folder = write_results(tmp_path / "r", counts, of)
    by_sample, by_image = (nb.compare_conditions(folder, sample=s).pairs["p"][0] for s in (None, "image"))
    assert by_sample > 0.1
    assert by_image < 0.05
    assert "Each image was taken for a sample of its own" in methods(nb.compare_conditions(folder, sample="image"))


def test_standard_errors_of_counts() -> None:
    z90 = stats.norm.ppf(0.95)
    count, low, high = np.array([50.0, 1.0, 40.0, 3.0]), np.array([40.0, 0.0, 36.0, np.nan]), np.array([60.0, 5, 48, 4])
    assert standard_error(count, low, high) * z90 == pytest.approx([10, 4, 6, np.nan], nan_ok=True)


def test_shares_and_classes(tmp_path: Path) -> None:
    counts = {n: {"RBC": 90.0 + i, "WBC": 10.0 - i, "error": 0.0} for i, n in enumerate("abcdef")}
    folder = write_results(tmp_path / "r", counts, SIX)
    found = nb.compare_conditions(folder, measure="share:WBC").samples
    assert list(found["value"]) == pytest.approx([0.095, 0.08, 0.07, 0.055])
    assert nb.compare_conditions(folder, measure="RBC").samples["value"].iloc[0] == 90.5
    # 10 of 100 cells; an error of 1 in both classes: 0.9 x 1 + 0.1 x 1 cells, of 100
    one = {n: {"RBC": 90.0, "WBC": 10.0, "error": 1.0} for n in "abcdef"}
    found = nb.compare_conditions(write_results(tmp_path / "s", one, SIX), measure="share:WBC").samples
    assert found["standard_error"].iloc[1] == pytest.approx(0.01)
    empty = one | {"c": {"RBC": 0.0, "WBC": 0.0}}
    found = nb.compare_conditions(write_results(tmp_path / "e", empty, SIX), measure="share:WBC")
    assert any("1 sample (2 of wt) without anything to measure share:WBC by" in note for note in found.notes)
    assert any("one replicate only in wt" in note for note in found.notes)


def test_density_by_the_area_of_the_label_images(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "r", COUNTS, SIX)
    (folder / "masks").mkdir()
    for name in "abcdef":
        size = (200, 100 if name == "a" else 300)
        write_labels(folder / "masks" / f"{name}_masks.tif", np.zeros(size, np.int32), (0.5, 0.5))
    found = nb.compare_conditions(folder, measure="density")
    assert found.samples["value"].iloc[0] == pytest.approx(24 / (200 * 400 * 0.25e-6))
    assert found.measure.label == "cells per mm²"
    write_labels(folder / "masks" / "b_masks.tif", np.zeros((200, 300), np.int32))
    found = nb.compare_conditions(folder, measure="density:cell")
    assert found.samples["value"].iloc[0] == pytest.approx(24 / 0.08)
    assert any("the pixel size of 1 of 6 images is not known" in note for note in found.notes)
    (folder / "masks" / "c_masks.tif").unlink()
    with pytest.raises(InputError, match=r"c\.tif: found no such file"):
        nb.compare_conditions(folder, measure="density")


def test_density_in_regions(tmp_path: Path) -> None:
    """The area is that of the regions, nested ones once, and none where there is no region."""
    folder = write_results(tmp_path / "r", COUNTS | {"f": {"cell": 0.0}}, SIX)
    rows = [{"image": n, "level": "region", "parent": "", "area_px": 2e6, "area_mm2": 0.5} for n in "abcde"]
    rows += [rows[0] | {"parent": "stroma"}, rows[0] | {"level": "class"}, rows[1]]
    pd.DataFrame(rows).to_csv(folder / "regions.csv", index=False)
    found = nb.compare_conditions(folder, measure="density")
    assert list(found.samples["value"]) == [24 / 1.5, 20 / 0.5, 30 / 0.5, 40 / 0.5]
    assert any("regions that were counted in" in note for note in found.notes)
    pd.DataFrame(rows).drop(columns="area_mm2").to_csv(folder / "regions.csv", index=False)
    found = nb.compare_conditions(folder, measure="density")
    assert list(found.samples["value"]) == [24 / 6, 20 / 2, 30 / 2, 40 / 2]


def test_columns_of_both_tables(tmp_path: Path) -> None:
    counts = {n: c | {"diameter": 20.0 + i} for i, (n, c) in enumerate(COUNTS.items())}
    folder = write_results(tmp_path / "r", counts, SIX)
    rows = [{"image": n, "class": c, "area": a} for n in "abcdef" for c, a in (("x", 10.0), ("x", 20.0), ("y", 60.0))]
    pd.DataFrame(rows).to_csv(folder / "objects.csv", index=False)
    found = nb.compare_conditions(folder, measure="diameter")
    assert list(found.samples["value"]) == [20.5, 22, 23, 24.5]
    assert any("no intervals of its own" in note for note in found.notes)
    assert nb.compare_conditions(folder, measure="area").samples["value"].iloc[0] == 30
    found = nb.compare_conditions(folder, measure="area:x")
    assert found.samples["value"].iloc[0] == 15
    assert set(found.pairs["note"]) == {"samples without any spread: no p-value"}
    for measure, what in (
        ("area:z", "a class of objects.csv: x, y"),
        ("size", "total, diameter"),
        ("class", "numbers"),
    ):
        with pytest.raises(InputError, match=re.escape(what)):
            nb.compare_conditions(folder, measure=measure)


def test_one_replicate_only(tmp_path: Path) -> None:
    """Said in words; the rest is done."""
    of = named("a wt 1\nb wt 2\nc wt 3\nd ko 4\ne dr 5\nf dr 6")
    folder = write_results(tmp_path / "r", COUNTS, of)
    found = nb.compare_conditions(folder)
    assert any("one replicate only in ko" in note for note in found.notes)
    ko = found.conditions.set_index("condition").loc["ko"]
    assert np.isnan(ko["low"])
    assert ko["counting_low"] == pytest.approx(30 - 2 * Z95)
    pairs = found.pairs.set_index(["condition", "reference"])
    one = pairs.loc[("ko", "wt")]
    assert one["note"] == "one replicate only in ko"
    assert one["difference"] == pytest.approx(30 - 44 / 3)
    assert np.isnan(one[["p", "p_adjusted", "difference_low", "ratio_low", "hedges_g"]].astype(float)).all()
    assert 0 < pairs.loc[("dr", "wt")]["p"] < 1
    for control in ("wt", "ko"):  # Dunnett's test of those that it can be done with
        table = nb.compare_conditions(folder, control=control).pairs.set_index("condition")
        assert np.isnan(table.loc["ko" if control == "wt" else "wt", "p_adjusted"])
    write_comparison(found, tmp_path / "out")


def test_a_control_and_pairs(tmp_path: Path) -> None:
    counts, of = nested(np.random.default_rng(0), {"0": 100, "10": 80, "2": 90}, 4, 2, 5, 4, 2, pairs=40)
    folder = write_results(tmp_path / "r", counts, of)
    found = nb.compare_conditions(folder, control="2")
    assert list(found.conditions["condition"]) == ["2", "0", "10"]  # the control, then in the order of numbers
    groups = [list(part["value"]) for _, part in found.samples.groupby("condition", sort=False)]
    known = stats.dunnett(groups[1], groups[2], control=groups[0], rng=np.random.default_rng(1))
    assert list(found.pairs["p_adjusted"]) == pytest.approx(known.pvalue, abs=2e-3)
    found = nb.compare_conditions(folder, control="2", paired="patient")
    known_pair = stats.ttest_rel(groups[1], groups[0])
    assert found.pairs["p"][0] == pytest.approx(known_pair.pvalue)
    first, second = sorted(found.pairs["p"])
    assert sorted(found.pairs["p_adjusted"]) == pytest.approx(sorted((2 * first, max(2 * first, second))))
    holm = nb.compare_conditions(folder, control="2", correction="holm")
    assert set(holm.pairs["test"]) == {"Welch's t-test"}
    with pytest.raises(InputError, match=r"--control: found '7'; expected a value of condition: 0, 2, 10"):
        nb.compare_conditions(folder, control="7")


def test_a_partner_that_is_missing_is_named(tmp_path: Path) -> None:
    of = {n: {"condition": c, "mouse": m} for n, c, m in zip("abcdef", "xxxyyy", "123124", strict=True)}
    found = nb.compare_conditions(write_results(tmp_path / "r", COUNTS, of), paired="mouse")
    assert found.pairs["samples"][0] == 2
    assert any("2 samples (4, 3) of mouse in one only" in note for note in found.notes)
    assert found.pairs["difference"][0] == pytest.approx((30 + 40) / 2 - (10 + 14) / 2)


def test_what_is_a_replicate(tmp_path: Path) -> None:
    def unit(text: str, **options: str) -> tuple[tuple[str, ...], list[int]]:
        found = nb.compare_conditions(write_results(tmp_path / "r", COUNTS, named(text)), **options)  # type: ignore[arg-type]
        return found.design.unit, list(found.conditions["samples"])

    # wells within biological replicates, which are numbered anew in each condition
    assert unit("a wt 1 1\nb wt 2 1\nc wt 3 2\nd ko 4 1\ne ko 5 2\nf ko 6 2") == (("replicate",), [2, 2])
    # several measurements of a sample are no replicates
    text = "a wt 1 1\nb wt 1 2\nc wt 2 1\nd ko 3 1\ne ko 4 1\nf ko 4 2"
    assert unit(text) == (("sample",), [2, 2])
    assert unit(text, sample="sample,replicate") == (("sample", "replicate"), [3, 3])


@pytest.mark.parametrize(
    ("text", "options", "what"),
    [
        ("a wt 1\nb wt 1\nc wt 2\nd ko 1\ne ko 3\nf ko 3", {}, "sample '1': found condition 'wt' and 'ko'"),
        (
            "a wt 1\nb wt 1\nc wt 2\nd ko 1\ne ko 3\nf ko 3",
            {"by": "dose"},
            "--by: found 'dose'; expected one of condition",
        ),
        ("a wt 1\nb ko 2", {"sample": "mouse"}, "--sample: found 'mouse'"),
        ("a wt 1\nb ko 2", {"paired": "mouse"}, "--paired: found 'mouse'"),
        ("a wt\nb ko", {}, "no column sample, replicate or well"),
        ("a wt 1\nb ko 2", {"measure": "share:q"}, "--measure: found 'share:q'; expected one of share:cell"),
        ("a wt 1\nb ko 2", {"method": "guess"}, "--method"),
        ("a wt 1\nb wt 2\nc ko 3\nd ko 4", {"method": "mixed"}, "one image of each sample"),
        ("a wt 1\nb ko 2", {"correction": "luck"}, "--correction"),
        ("a wt 1\nb ko 2", {"level": 95.0}, "--level"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, options: dict[str, object], what: str) -> None:
    folder = write_results(tmp_path / "r", COUNTS, named(text))
    with pytest.raises(InputError, match=re.escape(what)):
        nb.compare_conditions(folder, **options)  # type: ignore[arg-type]


def test_the_same_name_in_both_conditions_has_two_ways_out(tmp_path: Path) -> None:
    of = named("a wt 1\nb wt 1\nc wt 2\nd ko 1\ne ko 2\nf ko 2")
    folder = write_results(tmp_path / "r", COUNTS, of)
    assert list(nb.compare_conditions(folder, sample="condition,sample").conditions["samples"]) == [2, 2]
    assert nb.compare_conditions(folder, paired="sample").pairs["test"][0] == "paired t-test"


def test_flags_name_what_is_left_out(tmp_path: Path) -> None:
    of = SIX | {"a": {"condition": "", "sample": "1"}, "g": {"condition": "ko", "sample": "4"}}
    counts = COUNTS | {"b": COUNTS["b"] | {"flag": "objects and density disagree"}}
    found = nb.compare_conditions(write_results(tmp_path / "r", counts, of, failed=["g"]))
    notes = "\n".join(found.notes)
    assert "1 image (a) without condition: left out" in notes
    assert "1 image (g) not counted; see failed.csv" in notes
    assert "1 image (b) flagged in counts.csv" in notes
    assert list(found.samples["flagged"]) == [1, 0, 0, 0]
    assert found.samples["images"].sum() == 5


def test_several_folders(tmp_path: Path) -> None:
    files = {name: f"/day2/{name}.tif" for name in COUNTS}
    first = write_results(tmp_path / "one", COUNTS, SIX)
    second = write_results(
        tmp_path / "two",
        COUNTS,
        {n: c | {"sample": c["sample"] + "x"} for n, c in SIX.items()},
        files=files,
        model="other",
    )
    found = nb.compare_conditions([first, second])
    assert list(found.conditions["samples"]) == [4, 4]
    assert any("2 different models" in note for note in found.notes)
    with pytest.raises(InputError, match=r"the image /data/a\.tif, which .*one has too"):
        nb.compare_conditions([first, write_results(tmp_path / "three", COUNTS, SIX)])
    bare = write_results(tmp_path / "bare", COUNTS)
    with pytest.raises(InputError, match=r"bare: found no samples\.csv"):
        nb.compare_conditions(bare)
    with pytest.raises(InputError, match=r"a folder that `neubauer count` wrote"):
        nb.compare_conditions(tmp_path)


def test_the_mixed_model_and_unequal_samples(tmp_path: Path) -> None:
    found = nb.compare_conditions(write_results(tmp_path / "r", COUNTS, SIX), method="mixed")
    assert found.pairs["test"][0] == "mixed model"
    assert found.pairs["df"][0] == 2
    assert "MixedLM" in methods(found)


def test_what_is_written(tmp_path: Path) -> None:
    counts, of = nested(np.random.default_rng(3), {"wt": 50, "=ko": 30}, 3, 2, 5, 4, 2)
    found = nb.compare_conditions(write_results(tmp_path / "r", counts, of))
    out = write_comparison(found, tmp_path / "out")
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert "'=ko" in (out / "pairs.csv").read_text()
    assert list(pd.read_csv(out / "samples.csv").columns)[:8] == [
        *("condition", "sample", "images", "flagged", "value", "low", "high", "standard_error")
    ]
    assert "patient" in pd.read_csv(out / "samples.csv")
    text = (out / "methods.txt").read_text()
    for part in ("neubauer", "scipy", "wt: n = 3, 6 images", "Welch's t-test", "model m"):
        assert part in text
    with Image.open(out / "plot.png") as picture:
        assert min(picture.size) > 500
    svg = (out / "plot.svg").read_text()
    assert all(word in svg for word in ("cells per image", "=ko", "n = 3"))
    before = {name: (out / name).read_bytes() for name in FILES}
    write_comparison(found, out)
    assert {name: (out / name).read_bytes() for name in FILES} == before
