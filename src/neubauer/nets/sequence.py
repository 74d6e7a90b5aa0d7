"""One-dimensional residual generator and critic of sequences, after Gulrajani et al., NIPS 2017 (appendix, character
language model), and Killoran et al. 2017 (arXiv:1712.06148): no normalisation, no change of resolution.

Sequences are (N, A, L): shares of the A letters at each of the L positions. Inside, they are images of height 1: 2D
convolutions are the ones that run channels last.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neubauer.nets.conditional import LatentInput

DRAFT_LOGIT = 4.0  # a drafted letter starts with a share of 0.95 (of four)


class ResidualBlock(nn.Module):
    """x + scale * conv(ReLU(conv(ReLU(x)))). (N, W, 1, L) -> the same shape."""

    def __init__(self, width: int, kernel: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.conv1 = nn.Conv2d(width, width, (1, kernel), padding=(0, kernel // 2))
        self.conv2 = nn.Conv2d(width, width, (1, kernel), padding=(0, kernel // 2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.conv2(F.relu(self.conv1(F.relu(x))))


def _blocks(blocks: int, width: int, kernel: int, scale: float) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(width, kernel, scale) for _ in range(blocks)))


class MarkovDraft(nn.Module):
    """Draws sequences from a Markov chain, one chain per class; it is fitted once and not trained.

    Parameters
    ----------
    order : letters that are remembered.
    letters, length : A and L.
    classes : number of classes, 0 for none.
    """

    starts: Tensor
    cumulative: Tensor

    def __init__(self, order: int, letters: int, length: int, classes: int = 0) -> None:
        super().__init__()
        self.order, self.letters, self.length = order, letters, length
        chains, contexts = max(classes, 1), letters**order
        self.register_buffer("starts", torch.zeros(chains, contexts))
        self.register_buffer("cumulative", torch.zeros(chains, contexts, letters))

    def fit(self, sequences: Tensor, label: Tensor | None = None) -> None:
        """Count in letter indices (N, L). One count per context is added, shared in proportion to the letters'
        frequencies."""
        place = self.letters ** torch.arange(self.order - 1, -1, -1)
        chains = torch.zeros(len(sequences), dtype=torch.long) if label is None else label
        before = sequences.unfold(1, self.order, 1) @ place
        for chain in range(len(self.starts)):
            mine = chains == chain
            pairs = before[mine][:, :-1] * self.letters + sequences[mine][:, self.order :]
            counts = torch.bincount(pairs.flatten(), minlength=self.cumulative[0].numel()).double()
            frequency = torch.bincount(sequences[mine].flatten(), minlength=self.letters) / sequences[mine].numel()
            counts = counts.view(-1, self.letters) + frequency
            self.cumulative[chain] = (counts / counts.sum(1, keepdim=True)).cumsum(1)
            self.starts[chain] = torch.bincount(before[mine][:, 0], minlength=len(counts)) / mine.sum()

    @torch.no_grad()
    def forward(self, n: int, label: Tensor | None = None) -> Tensor:
        """(n, A, L) one-hot, random."""
        device = self.starts.device
        chain = torch.zeros(n, dtype=torch.long, device=device) if label is None else label
        context = torch.multinomial(self.starts[chain], 1)[:, 0]
        size, dice = self.letters**self.order, torch.rand(self.length - self.order, n, 1, device=device)
        letters = [context // self.letters**i % self.letters for i in range(self.order - 1, -1, -1)]
        for roll in dice:
            letter = (roll > self.cumulative[chain, context, :-1]).sum(1)
            letters.append(letter)
            context = (context * self.letters + letter) % size
        return F.one_hot(torch.stack(letters, 1), self.letters).transpose(1, 2).float()


class ResidualGenerator(nn.Module):
    """latent -> dense -> residual blocks -> softmax over the letters. (N, Z)[, (N,) classes] -> (N, A, L).

    Parameters
    ----------
    letters, length : A and L.
    latent : length Z of the latent vector.
    classes : number of classes, 0 for none; an embedding of the class is appended to the latent vector.
    width, blocks, kernel, residual_scale : see `ResidualBlock`; the kernel is odd.
    draft : order of a Markov chain whose sequences the network edits instead of writing on an empty page; 0: none.
        What it makes is then random also for a given latent vector.
    """

    def __init__(
        self,
        letters: int,
        length: int,
        latent: int,
        classes: int = 0,
        *,
        width: int = 100,
        blocks: int = 5,
        kernel: int = 5,
        residual_scale: float = 0.3,
        draft: int = 0,
    ) -> None:
        super().__init__()
        self.input = LatentInput(latent, classes)
        self.width, self.length = width, length
        self.dense = nn.Linear(self.input.out, width * length)
        self.blocks = _blocks(blocks, width, kernel, residual_scale)
        self.last = nn.Conv2d(width, letters, 1)
        self.draft = MarkovDraft(draft, letters, length, classes) if draft else None
        if draft:
            self.read = nn.Conv2d(letters, width, 1)
            nn.init.zeros_(self.last.weight)  # at first, the draft is left as it is
            nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.dense(self.input(z, label)).unflatten(1, (1, self.length, self.width)).permute(0, 3, 1, 2)
        if self.draft is None:
            return torch.softmax(self.last(self.blocks(x)).float(), dim=1)[:, :, 0]
        draft = self.draft(len(z), label)[:, :, None]
        edits = self.last(self.blocks(x + self.read(draft)))
        return torch.softmax(edits.float() + DRAFT_LOGIT * draft, dim=1)[:, :, 0]


class ResidualBackbone(nn.Module):
    """sequence -> residual blocks -> all maps as one vector, so that the head knows positions. (N, A, L) -> (N,
    `features`)."""

    def __init__(
        self,
        letters: int,
        length: int,
        *,
        width: int = 100,
        blocks: int = 5,
        kernel: int = 5,
        residual_scale: float = 0.3,
    ) -> None:
        super().__init__()
        self.first = nn.Conv2d(letters, width, 1)
        self.blocks = _blocks(blocks, width, kernel, residual_scale)
        self.features = width * length

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.first(x[:, :, None])).permute(0, 2, 3, 1).flatten(1)
