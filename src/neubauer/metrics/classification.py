"""How good classes and their probabilities are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from neubauer.metrics.calibration import expected_calibration_error


@dataclass(frozen=True)
class ClassificationScores:
    """Scores of a classifier on images whose class is known.

    Attributes
    ----------
    n : images.
    accuracy : share whose likeliest class is the true one.
    balanced_accuracy : mean recall of the classes that occur.
    auc : area under the curve of each class against the rest, mean of the classes that occur; NaN if one alone does.
    calibration_error : of the probability of the likeliest class (Guo et al., ICML 2017, eq. 3), in 15 bins.
    known : share whose largest probability reaches the threshold.
    accuracy_known : accuracy among these; NaN if there are none.
    per_class : `n`, `precision`, `recall`, `f1` by class; NaN where a class does not occur (recall) or is never given
        (precision).
    confusion : (K, K) images of true class (row) that are given a class (column).
    classes : names of rows and columns.
    """

    n: int
    accuracy: float
    balanced_accuracy: float
    auc: float
    calibration_error: float
    known: float
    accuracy_known: float
    per_class: dict[str, dict[str, float]]
    confusion: np.ndarray
    classes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-serialisable; null for what is not defined."""

        def plain(value: Any) -> Any:
            if isinstance(value, dict):
                return {k: plain(v) for k, v in value.items()}
            if isinstance(value, np.ndarray):
                return value.tolist()
            if isinstance(value, float) and not np.isfinite(value):
                return None
            return value

        names = self.__dataclass_fields__
        return {name: plain(getattr(self, name)) for name in names if name != "classes"} | {
            "classes": list(self.classes)
        }


def classification_scores(
    true: np.ndarray, probabilities: np.ndarray, classes: Sequence[str], threshold: float = 0.0
) -> ClassificationScores:
    """Score probabilities of classes.

    Parameters
    ----------
    true : (N,) class indices, N > 0.
    probabilities : (N, K).
    classes : K names.
    threshold : probability from which a class counts as known.

    Raises
    ------
    ValueError : no images, or another number of rows or columns.
    """
    if len(true) == 0 or probabilities.shape != (len(true), len(classes)):
        raise ValueError(
            f"probabilities of shape {probabilities.shape} for {len(true)} images of {len(classes)} classes"
        )
    every = np.arange(len(classes))
    given, best = probabilities.argmax(1), probabilities.max(1)
    precision, recall, f1, n = precision_recall_fscore_support(true, given, labels=every, zero_division=np.nan)
    occurs = n > 0
    curves = [roc_auc_score(true == k, probabilities[:, k]) for k in every[occurs]] if occurs.sum() > 1 else []
    known = best >= threshold
    right = given == true
    rows = zip(classes, n, precision, recall, f1, strict=True)
    return ClassificationScores(
        n=len(true),
        accuracy=float(right.mean()),
        balanced_accuracy=float(recall[occurs].mean()),
        auc=float(np.mean(curves)) if curves else float("nan"),
        calibration_error=expected_calibration_error(np.clip(best, 0, 1), right, 15),
        known=float(known.mean()),
        accuracy_known=float(right[known].mean()) if known.any() else float("nan"),
        per_class={
            name: {"n": int(m), "precision": float(p), "recall": float(r), "f1": float(f)} for name, m, p, r, f in rows
        },
        confusion=confusion_matrix(true, given, labels=every),
        classes=tuple(classes),
    )
