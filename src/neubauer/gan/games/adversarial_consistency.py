"""The discriminator as classifier, and consistent: feature matching and FixMatch in one game."""

from __future__ import annotations

from torch import Tensor

from neubauer.gan.config.semi_supervised import AdversarialClassifierConfig
from neubauer.gan.game import Batch, Losses
from neubauer.gan.games.feature_matching_classifier import FeatureMatchingClassifier
from neubauer.gan.games.registry import GAMES, GameKind


class AdversarialConsistency(FeatureMatchingClassifier):
    """`FeatureMatchingClassifier` whose classifier also has to say of a strongly augmented image what its average says
    of the same image, weakly augmented, where that is sure.

    Consistency spreads the labels along the clusters of the images; generated images that match the mean features
    without being real lie between the clusters and push the boundaries there (Dai et al., NIPS 2017).
    """

    views = ("weak", "strong")

    def more_images(self, batch: Batch) -> list[Tensor]:
        return [batch["strong"]]

    def more_terms(self, batch: Batch, logits: Tensor) -> Losses:
        return self.consistency(batch, logits, self.config.threshold)


GAMES.register("adversarial-consistency")(GameKind("classifier", AdversarialClassifierConfig, AdversarialConsistency))
