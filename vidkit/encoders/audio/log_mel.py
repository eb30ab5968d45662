"""The mean log-mel spectrum of a clip's sound.

Shapes: N clips, S samples a window, T_m spectrogram frames, D = ``num_mels`` channels.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torchaudio.transforms import MelSpectrogram

from vidkit.encoders.base import AudioRecipe, Encoder
from vidkit.registry import ENCODERS

N_FFT = 1024
HOP_SAMPLES = 256
POWER_FLOOR = 1e-10  # silence is -100 dB
DB_MEAN = -30.0  # speech and music of everyday video lie between -40 and 0 dB
DB_STD = 20.0
_SPECTROGRAM: dict[str, Any] = dict(n_fft=N_FFT, hop_length=HOP_SAMPLES, norm="slaney", mel_scale="slaney")


@ENCODERS.register_module()
class LogMelAudio(Encoder):
    """Mean over the window of the log-mel spectrogram, in about unit scale; no weights.

    Power spectrum of a periodic Hann window of 1024 samples every 256, centred with reflection at the edges;
    mel filters with Slaney's scale and area normalisation from 0 Hz to half the sample rate;
    10 log10(max(x, 1e-10)); the mean over the frames; (dB + 30) / 20. Silence gives -3.5 everywhere.

    Args:
        num_mels: Mel bands, the channels of the feature, > 0.
        sample_rate_hz: Sample rate of the sound that it reads, > 0.
        window_seconds: Length of sound per clip, at least 1024 samples.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> import torch
        >>> LogMelAudio()(torch.zeros(2, 6400)).shape
        torch.Size([2, 64])
    """

    modality = "audio"

    def __init__(
        self, *, num_mels: int = 64, sample_rate_hz: int = 16000, window_seconds: float = 0.4
    ) -> None:
        super().__init__()
        recipe = AudioRecipe(sample_rate_hz=sample_rate_hz, window_seconds=window_seconds)
        if num_mels < 1:
            raise ValueError(f"num_mels must be at least 1, got {num_mels}")
        if sample_rate_hz < 1 or recipe.num_samples < N_FFT:
            raise ValueError(
                f"a window of {window_seconds} s at {sample_rate_hz} Hz has {recipe.num_samples} samples "
                f"and one spectrum needs {N_FFT}; "
                f"make window_seconds at least {N_FFT / max(sample_rate_hz, 1):.3f}"
            )
        self.dim = num_mels
        self.recipe = self._audio = recipe
        self.spectrogram = MelSpectrogram(sample_rate=sample_rate_hz, n_mels=num_mels, **_SPECTROGRAM)

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the mean log-mel spectra, shape (N, D).

        Args:
            inputs: Mono waveforms in [-1, 1], floating point, (N, S) with S >= 1024.

        Raises:
            ValueError: If ``inputs`` has another shape.
        """
        if inputs.ndim != 2 or inputs.shape[1] < N_FFT:
            raise ValueError(
                f"LogMelAudio reads waveforms (N, samples) of {N_FFT} samples or more, "
                f"got {tuple(inputs.shape)}"
            )
        window = self.spectrogram.spectrogram.window
        power: Tensor = self.spectrogram(inputs.to(window))  # (N, D, T_m)
        decibels = 10 * power.clamp(min=POWER_FLOOR).log10()
        return (decibels.mean(-1) - DB_MEAN) / DB_STD

    def description(self) -> dict[str, Any]:
        """Return what the sidecar of a feature file says, with the numbers of the spectrogram."""
        front_end = {**_SPECTROGRAM, "floor": POWER_FLOOR, "db_mean": DB_MEAN, "db_std": DB_STD}
        return {**super().description(), "front_end": front_end}

    def arguments(self) -> dict[str, Any]:
        """Return bands, sample rate and window."""
        return {
            "num_mels": self.dim,
            "sample_rate_hz": self._audio.sample_rate_hz,
            "window_seconds": self._audio.window_seconds,
        }
