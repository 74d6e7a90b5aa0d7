"""Of which sample an image is: tables, patterns, wells, maps of plates; what is wrong with them is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neubauer.compare.pattern import Pattern
from neubauer.compare.samples import samples_of
from neubauer.compare.wells import parse_well
from neubauer.errors import InputError
from neubauer.runs.job import Item


def items(*paths: str) -> list[Item]:
    return [Item(Path(path).stem, Path("/data") / path) for path in paths]


def table(tmp_path: Path, text: str, name: str = "samples.csv") -> str:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return str(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("A1", ("A", 1)),
        ("a01", ("A", 1)),
        ("H12", ("H", 12)),
        ("P24", ("P", 24)),
        ("AF48", ("AF", 48)),
        ("AG1", None),
        ("A49", None),
        ("A0", None),
        ("sample", None),
    ],
)
def test_wells(name: str, expected: tuple[str, int] | None) -> None:
    assert parse_well(name) == expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        (
            "{condition}/{sample}_{replicate}.tif",
            "drug/m1_2.tif",
            {"condition": "drug", "sample": "m1", "replicate": "2"},
        ),
        ("{sample}_{well}_*.tif", "plate_2_B03_s1_w1.tif", {"sample": "plate_2", "well": "B03"}),
        ("{sample}_{well}_*", "p_P24_x.ome.tif", {"sample": "p", "well": "P24"}),
        ("{sample}", "m1.ome.tif", {"sample": "m1"}),
        (r"{sample:\w+}_{replicate:\d{2}}", "a_1_02.png", {"sample": "a_1", "replicate": "02"}),
        ("{condition}/*/{sample}", "ko/2024/m1.tif", {"condition": "ko", "sample": "m1"}),
        ("x{sample}?.tif", "y1.tif", None),
        ("{condition}[1].tif", "a[1].tif", {"condition": "a"}),
    ],
)
def test_patterns(pattern: str, path: str, expected: dict[str, str] | None) -> None:
    assert Pattern(pattern).match(Path("/data") / path) == expected


def test_a_name_that_can_be_read_in_two_ways_is_refused() -> None:
    with pytest.raises(InputError, match=r"m_1_2\.tif.*sample=m, replicate=1_2 or sample=m_1, replicate=2"):
        Pattern("{sample}_{replicate}.tif").match(Path("m_1_2.tif"))


@pytest.mark.parametrize("pattern", ["{a}_{a}.tif", "{image}.tif", "{a:(}.tif", "{}.tif", "{a b}.tif"])
def test_bad_patterns(pattern: str) -> None:
    with pytest.raises(InputError, match=r"--samples"):
        Pattern(pattern)


def test_a_table_names_images_in_many_ways(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    found = [Item("a", images / "a.ome.tif"), Item("x_b", Path("/data/x/b.tif")), Item("y_b", Path("/data/y/b.tif"))]
    text = "image;condition;well\nimages/a.ome.tif;ko;a1\nx/b;wt;B12\ny\\b.tif;wt;\n"
    columns = samples_of(found, [table(tmp_path, "\ufeff" + text)]).columns
    assert columns == [
        {"condition": "ko", "well": "A01", "row": "A", "column": "1"},
        {"condition": "wt", "well": "B12", "row": "B", "column": "12"},
        {"condition": "wt", "well": ""},
    ]
    by_name = samples_of(found, [table(tmp_path, "image,s\na,1\nx_b,2\ny_b,3\n")])
    assert [c["s"] for c in by_name.columns] == ["1", "2", "3"]


def test_what_is_missing_or_too_much_is_named(tmp_path: Path) -> None:
    found = samples_of(items("a.tif", "b.tif", "c.tif"), [table(tmp_path, "image,s\na,1\nz.tif,2\na,1\n")])
    assert [c.get("s") for c in found.columns] == ["1", None, None]
    notes = "\n".join(found.notes)
    assert "1 row (a) there twice" in notes
    assert "1 image (z.tif) named that is not there" in notes
    assert "2 images (b, c) in no sample" in notes


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("image,s\na,1\na,2\n", "two rows that differ for the image 'a'"),
        ("image,s\nb,1\n", "the image 'b', which 2 files are called (/data/x/b.tif, /data/y/b.tif)"),
        ("image,s\nq,1\n", "images called 'q' ..."),
        ("file,s\na,1\n", "the columns file, s"),
        ("image,s,s\na,1,2\n", "the columns 'image', 's', 's'"),
        ("image,s\na,1,2\n", "3 cells in the row a, 1, 2"),
        ("image,s\n", "no row"),
        ("", "no row"),
        ("image,well\na,Z99\n", "the well 'Z99'"),
        ("image,well,row\na,B3,C\n", "row 'C' for the well B03"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, what: str) -> None:
    images = [*items("a.tif"), Item("x_b", Path("/data/x/b.tif")), Item("y_b", Path("/data/y/b.tif"))]
    with pytest.raises(InputError, match=re.escape(what)) as error:
        samples_of(images, [table(tmp_path, text)])
    assert "samples.csv" in str(error.value)


def test_no_such_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: found No such file"):
        samples_of(items("a.tif"), [str(tmp_path / "none.csv")])


def test_the_map_of_a_plate_is_joined_by_its_wells(tmp_path: Path) -> None:
    plate = table(tmp_path, "well,condition\na1,dmso\nA02,drug\nA03,drug\n", "plate_map.csv")
    files = items("p_A01_s1.tif", "p_A01_s2.tif", "p_A02_s1.tif", "p_B01_s1.tif")
    found = samples_of(files, [plate, "{plate}_{well}_*.tif"])
    assert [c.get("condition") for c in found.columns] == ["dmso", "dmso", "drug", None]
    assert found.columns[2] == {"plate": "p", "well": "A02", "row": "A", "column": "2", "condition": "drug"}
    assert any("1 row (A03) without an image" in note for note in found.notes)
    with pytest.raises(InputError, match=r"two rows that differ for A01"):
        samples_of(files, ["{plate}_{well}_*.tif", table(tmp_path, "well,condition\nA1,x\nA01,y\n", "twice.csv")])
    with pytest.raises(InputError, match=r"well, condition A01, q .*such as A01, p"):
        samples_of(files, ["{condition}_{well}_*.tif", table(tmp_path, "well,condition\nA1,q\n", "other.csv")])
