"""Fits the head that brings vectors of few leads to those of all (after SelfMIS), and chooses on held-back patients how it is used.

Leads are cut out of whole ECGs; the target is the same ECG's vector with all leads, from the same frozen encoder. What the
encoder was trained on flatters its vectors of training ECGs: the choices are made on ECGs that it only watched, against an archive
of those that it knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from precordia.core import bootstrap
from precordia.core.leads import LEADS
from precordia.core.progress import Progress
from precordia.encoders.checkpoint import load_encoder
from precordia.encoders.encoder import SignalEncoder, unit_rows
from precordia.encoders.windows import Ecgs
from precordia.fitting.signals.leads.material import Material, gather
from precordia.fitting.signals.leads.training import Order
from precordia.fitting.trained import Trained
from precordia.signals.leads.alignment import Alignment, Head
from precordia.signals.leads.drawers import Drawer, load_drawer
from precordia.signals.leads.independent import agreeing, determined
from precordia.signals.leads.recipe import Alignment as Settings

NEAREST = 10
"""Neighbours that few leads and all leads should have in common."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Vectors:
    """Unit vectors ``(n, dim)`` of the same ECGs.

    Attributes:
        whole: With all leads.
        direct: By group, of its leads alone.
        drawn: By group, of the twelve leads drawn from its.
    """

    whole: Floats
    direct: Mapping[tuple[str, ...], Floats]
    drawn: Mapping[tuple[str, ...], Floats]


def make_aligned(order: Order) -> Trained:
    """Fit, choose, write."""
    recipe, settings = order.recipe, order.recipe.settings
    encoder, drawer = load_encoder(order.encoder), load_drawer(settings.drawer)
    material = gather(order.data, recipe, 0, order.progress)
    groups = tuple(tuple(group.split(",")) for group in settings.leads)
    vectors = vectors_of(encoder, drawer.drawer, material.signal, material.samples, groups, order.progress)
    head = fit_head(vectors, ~material.held_out, settings, recipe.seed)
    start = Alignment(
        head, groups, dict.fromkeys(groups, (0.0, 0.0, 1.0)), encoder.fingerprint, settings.drawer,
        drawer.fingerprint, True,
    )  # fmt: skip
    made, facts = choose(start, vectors, material, settings, recipe.seed)
    fingerprint = made.save(order.folder)
    note = "; ".join(
        f"{group}: top-{NEAREST} overlap {figures['direct']:.3f} direct, {figures['fused']:.3f} fused"
        for group, figures in facts.items()
    )
    watched = (
        f"on {int(material.held_out.sum())} held-back ECGs {note}; {'used' if made.used else 'not used'} in searches"
    )
    return Trained("leads", order.folder, {"fingerprint": fingerprint, "encoder": encoder.fingerprint, "used": made.used,
                                           "held_back": facts, "data_hash": material.data_hash}, (watched,))  # fmt: skip


def vectors_of(
    encoder: SignalEncoder,
    drawer: Drawer,
    signal: Floats,
    samples: NDArray[np.bool_],
    groups: tuple[tuple[str, ...], ...],
    progress: Progress,
) -> Vectors:
    """Vectors of whole ECGs ``(n, 12, n_samples)``, of each group of their leads, and of what is drawn from it."""
    everything = np.ones((len(signal), len(LEADS)), dtype=np.bool_)
    direct, drawn = {}, {}
    for group in progress(groups, len(groups), "embedding leads", "group"):
        given = np.tile(determined(np.isin(LEADS, group)), (len(signal), 1))
        cut = signal * given[:, :, None]
        independent = drawer.draw(cut, given)
        twelve = np.stack([agreeing(s, g, i) for s, g, i in zip(cut, given, independent, strict=True)])
        direct[group] = embed(encoder, cut, given, samples)
        drawn[group] = embed(encoder, twelve, everything, samples)
    return Vectors(embed(encoder, signal, everything, samples), direct, drawn)


def embed(encoder: SignalEncoder, signal: Floats, leads: NDArray[np.bool_], samples: NDArray[np.bool_]) -> Floats:
    """Unit vectors of windows."""
    ecgs, parts = Ecgs(signal, leads, samples), []
    with torch.inference_mode():
        for start in range(0, len(signal), encoder.batch_size):
            rows = np.arange(start, min(start + encoder.batch_size, len(signal)))
            parts.append(encoder.network(ecgs.inputs(rows)).embedding.numpy())
    return unit_rows(np.concatenate(parts))


class _Head(nn.Module):
    """What :class:`Head` is made of; it begins as the direct vector."""

    def __init__(self, dim: int, n_groups: int, settings: Settings) -> None:
        super().__init__()
        inputs = 2 * dim + n_groups
        self.hidden = nn.Linear(inputs, settings.hidden)
        self.out = nn.Linear(settings.hidden, dim, bias=False)
        self.direct = nn.Linear(inputs, dim)
        self.dropout = settings.dropout
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.direct.bias)
        with torch.no_grad():
            self.direct.weight.zero_()[:, :dim] = torch.eye(dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.dropout(x, self.dropout, self.training)
        inner = F.dropout(F.relu(self.hidden(x)), self.dropout, self.training)
        return F.normalize(self.out(inner) + self.direct(x), dim=1)

    def plain(self) -> Head:
        """As arrays."""
        parts = (self.hidden.weight, self.hidden.bias, self.out.weight, self.direct.weight, self.direct.bias)
        return Head(*(part.detach().numpy().copy() for part in parts))


def fit_head(vectors: Vectors, rows: NDArray[np.bool_], settings: Settings, seed: int) -> Head:
    """The head of least loss on some ECGs.

    The loss is one less the cosine to the whole ECG's vector, and by ``contrast`` the cross-entropy of which ECG of the batch
    it is, targets softened by how alike the whole ECGs are.

    Args:
        vectors: Of all ECGs.
        rows: ``(n,)`` bool, which are learned from.
        settings: How.
        seed: Of every draw.
    """
    groups, target = tuple(vectors.direct), torch.from_numpy(vectors.whole[rows])
    n, dim = target.shape
    which = torch.eye(len(groups))
    inputs = torch.stack([
        torch.from_numpy(np.concatenate([vectors.direct[g][rows], vectors.drawn[g][rows]], axis=1)) for g in groups
    ])  # fmt: skip
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = _Head(dim, len(groups), settings)
        optimiser = torch.optim.AdamW(head.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
        size = min(settings.batch_size, n)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, settings.learning_rate, total_steps=settings.epochs * (n // size) + 1
        )
        for _ in range(settings.epochs):
            order = torch.randperm(n, generator=generator)
            for start in range(0, n - size + 1, size):
                chosen = order[start : start + size]
                group = torch.randint(len(groups), (size,), generator=generator)
                found = head(torch.cat([inputs[group, chosen], which[group]], dim=1))
                loss = (1 - (found * target[chosen]).sum(dim=1)).mean()
                if settings.contrast:
                    own = target[chosen]
                    aims = (own @ own.T / settings.temperature).softmax(dim=1)
                    said = (found @ own.T / settings.temperature).log_softmax(dim=1)
                    loss = loss - settings.contrast * (aims * said).sum(dim=1).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
    return head.eval().plain()


def choose(
    start: Alignment, vectors: Vectors, material: Material, settings: Settings, seed: int
) -> tuple[Alignment, dict[str, dict[str, float]]]:
    """The alignment with the shares under which held-back ECGs find most of what all their leads find, and the figures.

    It is used where every group finds more than by its direct vector, the 95 % interval of the difference above zero.
    """
    held, archive = material.held_out, vectors.whole[~material.held_out]
    patients = [patient for patient, aside in zip(material.patients, held, strict=True) if aside]
    wanted = nearest(vectors.whole[held], archive)
    shares, facts, better = {}, {}, []
    options = [s for s in product(settings.shares, repeat=3) if sum(s) > 0]
    for group in start.groups:
        direct, drawn = vectors.direct[group][held], vectors.drawn[group][held]
        aligned = start.head(start.inputs(direct, drawn, group))
        similar = [part @ archive.T for part in (direct, drawn, aligned)]
        found = {
            s: overlap(nearest_of(s[0] * similar[0] + s[1] * similar[1] + s[2] * similar[2]), wanted) for s in options
        }
        best = max(options, key=lambda s: (round(float(found[s].mean()), 6), s[2]))
        plain = overlap(nearest_of(similar[0]), wanted)
        gain = bootstrap.difference(found[best], plain, patients, seed=seed)
        shares[group] = (best[0], best[1], best[2])
        better.append(gain.low > 0)
        facts[",".join(group)] = {"direct": float(plain.mean()), "fused": float(found[best].mean()), "gain": gain.value,
                                  "gain_low": gain.low, "gain_high": gain.high}  # fmt: skip
    made = Alignment(
        start.head, start.groups, shares, start.encoder, start.drawer, start.drawer_fingerprint, all(better)
    )
    return made, facts


def nearest(queries: Floats, archive: Floats) -> NDArray[np.int64]:
    """``(n, NEAREST)`` rows of the archive, most similar first."""
    return nearest_of(queries @ archive.T)


def nearest_of(similar: Floats) -> NDArray[np.int64]:
    """Likewise of similarities ``(n, n_archive)``."""
    out: NDArray[np.int64] = np.argsort(-similar, axis=1, kind="stable")[:, :NEAREST]
    return out


def overlap(found: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    """``(n,)`` share of the wanted neighbours that were found."""
    return np.array([len(set(a) & set(b)) / len(b) for a, b in zip(found.tolist(), wanted.tolist(), strict=True)])
