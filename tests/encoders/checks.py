"""What every encoder with weights must do, whatever it reads; each test file of an encoder calls these."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vidkit.encoders import Encoder


def check_gradients(encoder: Encoder, clips: Any) -> None:
    """A loss on the vectors gives every parameter a finite gradient, and not all of them zero."""
    encoder = copy.deepcopy(encoder).eval().requires_grad_(True)
    features = encoder(clips)
    generator = torch.Generator().manual_seed(0)
    (features * torch.randn(features.shape, generator=generator)).sum().backward()
    without = [name for name, p in encoder.named_parameters() if p.grad is None]
    assert not without, f"no gradient reaches {without}"
    broken = [name for name, p in encoder.named_parameters() if not _grad(p).isfinite().all()]
    assert not broken, f"gradients of {broken} are not finite"
    assert any(_grad(p).abs().max() > 0 for p in encoder.parameters())


def check_bfloat16(encoder: Encoder, clips: Any, cosine: float = 0.99) -> None:
    """The vectors of the encoder in bfloat16 are float32 and point where those in float32 do."""
    half = copy.deepcopy(encoder).eval().to(torch.bfloat16)
    with torch.inference_mode():
        exact, rounded = encoder.eval()(clips), half(clips)
    assert rounded.dtype == torch.float32
    similarity = F.cosine_similarity(exact.float(), rounded, dim=-1)
    assert similarity.min() >= cosine, f"cosine {similarity.min():.4f} between bfloat16 and float32"


def check_compiles(encoder: Encoder, clips: Any) -> None:
    """``torch.compile`` changes nothing (backend aot_eager: traced as for a compiler, run by torch)."""
    encoder.eval()
    inputs = encoder.preprocess(clips)
    torch._dynamo.reset()
    with torch.no_grad():
        compiled = torch.compile(encoder.encode, backend="aot_eager")(inputs)
        torch.testing.assert_close(compiled, encoder.encode(inputs), rtol=1e-4, atol=1e-5)
    torch._dynamo.reset()


def check_rebuilds(encoder: Encoder) -> None:
    """The arguments that an encoder with random weights tells of build the same one again."""
    rebuilt = type(encoder)(**encoder.arguments())
    assert rebuilt.recipe == encoder.recipe
    assert rebuilt.fingerprint() == encoder.fingerprint()


def check_batch_independence(encoder: Encoder, clips: Any) -> None:
    """A clip's vector is the same alone and among others; (N, dim), float32 and finite."""
    encoder.eval()
    with torch.inference_mode():
        together: Tensor = encoder(clips)
        alone = torch.cat([encoder(clips[i : i + 1]) for i in range(len(clips))])
    assert together.shape == (len(clips), encoder.dim)
    assert together.dtype == torch.float32
    assert together.isfinite().all()
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


def _grad(parameter: torch.nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad
