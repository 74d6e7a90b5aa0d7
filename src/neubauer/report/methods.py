"""What was counted with what, as a paragraph for a paper; whom to cite; versions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from neubauer.models.shared.bundled import BundledModel, bundled
from neubauer.report.results import Results
from neubauer.runs.digests import file_digest
from neubauer.runs.exports import begun

AUTHORS, RELEASED = "The neubauer developers", "2026"
TITLE = "neubauer: count and classify cells in microscope images, with adversarial networks that spare the annotation"
"""As in CITATION.cff."""
CONFORMAL = (
    "Lei J, G'Sell M, Rinaldo A, Tibshirani RJ, Wasserman L. Distribution-free predictive inference for regression. "
    "Journal of the American Statistical Association 113:1094-1111, 2018."
)
UNET = (
    "Ronneberger O, Fischer P, Brox T. U-Net: convolutional networks for biomedical image segmentation. MICCAI 2015, "
    "LNCS 9351:234-241."
)
PLAIN = ("neubauer", "verb")
"""Settings that are said elsewhere."""


@dataclass(frozen=True)
class Methods:
    """What a reader has to know.

    Attributes
    ----------
    paragraph : to be pasted into a paper.
    citations : what for, and the reference.
    versions : of programs and models, name and value.
    settings : all options of the run, name and value.
    licence : of the model's data, or None.
    limits : what its card warns of, or None.
    counted_on : when the last call of the run began.
    """

    paragraph: str
    citations: list[tuple[str, str]]
    versions: list[tuple[str, str]]
    settings: list[tuple[str, str]]
    licence: str | None
    limits: str | None
    counted_on: date


def methods(results: Results) -> Methods:
    """Describe a run by its record."""
    settings, made = results.record.settings, begun(results.record)
    card = _card(settings.get("model"), settings.get("model_sha256"))
    refined = _card(settings.get("classifier"), settings.get("classifier_sha256"))
    version = str(settings.get("neubauer"))
    citations = [("program", f"{AUTHORS}. {TITLE}. Version {version}, {RELEASED}.")]
    for name, found in ((settings.get("model"), card), (settings.get("classifier"), refined)):
        if found is not None and (data := _line(found, "Data")):
            citations.append((f"data that {name} has learnt from", data))
    citations += [("network", UNET), ("intervals", CONFORMAL)]
    machine = _machine(results)
    versions = [("neubauer", version), ("model", _named(settings, "model"))]
    versions += [("classifier", _named(settings, "classifier"))] if settings.get("classifier") else []
    versions += [
        (key, str(machine[key])) for key in ("python", "torch", "system", "processor", "device") if key in machine
    ]
    licence = settings.get("model_licence")
    return Methods(
        _paragraph(results, made, card),
        citations,
        versions,
        [(key, _text(value)) for key, value in settings.items() if key not in PLAIN],
        None if licence is None else str(licence),
        None if card is None else _line(card, "Limits"),
        made.date(),
    )


def _paragraph(results: Results, made: datetime, card: BundledModel | None) -> str:
    settings, counts = results.record.settings, results.counts
    n = len(counts)
    sentences = [
        f"Cells in {n:,} image{'' if n == 1 else 's'} were counted with neubauer {settings.get('neubauer')} "
        f"({AUTHORS}, {RELEASED}) and {_model(settings, card)}."
    ]
    sentences += _reading(settings)
    sentences += [_diameter(settings, counts), *_kept(settings)]
    if settings.get("classifier"):
        told = ", ".join(settings.get("classify") or ())
        sentences.append(
            f"Cells of the class {told} were told apart by the classifier {_named(settings, 'classifier')}."
        )
    sentences.append(
        "Counts are given with 90 % prediction intervals by split conformal prediction on validation images of the "
        "model (Lei et al., 2018), widened where an image is unlike those that the model has learnt."
    )
    flagged, failed = int((counts["flag"] != "").sum()), len(results.failed)
    sentences.append(
        f"{_number(flagged)} image{' was' if flagged == 1 else 's were'} flagged by the program to be checked by eye"
        + (f", and {failed:,} could not be counted." if failed else ".")
    )
    machine = _machine(results)
    torch = f" with PyTorch {machine['torch']}" if "torch" in machine else ""
    return " ".join([*sentences, f"The counts were made on {made:%d %B %Y}{torch}.".replace(" on 0", " on ")])


def _model(settings: dict[str, Any], card: BundledModel | None) -> str:
    if card is None:
        return f"the model {_named(settings, 'model')}"
    data = _line(card, "Data")
    return f"its bundled model {_named(settings, 'model')}" + (f", trained on {data.rstrip('.')}" if data else "")


def _reading(settings: dict[str, Any]) -> list[str]:
    """What was made of the images first."""
    said = {
        "project": "Stacks were reduced to their {} projection.",
        "frame": "Of each stack, image {} was taken (from 0).",
        "channel": "The channel {} was looked at.",
        "stain": "The stain {} was separated by colour deconvolution.",
        "adapt_from": "Images were first carried to the kind that the model knows by the translator {}.",
        "repaired": "Missing parts of the images had been filled in.",
    }
    return [text.format(settings[key]) for key, text in said.items() if settings.get(key) is not None]


def _kept(settings: dict[str, Any]) -> list[str]:
    """Where was counted, and which cells."""
    sentences = []
    if settings.get("regions") is not None:
        tissue = settings["regions"] == "tissue"
        where = "in the tissue, which the program found" if tissue else "in regions that were drawn"
        sentences.append(f"Cells were counted {where}.")
    bounds = {"min_area": "an area of at least {}", "max_area": "an area of at most {}"}
    bounds |= {"min_probability": "a probability of at least {}", "border": "the border rule “{}”"}
    said = [text.format(settings[key]) for key, text in bounds.items() if settings.get(key) is not None]
    return [*sentences, f"Only cells by these rules count: {', '.join(said)}."] if said else sentences


def _diameter(settings: dict[str, Any], counts: pd.DataFrame) -> str:
    if settings.get("diameter") is not None:
        return f"The typical cell diameter was set to {settings['diameter']:g} pixels."
    found = pd.to_numeric(counts["diameter"], errors="coerce").dropna()
    if found.empty:
        return "The typical cell diameter was estimated for each image by the program."
    if found.min() == found.max():
        return f"The typical cell diameter was found by the program, {found.min():.3g} pixels in all images."
    spread = f" (median {found.median():.3g} pixels, {found.min():.3g} to {found.max():.3g})"
    return f"The typical cell diameter of each image was found by the program{spread}."


def _named(settings: dict[str, Any], key: str) -> str:
    return f"{settings.get(key)} (SHA-256 {settings.get(f'{key}_sha256')})"


def _card(name: Any, sha256: Any) -> BundledModel | None:
    """The card of a bundled model, if it is the very one."""
    return next((m for m in bundled() if m.name == name and file_digest(m.path) == sha256), None)


def _line(card: BundledModel, key: str) -> str | None:
    """What a card says under `**Key`, to the end of its paragraph, without marks."""
    for block in card.card.replace("\n- ", "\n\n- ").split("\n\n"):
        text = " ".join(block.split()).removeprefix("- ")
        if text.startswith(f"**{key}"):
            said = text.replace("**", "").replace("`", "").removeprefix(key).lstrip(": ").strip()
            return said[:1].upper() + said[1:]
    return None


def _machine(results: Results) -> dict[str, Any]:
    sessions = results.record.sessions
    found = sessions[-1].get("machine") if sessions else None
    return found if isinstance(found, dict) else {}


def _number(n: int) -> str:
    return "No" if n == 0 else f"{n:,}"


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
