"""What one CUDA device does: ECGs encoded a second in bf16, and exact and IVF search of ten million vectors.

python -m benchmarks.gpu                                       # with a device, and faiss-gpu for the searches
python -m benchmarks.gpu --here --ecgs 64 --vectors 20000      # the same steps on this machine's processor, to try them

Goals on an H100-class card: 10,000 ECGs a second, and exact search of 10 million vectors of 256 numbers within 5 ms a query
in batches. Not run on a device so far; `precordia build --engine ray --gpus N` encodes so.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import description, table
from precordia.encoders.encoder import unit_rows
from precordia.indexing.vectors import import_faiss, use_gpu

if TYPE_CHECKING:
    from precordia.encoders.encoder import SignalEncoder

QUERIES, K = 256, 10


@dataclass(frozen=True)
class Encoded:
    """What encoding came to.

    Attributes:
        per_s: ECGs a second, from the host's memory and back.
        agreement: Least cosine between a vector in bf16 and the same in float32 on the processor.
    """

    per_s: float
    agreement: float


def encode(encoder: SignalEncoder, n: int, device: str, batch: int) -> Encoded:
    """Encode ``n`` standardized windows in bf16 on a device, the next batch being copied while one is computed.

    Args:
        encoder: The encoder; its network is moved to the device and back.
        n: Windows.
        device: "cuda" or "cpu".
        batch: Windows a pass.
    """
    import torch

    from precordia.encoders.network import Inputs

    spec = encoder.spec
    n_leads, n_samples = len(spec.leads), round(spec.fs * spec.window_s)
    signal = torch.from_numpy(np.random.default_rng(0).normal(0, 0.3, (batch, n_leads, n_samples)).astype(np.float32))
    masks = (torch.ones(batch, n_leads, dtype=torch.bool), torch.ones(batch, n_samples, dtype=torch.bool))
    host: tuple[torch.Tensor, ...] = (signal, *masks, torch.ones(batch, dtype=torch.bool))
    if device == "cuda":
        host = tuple(tensor.pin_memory() for tensor in host)
    network = encoder.network.to(device)

    def passes(count: int) -> list[Any]:
        rows = []
        for _ in range(count):
            there = Inputs(*(tensor.to(device, non_blocking=True) for tensor in host))
            with torch.autocast(device, dtype=torch.bfloat16):
                rows.append(network(there).embedding.float())
        return [row.cpu() for row in rows]

    try:
        with torch.inference_mode():
            made = passes(1)[0].numpy()  # warm
            started = time.perf_counter()
            count = max(1, n // batch)
            passes(count)
            seconds = time.perf_counter() - started
            exact = encoder.network.to("cpu")(Inputs(*(tensor[:16] for tensor in host))).embedding.numpy()
    finally:
        encoder.network.to("cpu")
    agreement = (unit_rows(made[:16]) * unit_rows(exact)).sum(axis=1).min()
    return Encoded(count * batch / seconds, float(agreement))


def search(vectors: NDArray[np.float32], lists: int | None, gpu: bool) -> tuple[float, float]:
    """Milliseconds a query in batches of 256, and recall@10 beside exact search on the same vectors.

    Args:
        vectors: ``(n, dim)`` unit vectors.
        lists: Of an inverted file with whole vectors, or None to compare with every one.
        gpu: On the first device.
    """
    faiss = import_faiss()
    flat: Any = faiss.IndexFlatIP(vectors.shape[1])
    index: Any = flat
    if lists is not None:
        index = faiss.IndexIVFFlat(
            faiss.IndexFlatIP(vectors.shape[1]), vectors.shape[1], lists, faiss.METRIC_INNER_PRODUCT
        )
        index.nprobe = max(8, lists // 64)
    if gpu:
        resources = faiss.StandardGpuResources()
        index = faiss.index_cpu_to_gpu(resources, 0, index)
        flat = index if lists is None else faiss.index_cpu_to_gpu(resources, 0, flat)
    if lists is not None:
        index.train(vectors[: 64 * lists])
        flat.add(vectors)
    index.add(vectors)
    noise = np.random.default_rng(1).normal(0, 0.02, (QUERIES, vectors.shape[1]))
    queries = unit_rows((vectors[:QUERIES] + noise).astype(np.float32))
    index.search(queries, K)  # warm
    started = time.perf_counter()
    _, found = index.search(queries, K)
    ms = 1000 * (time.perf_counter() - started) / len(queries)
    _, wanted = flat.search(queries, K)
    return ms, float(np.mean([np.isin(a, b).mean() for a, b in zip(found, wanted, strict=True)]))


def made_vectors(n: int, dim: int) -> NDArray[np.float32]:
    """``(n, dim)`` unit vectors around a thousand centres, as embeddings lie."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(1000, dim)).astype(np.float32)
    out = np.empty((n, dim), np.float32)
    for start in range(0, n, 100_000):
        part = out[start : start + 100_000]
        part[:] = centres[rng.integers(0, 1000, len(part))] + 0.6 * rng.standard_normal(part.shape, dtype=np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return out


def main(argv: list[str] | None = None) -> int:
    import torch

    from precordia.encoders import load_encoder

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--here", action="store_true", help="on the processor, where there is no device")
    parser.add_argument("--ecgs", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--vectors", type=int, default=10_000_000)
    args = parser.parse_args(argv)
    if not (args.here or torch.cuda.is_available()):
        print("benchmarks.gpu: no CUDA device is here; --here tries the same steps on the processor", file=sys.stderr)
        return 2
    device, gpu = ("cpu", False) if args.here else ("cuda", use_gpu())
    print(description())
    print(
        f"device: {device if args.here else torch.cuda.get_device_name(0)}; searches on {'it' if gpu else 'the processor'}\n"
    )
    encoded = encode(load_encoder("default"), args.ecgs, device, min(args.batch, args.ecgs))
    vectors = made_vectors(args.vectors, 256)
    rows = [["what", "figure", "agrees with the exact one"]]
    rows.append(["encode in bf16, ECGs a second", f"{encoded.per_s:,.0f}", f"cosine at least {encoded.agreement:.4f}"])
    lists = 2 ** round(np.log2(4 * np.sqrt(args.vectors)))
    for name, n_lists in (("exact", None), (f"IVF{lists}", lists)):
        ms, recall = search(vectors, n_lists, gpu)
        rows.append([f"{name} search of {args.vectors:,}, ms a query", f"{ms:.3f}", f"recall@{K} {recall:.3f}"])
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
