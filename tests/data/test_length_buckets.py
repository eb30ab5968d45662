"""The order of length-bucketed batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vidkit.data import LengthBuckets, read_repurpose10k, samplers
from vidkit.engine import check_config, load_config
from vidkit.engine.runner import Runner


class Lengths(list[int]):
    """A data set whose samples are their own lengths."""

    def lengths(self) -> list[int]:
        return list(self)


def _random_lengths(count: int, seed: int = 0) -> Lengths:
    return Lengths(np.random.default_rng(seed).integers(20, 1801, count).tolist())


def _of_rank(
    monkeypatch: pytest.MonkeyPatch, data: Lengths, rank: int, processes: int, **arguments: int
) -> LengthBuckets:
    monkeypatch.setattr(samplers, "get_dist_info", lambda: (rank, processes))
    return LengthBuckets(data, **arguments)


def _padding_share(lengths: np.ndarray, order: np.ndarray, batch_size: int) -> float:
    """Return the share of padded clips that are padding."""
    batches = [lengths[order[i : i + batch_size]] for i in range(0, len(order), batch_size)]
    return 1 - sum(batch.sum() for batch in batches) / sum(len(batch) * batch.max() for batch in batches)


@pytest.mark.parametrize("count", [0, 1, 3, 16, 17, 1000])
def test_every_sample_comes_once_an_epoch(count: int) -> None:
    sampler = LengthBuckets(_random_lengths(count), batch_size=4)
    assert sorted(sampler) == list(range(count))
    assert len(sampler) == count


def test_an_epoch_has_one_order_and_another_epoch_or_seed_another() -> None:
    data = _random_lengths(200)
    sampler, again = (LengthBuckets(data, batch_size=8, seed=3) for _ in range(2))
    first = list(sampler)
    assert list(sampler) == first == list(again)
    sampler.set_epoch(1)
    assert list(sampler) != first
    again.set_epoch(1)  # as a run that goes on does
    assert list(again) == list(sampler)
    assert list(LengthBuckets(data, batch_size=8, seed=4)) != first


@pytest.mark.parametrize("count", [200, 203])
def test_processes_share_the_global_batches_of_one(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    data = _random_lengths(count)
    whole = list(_of_rank(monkeypatch, data, 0, 1, batch_size=16))
    shares = [list(_of_rank(monkeypatch, data, rank, 4, batch_size=4)) for rank in range(4)]
    assert len({len(share) for share in shares}) == 1
    assert len(_of_rank(monkeypatch, data, 1, 4, batch_size=4)) == len(shares[0])
    for number in range(count // 16):
        together = [index for share in shares for index in share[4 * number : 4 * number + 4]]
        assert sorted(together) == sorted(whole[16 * number : 16 * number + 16])
    rest = [index for share in shares for index in share[count // 16 * 4 :]]
    repeated = whole[: -count % 4]  # so that all processes have as many
    assert sorted(rest) == sorted(whole[count // 16 * 16 :] + repeated)


def test_fewer_samples_than_processes_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [list(_of_rank(monkeypatch, Lengths([5]), rank, 3, batch_size=2)) for rank in range(3)] == [
        [0]
    ] * 3


def test_batches_hold_samples_of_like_length_and_come_in_random_order() -> None:
    data = _random_lengths(1024)
    lengths = np.array(data)
    order = np.array(list(LengthBuckets(data, batch_size=16)))
    assert _padding_share(lengths, order, 16) < 0.1
    means = lengths[order].reshape(-1, 16).mean(axis=1)
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3
    assert (np.diff(lengths[order].reshape(-1, 16), axis=1) < 0).any()  # nor is a batch sorted


def test_padding_is_far_below_that_of_a_random_order_on_real_lengths(real_data: Path) -> None:
    videos = read_repurpose10k(real_data / "repurpose10k" / "val.json")
    lengths = np.array([int(video.duration_seconds or 0) for video in videos])
    random_order = np.random.default_rng(0).permutation(len(lengths))
    buckets = np.array(list(LengthBuckets(Lengths(lengths.tolist()), batch_size=16)))
    shares = [_padding_share(lengths, order, 16) for order in (random_order, buckets)]
    assert 0.25 < shares[0] < 0.4
    assert shares[1] < 0.06


def test_a_data_set_that_tells_no_lengths_is_refused() -> None:
    with pytest.raises(
        TypeError, match="sorts samples by length, which list does not tell; use DefaultSampler"
    ):
        LengthBuckets([1, 2], batch_size=2)


def test_a_loader_gives_the_sampler_its_batch_size_and_seed() -> None:
    check_config(load_config("repurposing/mmct_repurpose10k"))  # which names neither
    data = _random_lengths(64)
    settings = dict(dataset=data, sampler=dict(type="LengthBuckets"), batch_size=8)
    loader = Runner.build_dataloader(None, settings, seed=5)
    assert isinstance(loader.sampler, LengthBuckets)
    assert (loader.sampler.global_batch, loader.sampler.seed, loader.batch_size) == (8, 5, 8)
    assert (
        list(loader)
        == np.reshape([data[index] for index in LengthBuckets(data, batch_size=8, seed=5)], (8, 8)).tolist()
    )
