"""Image and layout, unpaired: a painter makes drawn cells look real, a segmenter must find them again."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from neubauer.gan.config.labelfree import LabelFreeConfig, PainterConfig
from neubauer.gan.game import Batch, Game, Losses
from neubauer.gan.games.registry import GAMES, GameKind
from neubauer.gan.losses import LOSSES
from neubauer.gan.regularizers import instance_noise, spectral_norm
from neubauer.layouts.spec import LayoutSpec
from neubauer.nets.painter import Painter
from neubauer.nets.patch import PatchDiscriminator

LayoutTerms = Callable[[Tensor, Tensor, Tensor], dict[str, Tensor]]
PREVIEWS = 6


def shown_maps(spec: LayoutSpec) -> list[int]:
    """The maps of a layout that painter and discriminator get to see: centre, foreground, classes."""
    return [spec.centre, spec.foreground, *range(*spec.class_maps.indices(spec.channels))]


class ImageLayout(Game):
    """Painter and segmenter against a discriminator of images and, if wanted, one of layouts.

    The painter turns renderings of simulated layouts into images that the first discriminator cannot tell from real
    crops. The segmenter has to find the layout in the rendering and, whatever noise is laid over it, in the painting:
    that loss reaches the painter too, and keeps it from moving, adding or dropping cells. The second discriminator
    compares the layouts that the segmenter finds in real crops with simulated ones (Tsai et al., CVPR 2018).
    There is deliberately no loss of the way image -> layout -> image: it teaches the layout to smuggle the image.

    Batches: `image` (N, C, Y, X) real crops, `rendering` (N, C, Y, X) drawn ones, both normalised; `maps` and `known`
    (N, M, Y / 2, X / 2), the layout of the renderings.

    Parameters
    ----------
    config : weights and sizes.
    channels : C.
    spec : the layout.
    segmenter : (N, C, Y, X) -> raw layout; trained on renderings before.
    layout_terms : (raw, maps, known) -> terms of the layout's loss.
    activate : raw layout -> layout.
    """

    def __init__(
        self,
        config: PainterConfig,
        channels: int,
        spec: LayoutSpec,
        segmenter: nn.Module,
        layout_terms: LayoutTerms,
        activate: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__()
        self.config, self.spec = config, spec
        self.layout_terms, self.activate = layout_terms, activate
        self.shown = shown_maps(spec)
        painter = Painter(channels, len(self.shown), config.style, config.widths, config.depths)
        self.generator = nn.ModuleDict({"painter": painter, "segmenter": segmenter})
        critics = {"image": PatchDiscriminator(channels, config.critic_widths)}
        if config.layout_weight:
            critics["layout"] = PatchDiscriminator(len(self.shown), config.critic_widths)
        self.discriminator: nn.Module = spectral_norm(nn.ModuleDict(critics))
        self.adversarial = LOSSES[config.loss]
        self._painted: Tensor | None = None
        self._previewed: Batch | None = None

    @property
    def painter(self) -> Painter:
        """The network that paints."""
        assert isinstance(self.generator, nn.ModuleDict)
        painter = self.generator["painter"]
        assert isinstance(painter, Painter)
        return painter

    @property
    def segmenter(self) -> nn.Module:
        """The network that finds layouts."""
        assert isinstance(self.generator, nn.ModuleDict)
        return self.generator["segmenter"]

    def paint(self, painter: nn.Module, batch: Batch) -> Tensor:
        """(N, C, Y, X) images of the batch's layouts, each in a style of its own."""
        rendering = batch["rendering"]
        style = torch.randn(len(rendering), self.config.style, device=rendering.device)
        return painter(rendering, batch["maps"][:, self.shown], style)

    def discriminator_loss(self, batch: Batch) -> Losses:
        c = self.config
        self._painted = self.paint(self.painter, batch)
        terms = {"image": self._discriminate("image", batch["image"], self._painted.detach())}
        if c.layout_weight:
            with torch.no_grad():
                found = self._layout(self.segmenter(batch["image"]))
            terms["layout"] = self._discriminate("layout", batch["maps"][:, self.shown], found)
        if self._previewed is None:
            self._previewed = {name: tensor[:PREVIEWS] for name, tensor in batch.items()}
        return Losses(terms)

    def generator_loss(self, batch: Batch) -> Losses:
        c = self.config
        painted, self._painted = self._painted, None
        assert painted is not None
        terms = {"image": self._fool("image", painted)}
        seen = torch.cat([instance_noise(painted, c.jitter * float(torch.rand(()))), batch["rendering"]])
        maps, known = (torch.cat([batch[name]] * 2) for name in ("maps", "known"))
        raw = self.segmenter(seen)
        found = self.layout_terms(raw, maps, known)
        terms |= {f"find-{name}": c.find_weight * term for name, term in found.items()}
        terms["keep"] = c.keep_weight * (painted - batch["rendering"]).abs().mean()
        if c.layout_weight:
            real = self._layout(self.segmenter(batch["image"]))
            terms["layout"] = c.layout_weight * self._fool("layout", real)
        return Losses(terms)

    def preview(self, generator: nn.Module) -> Tensor | None:
        """Real crops, renderings, and their paintings."""
        batch = self._previewed
        if batch is None:
            return None
        assert isinstance(generator, nn.ModuleDict)
        painted = self.paint(generator["painter"], batch)
        return 2 * torch.cat([batch["image"], batch["rendering"], painted]).float() - 1

    def _layout(self, raw: Tensor) -> Tensor:
        return self.activate(raw)[:, self.shown]

    def _discriminate(self, side: str, real: Tensor, fake: Tensor) -> Tensor:
        assert isinstance(self.discriminator, nn.ModuleDict)
        noise = self.config.instance_noise
        scores = self.discriminator[side](torch.cat([instance_noise(x.float(), noise) for x in (real, fake)])).float()
        return self.adversarial.discriminator(scores[: len(real)], scores[len(real) :], 0.0)

    def _fool(self, side: str, fake: Tensor) -> Tensor:
        assert isinstance(self.discriminator, nn.ModuleDict)
        scores = self.discriminator[side](instance_noise(fake.float(), self.config.instance_noise)).float()
        return self.adversarial.generator(scores, scores)


GAMES.register("labelfree")(GameKind("labelfree", LabelFreeConfig, ImageLayout))
