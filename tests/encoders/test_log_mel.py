from __future__ import annotations

import numpy as np
import pytest
import torch

from vidkit.encoders import LogMelAudio
from vidkit.encoders.audio.log_mel import DB_MEAN, DB_STD, HOP_SAMPLES, N_FFT


def _hz_to_mel(hz: np.ndarray) -> np.ndarray:
    """Slaney's scale (Auditory Toolbox): linear below 1 kHz, then 27 steps for a factor of 6.4."""
    return np.where(hz < 1000, 3 * hz / 200, 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4))


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, 200 * mel / 3, 1000 * 6.4 ** ((mel - 15) / 27))


def _reference_log_mel(wave: np.ndarray, num_mels: int, rate: int) -> np.ndarray:
    """Mean over the frames of 10 log10 of triangular mel bands of the power spectrum, (num_mels,)."""
    padded = np.pad(wave.astype(np.float64), N_FFT // 2, mode="reflect")
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    starts = range(0, len(padded) - N_FFT + 1, HOP_SAMPLES)
    power = np.stack([np.abs(np.fft.rfft(padded[s : s + N_FFT] * hann)) ** 2 for s in starts])
    bins = np.linspace(0, rate / 2, N_FFT // 2 + 1)
    edges = _mel_to_hz(np.linspace(0, _hz_to_mel(np.array(rate / 2)), num_mels + 2))
    filters = np.zeros((num_mels, len(bins)))
    for m in range(num_mels):
        low, centre, high = edges[m : m + 3]
        triangle = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
        filters[m] = np.maximum(triangle, 0) * 2 / (high - low)
    return (10 * np.log10(np.maximum(power @ filters.T, 1e-10))).mean(0)


@pytest.mark.parametrize(
    ("num_mels", "rate", "seconds"), [(64, 16000, 0.4), (40, 8000, 0.5), (80, 32000, 1.0)]
)
def test_agrees_with_the_definition_on_noise_and_a_tone(num_mels: int, rate: int, seconds: float) -> None:
    generator = np.random.default_rng(0)
    times = np.arange(round(rate * seconds)) / rate
    waves = np.stack([generator.normal(0, 0.1, len(times)), 0.5 * np.sin(2 * np.pi * 440 * times)])
    encoder = LogMelAudio(num_mels=num_mels, sample_rate_hz=rate, window_seconds=seconds)
    features = encoder(torch.from_numpy(waves.astype(np.float32)))
    expected = np.stack([(_reference_log_mel(wave, num_mels, rate) - DB_MEAN) / DB_STD for wave in waves])
    # A float32 FFT leaves about -70 dB where a pure tone has nothing: compare the noise closely.
    np.testing.assert_allclose(features[0].numpy(), expected[0], atol=1e-3)
    loud = expected[1] > expected[1].max() - 2
    np.testing.assert_allclose(features[1].numpy()[loud], expected[1][loud], atol=1e-2)


def test_silence_is_the_floor_in_every_band() -> None:
    features = LogMelAudio()(torch.zeros(1, 6400))
    torch.testing.assert_close(features, torch.full((1, 64), (-100 - DB_MEAN) / DB_STD))


def test_ten_times_the_amplitude_is_twenty_decibels() -> None:
    wave = torch.randn(1, 6400) * 0.01
    encoder = LogMelAudio()
    torch.testing.assert_close(encoder(10 * wave) - encoder(wave), torch.full((1, 64), 20 / DB_STD))


def test_a_window_shorter_than_a_spectrum_is_refused() -> None:
    with pytest.raises(ValueError, match=r"has 160 samples and one spectrum needs 1024; .* at least 0.064"):
        LogMelAudio(window_seconds=0.01)


def test_a_sample_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at 0 Hz has 0 samples"):
        LogMelAudio(sample_rate_hz=0)


def test_no_bands_are_refused() -> None:
    with pytest.raises(ValueError, match="num_mels must be at least 1, got 0"):
        LogMelAudio(num_mels=0)


def test_waveforms_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"waveforms \(N, samples\) of 1024 samples or more, got \(6400,\)"):
        LogMelAudio()(torch.zeros(6400))
