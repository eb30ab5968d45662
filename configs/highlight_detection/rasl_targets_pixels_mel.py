"""Table V: pixels and log-mel as targets.

Run:      vidkit train highlight_detection/rasl_targets_pixels_mel
Data:     docs/highlight_detection.md#activitynet
Results:  docs/highlight_detection.md, row rasl_targets_pixels_mel
"""

_base_ = [
    "../_base_/rasl.py",
    "../_base_/activitynet.py",
    "../_base_/youtube_highlights.py",
    "../_base_/runtime.py",
]

model = dict(
    visual_encoder=dict(_delete_=True, type="PixelVisual"),
    audio_encoder=dict(_delete_=True, type="LogMelAudio"),
)
