"""Table III without audio: the visual branch trains alone.

Run:      vidkit train highlight_detection/rasl_without_audio
Data:     docs/highlight_detection.md#activitynet
Results:  docs/highlight_detection.md, row rasl_without_audio
"""

_base_ = [
    "../_base_/rasl.py",
    "../_base_/activitynet.py",
    "../_base_/youtube_highlights.py",
    "../_base_/runtime.py",
]

model = dict(audio_encoder=None)
