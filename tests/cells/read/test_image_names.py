import pytest

from neubauer.cells.read.image_names import ImageNames


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("a.png", "a.png"),
        ("a.png", "a.tif"),
        ("folder/a.png", "images/a.png"),
        (r"C:\data\a.png", "a.png"),
        ("/data/a#1.png", "a#1.png"),
        ("https://host/x/a%20b.png?token=1", "a b.png"),
        ("http://host/data/upload/1/0a1b2c3d-a.png", "a.png"),
        ("/data/upload/1/0a1b2c3d-a.png", "a.tif"),
        ("/data/local-files/?d=plates%2Fone/a.png", "a.png"),
        ("0a1b2c3d-my_image_1.png", "my image (1).png"),
        ("0a1b2c3d-a.png", "0a1b2c3d-a.png"),
        ("a.ome.tif", "a.png"),
    ],
)
def test_images_are_found(name, image):
    assert ImageNames(["other.png", name]).find(image) == [1]


@pytest.mark.parametrize("name", ["b.png", "aa.png", "0a1b2c3d-aa.png", "zzzzzzzz-a.png", ""])
def test_others_are_not(name):
    assert ImageNames([name]).find("a.png") == []


def test_the_whole_name_goes_before_the_stem_and_that_before_an_upload():
    names = ImageNames(["0a1b2c3d-a.png", "a.tif", "a.png"])
    assert names.find("a.png") == [2]
    assert names.find("a.jpg") == [1, 2]
    assert ImageNames(["0a1b2c3d-a.png", "a.tif"]).find("a.jpg") == [1]


def test_folders_tell_images_of_one_name_apart():
    names = ImageNames(["p1/w1/a.png", "p2/w1/a.png", "p2/w2/a.png"])
    assert names.find("x/p2/w1/a.png") == [1]
    assert names.find("x/p2/w2/a.png") == [2]
    assert names.find("w1/a.png") == [0, 1]
    assert names.find("a.png") == [0, 1, 2]
