"""The sound of a script: a topic's chord and pulse, noise, loud accidents, and the figures of highlights.

Everything is summed in whole numbers from wave tables, so the samples do not depend on the machine. A
second of sound is a function of the script and its number alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vidkit.data.synth.dice import Dice
from vidkit.data.synth.script import VERSION, Highlight, Mark, Script, Stretch
from vidkit.data.synth.shapes import SINE, SINE_STEPS

Ints = npt.NDArray[np.int64]
SAMPLE_RATE_HZ = 16_000
FULL = 32_768  # the sample value of 1.0
# Twelve semitones, in ten thousandths of the root's frequency.
SEMITONES = (10000, 10595, 11225, 11892, 12599, 13348, 14142, 14983, 15874, 16818, 17818, 18877)
FADE_SAMPLES = 480  # 30 ms
CHORD_HZ = (1320, 1650, 1980)  # 4 : 5 : 6, above the music
CHORD_LEVEL = 450  # of 32768, the amplitude of each tone
CHORD_FADE_SAMPLES = 3200  # 200 ms
# Semitones above the root that a highlight runs through, by its kind, and the length of a note in samples.
FIGURES = {
    "rays": ((12, 16, 19, 24), 1600),
    "rings": ((24, 19, 16, 12), 2000),
    "spiral": ((12, 14, 16, 17, 19, 21, 23, 24), 1200),
    "petals": ((12, 24), 1000),
    "sparks": ((19, 28, 24, 31, 16), 1400),
}


@dataclass(frozen=True)
class Timbre:
    """How a topic sounds: root, chord, strength of the harmonics, length of a beat in samples."""

    root_hz: int
    chord: tuple[int, ...]
    harmonics: tuple[int, ...]
    beat: int


TIMBRES = {
    "ocean": Timbre(110, (0, 7, 12), (8, 3, 1), 20_000),
    "forest": Timbre(147, (0, 3, 7), (6, 0, 4, 0, 2), 11_000),
    "city": Timbre(98, (0, 4, 10), (5, 4, 3, 3, 2, 2), 6_400),
    "desert": Timbre(131, (0, 1, 7), (7, 1, 5, 1, 1), 9_000),
    "mountain": Timbre(165, (0, 5, 12), (9, 1), 16_000),
    "space": Timbre(82, (0, 6, 11), (4, 0, 0, 5, 0, 0, 3), 24_000),
    "garden": Timbre(196, (0, 4, 7), (8, 2, 2), 8_000),
    "kitchen": Timbre(123, (0, 5, 9), (3, 5, 1, 3), 5_000),
}


class Band:
    """Plays the sound of one script, second by second.

    Example:
        >>> from vidkit.data.synth.writing import write_script
        >>> Band(write_script(0, seed=0, duration_seconds=4.0)).second(0).shape
        (16000,)
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self._key = (int(VERSION), script.seed, script.index)
        self._timbre = TIMBRES[script.topic]
        self._wave = _wave_table(self._timbre.harmonics)
        self._bright = _wave_table((6, 5, 4, 4, 3, 3))
        dice = Dice(*self._key, 10)
        self._hiss = dice.whole(300, 1100)  # of 32768, the background noise
        self._swell = (dice.whole(15, 40), dice.whole(0, SINE_STEPS - 1))  # its slow change: seconds, phase

    def second(self, number: int) -> npt.NDArray[np.float32]:
        """Return the samples of the second that starts at ``number`` seconds, float32 in [-1, 1]."""
        start = number * SAMPLE_RATE_HZ
        clock = np.arange(start, start + SAMPLE_RATE_HZ, dtype=np.int64)
        ordinary = self._ordinary(clock)
        duck = np.full(len(clock), 256, np.int64)
        figures = np.zeros(len(clock), np.int64)
        for highlight in self.script.highlights:
            if highlight.start < number + 1 and highlight.end > number:
                share = _envelope(clock, highlight)
                duck -= share * 3 // 4
                figures += self._figure(clock, highlight) * share >> 8
        total = (ordinary * duck >> 8) + figures + self._background(number, clock)
        for noise in self.script.noises:
            if noise.start < number + 1 and noise.end > number:
                total += _accident(clock, noise) * _envelope(clock, noise) >> 8
        for chord in self.script.chords:
            if chord.start < number + 1 and chord.end > number:
                total += _steady_chord(clock) * _envelope(clock, chord, CHORD_FADE_SAMPLES) >> 8
        return np.asarray(np.clip(total, -FULL, FULL - 1) / FULL, dtype=np.float32)

    def _ordinary(self, clock: Ints) -> Ints:
        """Return the topic's chord, with a pulse that dies away over each beat."""
        timbre = self._timbre
        chord = sum(_tone(self._wave, clock, timbre.root_hz, step) for step in timbre.chord)
        pulse = 256 - clock % timbre.beat * 200 // timbre.beat
        return np.asarray(chord * pulse * 1900 >> 20)

    def _figure(self, clock: Ints, highlight: Highlight) -> Ints:
        """Return the run of notes of a highlight in the topic's timbre made brighter."""
        steps, note = FIGURES[highlight.kind]
        transposed = Dice(highlight.key, 1).whole(0, 4)
        elapsed = clock - round(highlight.start * SAMPLE_RATE_HZ)
        place = elapsed // note % len(steps)
        phases = np.array([_increment(self._timbre.root_hz, step + transposed) for step in steps])[place]
        turn = clock * phases >> 16 & SINE_STEPS - 1
        decay = 256 - elapsed % note * 150 // note
        level = 2000 if highlight.quiet else 4600
        return np.asarray(((self._wave[turn] + self._bright[turn]) * decay >> 8) * level >> 12)

    def _background(self, number: int, clock: Ints) -> Ints:
        seconds, phase = self._swell
        turn = (clock * SINE_STEPS // (seconds * SAMPLE_RATE_HZ) + phase) % SINE_STEPS
        return Dice(*self._key, 11, number).noise(len(clock)) * (self._hiss * (5000 + SINE[turn]) >> 13) >> 15


def _accident(clock: Ints, noise: Stretch) -> Ints:
    """Return a loud noise that means nothing: a burst, a low rumble or a clatter."""
    start = round(noise.start * SAMPLE_RATE_HZ)
    dice = Dice(noise.key)
    level, pace = dice.whole(5_000, 11_000), dice.whole(1_200, 2_600)
    first = int(clock[0])
    white = Dice(noise.key, first // SAMPLE_RATE_HZ).noise(len(clock)) * level >> 15
    if noise.kind == "burst":
        return white
    if noise.kind == "rumble":  # held for 64 samples: little above 125 Hz
        return np.repeat(white[::64], 64)[: len(clock)]
    return white * (256 - (clock - start) % pace * 256 // pace) >> 7


def _steady_chord(clock: Ints) -> Ints:
    """Return the chord of passages and decoys, the same in every video."""
    chord = sum(_tone(SINE, clock, hertz, 0) for hertz in CHORD_HZ)
    return np.asarray(chord * CHORD_LEVEL >> 12)


def _envelope(clock: Ints, times: Highlight | Stretch | Mark, fade_samples: int = FADE_SAMPLES) -> Ints:
    """Return 0..256: zero outside the times, with ramps inside."""
    inside = np.minimum(
        clock - round(times.start * SAMPLE_RATE_HZ), round(times.end * SAMPLE_RATE_HZ) - clock
    )
    return np.asarray(np.clip(inside, 0, fade_samples) * 256 // fade_samples)


def _tone(wave: Ints, clock: Ints, root_hz: int, step: int) -> Ints:
    return np.asarray(wave[clock * _increment(root_hz, step) >> 16 & SINE_STEPS - 1])


def _increment(root_hz: int, step: int) -> int:
    """Return how far a wave table turns per sample, in 65536ths of a step."""
    octave, semitone = divmod(step, 12)
    turns = (root_hz * SEMITONES[semitone] << octave) * SINE_STEPS * 65_536
    return turns // (10_000 * SAMPLE_RATE_HZ)


def _wave_table(harmonics: tuple[int, ...]) -> Ints:
    """Return one turn of a wave with the given harmonics, in about -4096 .. 4096."""
    steps = np.arange(SINE_STEPS)
    total = sum(strength * SINE[steps * (place + 1) % SINE_STEPS] for place, strength in enumerate(harmonics))
    return np.asarray(total // sum(harmonics), dtype=np.int64)
