"""Log-mel spectra as the audio networks of the papers were trained on them, each with all of its numbers.

Every class turns waveforms into what one network reads, in float32 whatever the precision of the network is.

Shapes: N clips, S samples, T spectrogram frames, M mel bands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchaudio.compliance import kaldi
from torchaudio.functional import melscale_fbanks

# Of mmaction2's tools/data/build_audio_features.py (open-mmlab/mmaction2@01cd893).
TARGET_RMS = 0.1
MIN_RMS = 1e-4
REFERENCE_DB = 20.0
RANGE_DB = 100.0
_DECIBELS = {
    "target_rms": TARGET_RMS,
    "min_rms": MIN_RMS,
    "reference_db": REFERENCE_DB,
    "range_db": RANGE_DB,
}
PANNS_FLOOR = 1e-10
# Of Mockingjay's pretrain config (s3prl/s3prl@d971e0c).
TARGET_LEVEL_DB = -25.0
MOCKINGJAY_EPS = 1e-10
# Of AudioSet, by the authors of AST.
AST_MEAN = -4.2677393
AST_STD = 4.5689974


@dataclass(frozen=True)
class MelSettings:
    """The numbers of a mel spectrogram.

    Args:
        sample_rate_hz: Of the sound.
        window_samples: Length of the window, at most ``fft_samples``, in whose middle it stands.
        hop_samples: From one frame to the next.
        fft_samples: Length of the Fourier transform.
        num_mels: M.
        low_hz: Lower edge of the lowest band.
        high_hz: Upper edge of the highest band.
        scale: "slaney" (linear below 1 kHz) or "htk".
        norm: "slaney" gives every band the same area, None the same height.
        power: 2 sums the power spectrum into bands, 1 the magnitudes.
    """

    sample_rate_hz: int
    window_samples: int
    hop_samples: int
    fft_samples: int
    num_mels: int
    low_hz: float
    high_hz: float
    scale: Literal["slaney", "htk"] = "slaney"
    norm: Literal["slaney"] | None = "slaney"
    power: float = 2.0


def panns_settings(sample_rate_hz: int) -> MelSettings:
    """Return the spectrogram of PANNs: 32 ms windows every 10 ms, 64 bands from 50 Hz on.

    Args:
        sample_rate_hz: 32000, 16000 or 8000.
    """
    return MelSettings(
        sample_rate_hz=sample_rate_hz,
        window_samples=sample_rate_hz * 32 // 1000,
        hop_samples=sample_rate_hz // 100,
        fft_samples=sample_rate_hz * 32 // 1000,
        num_mels=64,
        low_hz=50.0,
        high_hz=min(14000.0, sample_rate_hz / 2),
    )


USV = MelSettings(
    sample_rate_hz=16000,
    window_samples=512,
    hop_samples=256,
    fft_samples=1280,
    num_mels=80,
    low_hz=125.0,
    high_hz=7600.0,
    power=1.0,
)
"""USV's text gives rate, window, hop, FFT and bands; the rest is mmaction2's."""

MMACTION2 = MelSettings(
    sample_rate_hz=16000,
    window_samples=512,
    hop_samples=256,
    fft_samples=512,
    num_mels=80,
    low_hz=125.0,
    high_hz=7600.0,
    power=1.0,
)
"""What mmaction2's script sets (its class has 1280 / 320, its table of results 1024)."""

MOCKINGJAY = MelSettings(
    sample_rate_hz=16000,
    window_samples=400,
    hop_samples=160,
    fft_samples=400,
    num_mels=80,
    low_hz=0.0,
    high_hz=8000.0,
    scale="htk",
    norm=None,
)


class FrontEnd(nn.Module):
    """Base of front ends: constants that move with the module and stay float32, and are no weights.

    Attributes:
        numbers: All that decide on the result, as JSON values.
    """

    numbers: dict[str, Any]

    def description(self) -> dict[str, Any]:
        """Return the class and its numbers, which belong to the fingerprint of an encoder."""
        return {"type": type(self).__name__, **self.numbers}

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> FrontEnd:
        constants = dict(self._buffers)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, value in constants.items():
            moved = self._buffers[name]
            if value is not None and moved is not None:
                self._buffers[name] = value.to(moved.device)
        return self


class MelBands(FrontEnd):
    """Mel spectrogram of waveforms that are padded already: (N, S) -> (N, T, M).

    Args:
        settings: The numbers.
        window: (window_samples,); None for a periodic Hann window.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, settings: MelSettings, window: Tensor | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.numbers = asdict(settings)
        window = torch.hann_window(settings.window_samples) if window is None else window
        filters = melscale_fbanks(
            settings.fft_samples // 2 + 1,
            settings.low_hz,
            settings.high_hz,
            settings.num_mels,
            settings.sample_rate_hz,
            norm=settings.norm,
            mel_scale=settings.scale,
        )
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("filters", filters, persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the bands, (N, T, M), T = 1 + (S - fft_samples) // hop_samples."""
        settings = self.settings
        with torch.autocast(waveforms.device.type, enabled=False):
            spectrum = torch.stft(
                waveforms.to(self.window),
                settings.fft_samples,
                settings.hop_samples,
                settings.window_samples,
                self.window,
                center=False,
                return_complex=True,
            )  # (N, F, T)
            bands: Tensor = spectrum.abs().pow(settings.power).transpose(1, 2) @ self.filters
            return bands


class PannsLogMel(FrontEnd):
    """Log-mel of PANNs: 10 log10(max(power, 1e-10)), centred with reflection, no scaling of the waveform.

    The same as torchlibrosa's layers in qiuqiangkong/audioset_tagging_cnn@d2f4b8c to 2e-4 dB.

    Args:
        sample_rate_hz: 32000, 16000 or 8000.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        super().__init__()
        self.bands = MelBands(panns_settings(sample_rate_hz))
        self.numbers = {**self.bands.numbers, "floor": PANNS_FLOOR}

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return decibels, (N, T, 64), T = 1 + S // hop; S > half an FFT."""
        bands: Tensor = self.bands(_reflected(waveforms, self.bands.settings.fft_samples))
        return 10 * bands.clamp(min=PANNS_FLOOR).log10()


class UsvLogMel(FrontEnd):
    """Log-mel of USV's audio network, in [0, 1]: centred with reflection, then mmaction2's rules.

    The waveform is scaled to an RMS of 0.1; a magnitude x becomes (20 log10 max(x, 1e-5) - 20 + 100) / 100,
    clipped to [0, 1].
    """

    def __init__(self) -> None:
        super().__init__()
        self.bands = MelBands(USV)
        self.numbers = {**self.bands.numbers, **_DECIBELS}

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return normalised decibels, (N, T, 80), T = 1 + S // 256; S > 640."""
        padded = _reflected(_scaled_to_rms(waveforms.float()), USV.fft_samples)
        return _normalised_decibels(self.bands(padded))


class Mmaction2LogMel(FrontEnd):
    """Log-mel of mmaction2's audio features, in [0, 1]: the STFT of the package ``lws``, then the same rules.

    ``lws`` (Jonathan-LeRoux/lws, 1.2.6) pads zeros in front, so that every sample lies in as many frames as
    any other, and behind, to the end of the last frame that holds sound; its window is the square root of a
    symmetric Hann window (sampled at half steps), scaled to give the sound back when applied twice.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bands = MelBands(MMACTION2, lws_window(MMACTION2.window_samples, MMACTION2.hop_samples))
        self.numbers = {**self.bands.numbers, **_DECIBELS}

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return normalised decibels, (N, T, 80), T = ceil(S / 256) + 1."""
        size, hop = MMACTION2.fft_samples, MMACTION2.hop_samples
        num_frames = math.ceil(waveforms.shape[1] / hop) + size // hop - 1
        front = size - hop
        behind = (num_frames - 1) * hop + size - front - waveforms.shape[1]
        padded = F.pad(_scaled_to_rms(waveforms.float()), (front, behind))
        return _normalised_decibels(self.bands(padded))


def lws_window(window_samples: int, hop_samples: int) -> Tensor:
    """Return the analysis window of ``lws.lws(window_samples, hop_samples)``, float32.

    Args:
        window_samples: A multiple of ``hop_samples``.
        hop_samples: From one frame to the next.
    """
    steps = torch.arange(1, 2 * window_samples, 2, dtype=torch.float64) / (2 * window_samples)
    hann = 0.5 - 0.5 * torch.cos(2 * math.pi * steps)
    overlap = hann.view(-1, hop_samples).sum(0).repeat(window_samples // hop_samples)
    return (hann / overlap).sqrt().float()


class MockingjayLogMel(FrontEnd):
    """Input of Mockingjay's published networks: ln(mel power + 1e-10), each band standardised over time.

    The waveform is scaled to -25 dB RMS; 25 ms windows every 10 ms, centred with reflection; 80 bands of the
    HTK scale without area normalisation; mean 0 and (unbiased) standard deviation 1 over the frames of the
    waveform. s3prl/s3prl@06b27af, upstream/baseline/preprocessor.py.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bands = MelBands(MOCKINGJAY)
        own = {"target_level_db": TARGET_LEVEL_DB, "eps": MOCKINGJAY_EPS}
        self.numbers = {**self.bands.numbers, **own}

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return standardised log-mel spectra, (N, T, 80), T = 1 + S // 160; S >= 400."""
        waveforms = waveforms.float()
        rms = waveforms.square().mean(-1, keepdim=True).sqrt()
        scaled = waveforms * (10 ** (TARGET_LEVEL_DB / 20) / (rms + MOCKINGJAY_EPS))
        log_mel: Tensor = (self.bands(_reflected(scaled, MOCKINGJAY.fft_samples)) + MOCKINGJAY_EPS).log()
        mean, std = log_mel.mean(1, keepdim=True), log_mel.std(1, keepdim=True)
        return (log_mel - mean) / (std + MOCKINGJAY_EPS)


class AstFilterBank(FrontEnd):
    """Input of AST: Kaldi's log filter bank of 128 bands, cut or padded with zeros, then normalised.

    25 ms Hann windows every 10 ms, no dither, no energy; the waveform, of full scale 1, loses its mean
    first. Padded frames are 0 before normalisation, so 0.467 after it. YuanGongND/ast@75345c7, dataloader.py.

    Args:
        sample_rate_hz: Of the sound.
        num_mels: Bands.
        num_frames: T of the network.
    """

    anchor: Tensor  # knows the device

    def __init__(self, *, sample_rate_hz: int = 16000, num_mels: int = 128, num_frames: int = 1024) -> None:
        super().__init__()
        self.sample_rate_hz = sample_rate_hz
        self.num_mels = num_mels
        self.num_frames = num_frames
        own = {"sample_rate_hz": sample_rate_hz, "num_mels": num_mels, "num_frames": num_frames}
        self.numbers = {**own, "mean": AST_MEAN, "std": AST_STD}
        self.register_buffer("anchor", torch.zeros(()), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return normalised filter banks, (N, num_frames, num_mels); S >= 400."""
        waveforms = waveforms.to(self.anchor)
        with torch.autocast(waveforms.device.type, enabled=False):
            banks = torch.stack([self._bank(wave[None]) for wave in waveforms])
        return (banks - AST_MEAN) / (2 * AST_STD)

    def _bank(self, waveform: Tensor) -> Tensor:
        bank = kaldi.fbank(
            waveform - waveform.mean(),
            htk_compat=True,
            sample_frequency=self.sample_rate_hz,
            use_energy=False,
            window_type="hanning",
            num_mel_bins=self.num_mels,
            dither=0.0,
            frame_shift=10,
        )
        num_missing = max(self.num_frames - len(bank), 0)
        padded: Tensor = F.pad(bank[: self.num_frames], (0, 0, 0, num_missing))
        return padded


def _reflected(waveforms: Tensor, fft_samples: int) -> Tensor:
    """Return the waveforms with half an FFT of themselves, mirrored, at both ends."""
    half = fft_samples // 2
    return F.pad(waveforms[:, None].float(), (half, half), mode="reflect")[:, 0]


def _scaled_to_rms(waveforms: Tensor) -> Tensor:
    rms = waveforms.square().mean(-1, keepdim=True).sqrt()
    return waveforms * (TARGET_RMS / rms.clamp(min=MIN_RMS))


def _normalised_decibels(magnitudes: Tensor) -> Tensor:
    decibels = 20 * magnitudes.clamp(min=10 ** (-RANGE_DB / 20)).log10() - REFERENCE_DB
    return ((decibels + RANGE_DB) / RANGE_DB).clamp(0, 1)
