"""What tools/benchmark.py measures of repurposing: MMCT against itself with explicit attention.

Cases ``mmct_train_T_B`` and ``mmct_infer_T_B`` are a training step (forward, backward, Adam) and an inference
of the paper's model on B videos of T seconds, with two threads. The other way is the same model as one writes
it from the paper: a projection each for queries, keys and values, softmax(Q K^T / sqrt(d)) V with the mask
that the batch carries, torch's own linear layers and dropout; once more with our linear layers. In brackets
stands by how much the memory grew over that of the model, its optimizer and the batch. What needs more than
``_ROOM`` is not tried.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark_cases import start_clock

_THREADS = 2
_ROOM = 20 * 2**30  # bytes
_DIMS = {"visual": 512, "audio": 2048, "text": 384}
_NUM_HEADS, _NUM_ATTENTIONS = 8, 27  # three times three self-attentions, twice three twos, twice three
_PLAIN_STEP = 16 * 900  # seconds of video in a batch up to which training recomputes nothing

Way = Callable[[Path], None]
CASES: dict[str, list[Way]] = {}


def _run(*, num_seconds: int, batch_size: int, trains: bool, attention: str, bfloat16: bool = False) -> None:
    import torch

    torch.set_num_threads(_THREADS)
    torch.manual_seed(0)
    if attention != "fused":
        _write_attention_out(own_linears=attention == "explicit")
    model = _model(recompute=batch_size * num_seconds > _PLAIN_STEP).train(trains)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    batch = _batch(model, num_seconds, batch_size)
    precision = torch.autocast("cpu", torch.bfloat16, enabled=bfloat16)

    def step(batch: dict[str, Any]) -> None:
        if not trains:
            with torch.inference_mode(), precision:
                model(**batch, mode="tensor")
            return
        with precision:
            losses = model(**batch, mode="loss")
        sum(losses.values()).backward()
        optimizer.step()
        optimizer.zero_grad()

    step(_batch(model, 64, 1))  # what is made once: the optimizer's state, threads, the choice of kernels
    start_clock(memory=True)
    count = max(1, 1800 // (num_seconds * batch_size))
    if num_seconds * batch_size <= 1800:
        step(batch)
        start_clock(steps=count)
    for _ in range(count):
        step(batch)


def _model(*, recompute: bool) -> Any:
    from vidkit.registry import MODELS

    encoders = {
        f"{name}_encoder": dict(type="Precomputed", dim=dim, modality=name) for name, dim in _DIMS.items()
    }
    return MODELS.build(
        dict(
            type="MMCT",
            **encoders,
            num_heads=_NUM_HEADS,
            guider=dict(type="AlignmentGuider"),
            loss=dict(type="MMCTLoss"),
            selection=dict(type="ClipSelection"),
            recompute=recompute,
        )
    )


def _batch(model: Any, num_seconds: int, batch_size: int) -> dict[str, Any]:
    import torch

    from vidkit.data import VideoSample

    inputs = {name: [torch.randn(num_seconds, dim) for _ in range(batch_size)] for name, dim in _DIMS.items()}
    samples = []
    for index in range(batch_size):
        sample = VideoSample(metainfo=dict(video_id=str(index), duration_seconds=float(num_seconds)))
        sample.gt_segments = torch.tensor(_segments(random.Random(index), num_seconds))
        samples.append(sample)
    batch: dict[str, Any] = model.data_preprocessor(dict(inputs=inputs, data_samples=samples))
    return batch


def _write_attention_out(*, own_linears: bool) -> None:
    """Replace what the model has been made fast by; ``own_linears`` leaves the linear layers to torch."""
    import torch
    from torch import Tensor
    from torch.nn import functional as F

    import vidkit.modules.linear as linears
    import vidkit.modules.multi_head_attention as attention
    import vidkit.modules.transformer as transformer

    def project(self: Any, *inputs: Tensor) -> tuple[Tensor, ...]:
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        return tuple(linears.linear(x, weight, bias) for x, weight, bias in zip(inputs, weights, biases))

    def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, **_: Any) -> Tensor:
        if mask is None:  # vidkit leaves a mask without padding out
            mask = torch.ones(len(key), key.shape[2], dtype=torch.bool)
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        scores = scores.masked_fill(~mask[:, None, None], -torch.inf)
        return scores.softmax(dim=-1) @ value

    def attend_itself(self: Any, x: Tensor, mask: Tensor | None) -> Tensor:
        y = self.norm(x)
        return self.dropout.residual(x, self.attention(y, y, y, mask))  # type: ignore[no-any-return]

    def attend_other(self: Any, x: Tensor, other: Tensor, mask: Tensor | None) -> Tensor:
        y = self.norm_other(other)
        return self.dropout.residual(x, self.attention(self.norm(x), y, y, mask))  # type: ignore[no-any-return]

    def feed_forward(self: Any, x: Tensor) -> Tensor:
        return self.dropout.residual(x, self.network(self.norm(x)))  # type: ignore[no-any-return]

    attention.MultiHeadAttention._project = project  # type: ignore[method-assign, assignment]
    attention.attend_heads = attend
    transformer._SelfAttention.forward = attend_itself  # type: ignore[method-assign]
    transformer._CrossAttention.forward = attend_other  # type: ignore[method-assign]
    transformer._FeedForward.forward = feed_forward  # type: ignore[method-assign]
    transformer.Dropout.forward = torch.nn.Dropout.forward  # type: ignore[method-assign]
    transformer.Dropout.residual = lambda self, x, added: x + self(added)  # type: ignore[method-assign]
    if own_linears:
        linears.linear = F.linear
        linears.Linear.forward = torch.nn.Linear.forward  # type: ignore[method-assign]


def _explicit_bytes(num_seconds: int, batch_size: int, *, trains: bool) -> int:
    """Return what the weights of explicit attention take: of all layers in training, else three at a time."""
    weights = batch_size * _NUM_HEADS * num_seconds**2 * 4
    rest = batch_size * num_seconds * (800_000 if trains else 40_000)  # activations, measured
    return (_NUM_ATTENTIONS + 3 if trains else 3) * weights + rest


def _add_models() -> None:
    for kind in ("train", "infer"):
        for num_seconds in (300, 900, 1800):
            for batch_size in (1, 4, 16):
                _add_model(kind, num_seconds, batch_size)


def _add_model(kind: str, num_seconds: int, batch_size: int) -> None:
    case, trains = f"mmct_{kind}_{num_seconds}_{batch_size}", kind == "train"
    ways = {"by_vidkit": dict(attention="fused"), "explicit": dict(attention="explicit")}
    if batch_size == 1:
        ways["explicit_with_our_linears"] = dict(attention="explicit with our linears")
    if trains and batch_size * num_seconds > _PLAIN_STEP:
        ways["by_vidkit_in_bfloat16"] = dict(attention="fused", bfloat16=True)
    needed = _explicit_bytes(num_seconds, batch_size, trains=trains)
    for name, settings in ways.items():

        def way(folder: Path, settings: dict[str, Any] = settings) -> None:
            _run(num_seconds=num_seconds, batch_size=batch_size, trains=trains, **settings)

        way.__name__ = f"{case}_{name}"
        if name.startswith("explicit") and needed > _ROOM:
            way.why_not = f"does not fit, needs {needed / 2**30:.0f} GiB"  # type: ignore[attr-defined]
        CASES.setdefault(case, []).append(way)


def _segments(draw: random.Random, num_seconds: int, count: int = 12) -> list[list[float]]:
    """Return clips of 10 to 90 s, in hundredths of a second."""
    segments = []
    for _ in range(count):
        start = draw.uniform(0, num_seconds)
        segments.append([round(start, 2), round(min(start + draw.uniform(10, 90), num_seconds), 2)])
    return segments


def _videos() -> list[list[list[float]]]:
    return [_segments(random.Random(seed), 1800) for seed in range(100)]


def targets_by_vidkit(folder: Path) -> None:
    """Labels and offsets of the seconds of 100 videos of half an hour with 12 clips."""
    import torch

    from vidkit.tasks.repurposing.targets import second_targets

    videos = [torch.tensor(segments) for segments in _videos()]
    second_targets(videos[0], 1800, 1.0)
    start_clock()
    for segments in videos:
        second_targets(segments, 1800, 1.0)


def targets_in_loops(folder: Path) -> None:
    """The same, second by second and clip by clip."""
    import torch

    videos = _videos()
    start_clock()
    for segments in videos:
        labels, offsets = [], []
        for second in range(1800):
            middle, best = second + 0.5, None
            for start, end in segments:
                if start <= middle < end and (best is None or end - start < best[1] - best[0]):
                    best = (start, end)
            labels.append(best is not None)
            offsets.append((0.0, 0.0) if best is None else (middle - best[0], best[1] - middle))
        torch.tensor(labels), torch.tensor(offsets)


def _candidates(count: int) -> tuple[list[list[float]], list[float]]:
    draw = random.Random(0)
    return _segments(draw, 1800, count), [draw.random() for _ in range(count)]


def soft_nms_by_vidkit(folder: Path) -> None:
    """Soft-NMS of 1,000 candidates, all kept, ten times."""
    import numpy as np

    from vidkit.postprocessing import soft_nms

    moments, scores = (np.array(values) for values in _candidates(1000))
    soft_nms(moments[:10], scores[:10], sigma=0.5)
    start_clock()
    for _ in range(10):
        soft_nms(moments, scores, sigma=0.5)


def soft_nms_in_loops(folder: Path) -> None:
    """The same: the best that is left decays the others, one by one."""
    moments, scores = _candidates(1000)
    start_clock()
    for _ in range(10):
        left = [(score, start, end) for score, (start, end) in zip(scores, moments)]
        picked = []
        while left:
            best = max(range(len(left)), key=lambda index: left[index][0])
            top = left.pop(best)
            picked.append(top)
            for index, (score, start, end) in enumerate(left):
                overlap = _overlap(top[1], top[2], start, end)
                left[index] = (score * math.exp(-(overlap**2) / 0.5), start, end)


def tiou_by_vidkit(folder: Path) -> None:
    """tIoU of 12 clips with 1,000 candidates, two hundred times."""
    import numpy as np

    from vidkit.overlap import temporal_iou

    clips, candidates = (np.array(_candidates(count)[0]) for count in (12, 1000))
    start_clock()
    for _ in range(200):
        temporal_iou(clips, candidates)


def tiou_in_loops(folder: Path) -> None:
    """The same, pair by pair."""
    clips, candidates = (_candidates(count)[0] for count in (12, 1000))
    start_clock()
    for _ in range(200):
        [[_overlap(a, b, start, end) for start, end in candidates] for a, b in clips]


def _overlap(start: float, end: float, other_start: float, other_end: float) -> float:
    inner = min(end, other_end) - max(start, other_start)
    if inner <= 0:
        return 0.0
    return inner / (end - start + other_end - other_start - inner)


_add_models()
CASES["targets"] = [targets_by_vidkit, targets_in_loops]
CASES["soft_nms"] = [soft_nms_by_vidkit, soft_nms_in_loops]
CASES["tiou"] = [tiou_by_vidkit, tiou_in_loops]
