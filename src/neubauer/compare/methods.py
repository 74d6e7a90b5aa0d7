"""A paragraph for the methods section of a paper."""

from __future__ import annotations

import platform
from importlib.metadata import version

from neubauer.compare.compare import Comparison
from neubauer.compare.pairs import DUNNETT, MIXED
from neubauer.compare.samples import IMAGE
from neubauer.compare.tests import CORRECTIONS
from neubauer.models.counter.interval import LEVEL
from neubauer.version import __version__

LIBRARIES = ("numpy", "scipy", "pandas", "statsmodels", "matplotlib")


def methods(found: Comparison) -> str:
    """What was done, in sentences, with the versions of the libraries; below it the notes."""
    unit = " and ".join(found.design.unit)
    measure = (
        found.measure.name
        if found.measure.name == found.measure.label
        else (f"{found.measure.label} ({found.measure.name})")
    )
    n = "; ".join(f"{row.condition}: n = {row.samples}, {row.images} images" for row in found.conditions.itertuples())
    sentences = [
        f"Cells were counted with {' and '.join(found.made_by)}. Compared was: {measure}, by {found.design.by}.",
        f"The unit of replication was {unit} ({n}).",
        "Each image was taken for a sample of its own."
        if IMAGE in found.design.unit
        else "Images of one unit were pooled first; neither images nor cells were taken for replicates.",
        _of_counting() if (found.samples["standard_error"] > 0).any() else "",
        _of_means(found),
        _of_p(found),
    ]
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    sentences.append(f"Computed with neubauer {__version__}, Python {platform.python_version()}, {versions}.")
    text = " ".join(sentence for sentence in sentences if sentence)
    if found.notes:
        text += "\n\nTo be known of these data:\n" + "\n".join(f"- {note}" for note in found.notes)
    return text + "\n"


def _of_counting() -> str:
    return (
        f"The {100 * LEVEL:g} % interval of each count was taken for that of a normal distribution, and the errors of "
        "different images for independent. The variance between units was estimated as that of their values less the "
        "mean variance of counting, and at least 0; the variance of a mean is the sum of both, over n."
    )


def _of_means(found: Comparison) -> str:
    percent = f"{100 * found.level:g} %"
    if found.design.paired is not None:
        return (
            f"Conditions were compared within {found.design.paired} by paired t-tests. Intervals are {percent} by "
            "Student's t-distribution, of ratios of means on the logarithm (delta method). Hedges' g is the mean "
            "difference over the root of the mean of both variances, corrected for small samples."
        )
    if found.method == MIXED:
        means = (
            "Means and differences are those of a linear mixed model of the images with a mean for each condition and "
            "a random intercept for each unit (REML, statsmodels MixedLM), tested by t-distributions with as many "
            f"degrees of freedom as there are units less conditions. Intervals are {percent}"
        )
    elif found.correction == DUNNETT:
        means = f"Intervals of means are {percent} by Student's t-distribution"
    else:
        means = (
            f"Conditions were compared by Welch's t-test of the values of their units. Intervals are {percent} by "
            "Student's t-distribution"
        )
    return (
        f"{means}, of ratios of means on the logarithm (delta method), of Hedges' g by the noncentral t-distribution."
    )


def _of_p(found: Comparison) -> str:
    number = int(found.pairs["p"].notna().sum())
    if not number:
        return "No p-value was computed (pairs.csv says why)."
    if found.correction == DUNNETT:
        return (
            f"Each condition was compared with {found.control} by Dunnett's test (scipy.stats.dunnett), which takes "
            "all variances for equal; adjusted p-values and intervals of differences are simultaneous."
        )
    which = f"comparisons with {found.control}" if found.control else "pairs of conditions"
    made = f"The two-sided p-values are of {number} {which}" if number > 1 else "The p-value is two-sided"
    return f"{made}, with {CORRECTIONS[found.correction]}. Intervals are not simultaneous."
