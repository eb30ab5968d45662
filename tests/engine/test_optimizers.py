"""Mixed precision without a GPU."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from toy import write_config, write_store

from vidkit import apis
from vidkit.engine import read_checkpoint
from vidkit.engine.optimizers import AmpOptimWrapper


@pytest.mark.skipif(torch.cuda.is_available(), reason="what happens without a GPU")
@pytest.mark.parametrize("dtype", [None, "bfloat16", "float16"])
def test_amp_falls_back_to_bfloat16_on_a_cpu(dtype: str | None) -> None:
    layer = torch.nn.Linear(4, 4)
    wrapper = AmpOptimWrapper(dtype=dtype, optimizer=torch.optim.SGD(layer.parameters(), lr=0.1))
    before = layer.weight.detach().clone()
    with wrapper.optim_context(layer):
        output = layer(torch.ones(2, 4))
    assert output.dtype == torch.bfloat16
    wrapper.update_params(output.float().sum())
    expected = before - 0.1 * 2 * torch.ones(4, 4)
    torch.testing.assert_close(layer.weight.detach(), expected)
    wrapper.load_state_dict(wrapper.state_dict())


def test_a_run_with_amp_trains_and_stays_close_to_float32(tmp_path: Path) -> None:
    config = write_config(write_store(tmp_path), max_epochs=1)
    exact = apis.train(config, work_dir=tmp_path / "exact", quiet=True)
    mixed = apis.train(
        config, work_dir=tmp_path / "mixed", options=["optim_wrapper.type=AmpOptimWrapper"], quiet=True
    )
    weights, others = (read_checkpoint(path)["state_dict"] for path in (exact, mixed))
    for name, weight in weights.items():
        assert torch.isfinite(others[name]).all()
        assert (others[name] - weight).abs().max() < 0.1, name
    assert any(not torch.equal(weights[name], others[name]) for name in weights)
