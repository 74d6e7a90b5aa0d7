"""How good a generator is, measured against real images."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from neubauer.errors import InputError
from neubauer.gan.data.images import ImageSet
from neubauer.metrics.features import ClassifierEncoder, RandomEncoder
from neubauer.metrics.generation import generation_metrics
from neubauer.models.generator.sample import TrainedGenerator


def evaluate_samples(
    generator: TrainedGenerator, real: ImageSet, *, n: int = 1000, seed: int = 0, encoder: str = "auto"
) -> dict[str, Any]:
    """Metrics of samples against real images, in features that suit them.

    Parameters
    ----------
    generator : a fitted generator.
    real : real images of the same shape. Where they have classes, a classifier is trained on half of them, and the
        other half is compared.
    n : generated images, and real ones at most.
    seed : of samples, encoder and halves.
    encoder : `classifier`, `random`, or `auto`: the classifier where there are classes.

    Returns
    -------
    `encoder`, `n_real`, `n_fake`, `metrics` (each with `value`, `low`, `high`) and, for a class-conditional generator
    with the classifier, `class_accuracy`: how often a sample is taken for what it was asked to be; and
    `class_accuracy_real`, the same for real images.

    Raises
    ------
    InputError : another shape, an unknown encoder, classes missing, or too few images.
    """
    if real.shape != generator.shape:
        raise InputError("real images", f"shape {real.shape}", f"{generator.shape}, as the generator makes")
    if encoder == "auto":
        encoder = "classifier" if len(real.classes) > 1 else "random"
    if encoder not in ("classifier", "random"):
        raise InputError("encoder", repr(encoder), "auto, classifier or random")
    if encoder == "classifier" and len(real.classes) < 2:
        raise InputError(
            "encoder", "classifier, but no classes", "one sub-folder of images per class; or encoder random"
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(real))
    known, compared = order[: len(real) // 2], order[len(real) // 2 :][:n]
    fit_on, against = real.batch(known, rng), real.batch(compared, rng)
    z = generator.latents(n, seed)
    labels = torch.arange(n) % len(generator.classes) if generator.classes else None
    samples = generator.generate(z, labels)
    result: dict[str, Any] = {"encoder": encoder, "n_real": len(compared), "n_fake": n}
    encode: ClassifierEncoder | RandomEncoder
    if encoder == "classifier":
        encode = ClassifierEncoder(fit_on["image"], fit_on["class"].numpy(), seed=seed)
        result["class_accuracy_real"] = float((encode.classify(against["image"]) == against["class"].numpy()).mean())
        if labels is not None and generator.classes == real.classes:
            result["class_accuracy"] = float((encode.classify(samples) == labels.numpy()).mean())
    else:
        encode = RandomEncoder(fit_on["image"], seed=seed)
    estimates = generation_metrics(encode(against["image"]), encode(samples), seed=seed)
    return result | {"metrics": {name: asdict(estimate) for name, estimate in estimates.items()}}
