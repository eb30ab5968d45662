"""The front ends of the audio encoders against public libraries and plain formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal.windows import hann
from torch import Tensor
from torchaudio.compliance import kaldi
from torchaudio.functional import melscale_fbanks

from vidkit.encoders.audio import front_ends
from vidkit.encoders.audio.front_ends import (
    MMACTION2,
    USV,
    AstFilterBank,
    FrontEnd,
    MelBands,
    MelSettings,
    Mmaction2LogMel,
    MockingjayLogMel,
    PannsLogMel,
    UsvLogMel,
    lws_window,
    panns_settings,
)

PANNS = {32000: (1024, 320, 14000), 16000: (512, 160, 8000), 8000: (256, 80, 4000)}


def _noise(num_samples: int, num_clips: int = 2) -> Tensor:
    return torch.randn(num_clips, num_samples, generator=torch.Generator().manual_seed(0)) * 0.1


def _torchlibrosa_log_mel(waveforms: Tensor, rate: int) -> Tensor:
    """The two layers in front of PANNs' networks, with the numbers of audioset_tagging_cnn's model files."""
    stft = pytest.importorskip(
        "torchlibrosa.stft", reason="compares with torchlibrosa: pip install torchlibrosa"
    )
    window, hop, high = PANNS[rate]
    spectrogram = stft.Spectrogram(n_fft=window, hop_length=hop, win_length=window, freeze_parameters=True)
    log_mel = stft.LogmelFilterBank(
        sr=rate, n_fft=window, n_mels=64, fmin=50, fmax=high, ref=1.0, amin=1e-10, top_db=None
    )
    return log_mel(spectrogram(waveforms))[:, 0]


@pytest.mark.parametrize("rate", PANNS)
def test_panns_log_mel_is_that_of_torchlibrosa(rate: int) -> None:
    waveforms = _noise(rate)
    waveforms[1] *= torch.linspace(0, 1, rate)
    got, expected = PannsLogMel(rate)(waveforms), _torchlibrosa_log_mel(waveforms, rate)
    assert got.shape == (2, 101, 64)
    torch.testing.assert_close(got, expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize(("change", "wrong_by"), [({"scale": "htk"}, 10), ({"norm": None}, 10)])
def test_another_mel_scale_or_norm_is_not_panns(
    change: dict[str, object], wrong_by: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = MelSettings(**{**vars(panns_settings(32000)), **change})
    monkeypatch.setattr(front_ends, "panns_settings", lambda rate: settings)
    waveforms = _noise(32000)
    difference = PannsLogMel(32000)(waveforms) - _torchlibrosa_log_mel(waveforms, 32000)
    assert difference.abs().max() > wrong_by


def test_silence_is_minus_100_decibels_for_panns() -> None:
    torch.testing.assert_close(PannsLogMel(32000)(torch.zeros(1, 9920)), torch.full((1, 32, 64), -100.0))


def _reference_normalised(wave: np.ndarray, magnitude: np.ndarray, fft_samples: int) -> np.ndarray:
    """mmaction2's rules (build_audio_features.py) after its STFT: magnitude (T, F) -> (T, 80) in [0, 1]."""
    librosa = pytest.importorskip("librosa")
    basis = librosa.filters.mel(sr=16000, n_fft=fft_samples, fmin=125, fmax=7600, n_mels=80)
    decibels = 20 * np.log10(np.maximum(1e-5, magnitude @ basis.T)) - 20
    return np.clip((decibels + 100) / 100, 0, 1)


def _reference_rms(wave: np.ndarray) -> np.ndarray:
    return wave * 0.1 / max(1e-4, float(np.sqrt(np.mean(wave**2))))


@pytest.mark.parametrize("scale", [1.0, 1e-7])
def test_usv_log_mel_is_that_of_librosa(scale: float) -> None:
    librosa = pytest.importorskip("librosa")
    waveforms = _noise(32000) * scale
    got = UsvLogMel()(waveforms)
    assert got.shape == (2, 126, 80)  # spec: centred frames of 2 s
    for clip, wave in zip(got, waveforms.double().numpy(), strict=True):
        spectrum = librosa.stft(
            _reference_rms(wave), n_fft=1280, win_length=512, hop_length=256, pad_mode="reflect"
        )
        expected = _reference_normalised(wave, np.abs(spectrum).T, 1280)
        np.testing.assert_allclose(clip.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(("num_samples", "num_frames"), [(32000, 126), (34133, 135), (256, 2), (1, 2)])
def test_mmaction2_log_mel_is_the_definition_of_lws(num_samples: int, num_frames: int) -> None:
    """Plain STFT as the package lws describes it: zeros so that every sample lies in two frames."""
    waveforms = _noise(num_samples)
    got = Mmaction2LogMel()(waveforms)
    assert got.shape == (2, num_frames, 80)
    window = np.sqrt(hann(1025)[1::2])  # Hann at half steps; two of them, half a window apart, sum to one
    for clip, wave in zip(got, waveforms.double().numpy(), strict=True):
        padded = np.concatenate([np.zeros(256), _reference_rms(wave), np.zeros(768)])
        frames = np.stack([padded[256 * m : 256 * m + 512] for m in range(num_frames)])
        expected = _reference_normalised(wave, np.abs(np.fft.rfft(frames * window)), 512)
        np.testing.assert_allclose(clip.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(("window", "hop"), [(512, 256), (1280, 320), (1280, 256)])
def test_the_window_of_lws_gives_the_sound_back_when_applied_twice(window: int, hop: int) -> None:
    squares = lws_window(window, hop).square().view(-1, hop).sum(0)
    torch.testing.assert_close(squares, torch.ones(hop))


def test_silence_is_the_floor_of_usv_and_mmaction2() -> None:
    assert UsvLogMel()(torch.zeros(1, 32000)).count_nonzero() == 0
    assert Mmaction2LogMel()(torch.zeros(1, 32000)).count_nonzero() == 0


def test_loudness_does_not_change_usv_mmaction2_and_mockingjay() -> None:
    waveforms = _noise(16000)
    for front_end in (UsvLogMel(), Mmaction2LogMel(), MockingjayLogMel()):
        torch.testing.assert_close(front_end(waveforms * 4), front_end(waveforms), rtol=1e-4, atol=1e-4)


def _reference_mockingjay(wave: Tensor) -> Tensor:
    """s3prl's builder and OnlinePreprocessor in double precision: (S,) -> (T, 80)."""
    wave = wave.double()
    wave = wave * 10 ** (-25 / 20) / (wave.pow(2).mean().sqrt() + 1e-10)
    padded = torch.cat([wave[1:201].flip(0), wave, wave[-201:-1].flip(0)])
    frames = padded.unfold(0, 400, 160) * torch.hann_window(400, dtype=torch.float64)
    power = torch.fft.rfft(frames).abs() ** 2
    filters = melscale_fbanks(201, 0.0, 8000.0, 80, 16000, norm=None, mel_scale="htk").double()
    log_mel = (power @ filters + 1e-10).log()
    return (log_mel - log_mel.mean(0)) / (log_mel.std(0) + 1e-10)


@pytest.mark.parametrize("num_samples", [400, 1234, 16000])
def test_mockingjay_log_mel_is_its_definition(num_samples: int) -> None:
    waveforms = _noise(num_samples)
    expected = torch.stack([_reference_mockingjay(wave) for wave in waveforms]).float()
    got = MockingjayLogMel()(waveforms)
    assert got.shape == (2, 1 + num_samples // 160, 80)
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=2e-3)


def test_mockingjay_log_mel_of_silence_is_finite() -> None:
    assert MockingjayLogMel()(torch.zeros(1, 16000)).abs().max() == 0


def test_ast_filter_bank_is_that_of_the_hugging_face_extractor() -> None:
    from transformers import ASTFeatureExtractor

    waveforms = _noise(32000) + 0.05
    expected = ASTFeatureExtractor()(list(waveforms.numpy()), sampling_rate=16000, return_tensors="pt")
    got = AstFilterBank()(waveforms)
    assert got.shape == (2, 1024, 128)
    torch.testing.assert_close(got, expected["input_values"], rtol=0, atol=2e-4)


def test_ast_pads_before_and_normalises_after() -> None:
    bank = AstFilterBank(num_frames=100)(_noise(8000))
    assert bank.shape == (2, 100, 128)
    torch.testing.assert_close(bank[:, 48:], torch.full((2, 52, 128), 0.467), rtol=0, atol=1e-3)
    wave = _noise(8000)[:1]
    first = kaldi.fbank(wave - wave.mean(), htk_compat=True, window_type="hanning", num_mel_bins=128)
    torch.testing.assert_close(bank[0, :48], (first + 4.2677393) / (2 * 4.5689974), rtol=1e-5, atol=1e-5)


def test_ast_cuts_what_is_too_long() -> None:
    assert AstFilterBank(num_frames=10)(_noise(8000)).shape == (2, 10, 128)


FRONT_ENDS = [
    pytest.param(PannsLogMel(16000), id="PANNs"),
    pytest.param(UsvLogMel(), id="USV"),
    pytest.param(Mmaction2LogMel(), id="mmaction2"),
    pytest.param(MockingjayLogMel(), id="Mockingjay"),
    pytest.param(AstFilterBank(num_frames=60), id="AST"),
]


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_front_end_stays_float32_in_a_module_of_bfloat16_and_has_no_weights(front_end: FrontEnd) -> None:
    waveforms = _noise(8000)
    expected = front_end(waveforms)
    assert not front_end.state_dict()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(front_end(waveforms), expected)
    low = torch.nn.Sequential(front_end).to(torch.bfloat16)
    assert low(waveforms).dtype == torch.float32
    torch.testing.assert_close(low(waveforms), expected)


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_a_clip_does_not_depend_on_its_batch(front_end: FrontEnd) -> None:
    waveforms = _noise(8000, num_clips=3)
    alone = torch.cat([front_end(wave[None]) for wave in waveforms])
    torch.testing.assert_close(front_end(waveforms), alone, rtol=1e-5, atol=1e-5)


def test_constants_move_with_the_module() -> None:
    bands = MelBands(USV).to("meta")
    assert bands.window.device.type == bands.filters.device.type == "meta"
    assert MelBands(MMACTION2).window.device.type == "cpu"
