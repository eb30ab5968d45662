"""RASL on the synthetic data set with pixels, the visual feature of the weakest row of Table V.

Run:      vidkit train highlight_detection/rasl_synthetic_pixels
Data:     docs/synthetic_data.md
Results:  docs/highlight_detection.md
"""

_base_ = ["../_base_/rasl_embedded.py", "../_base_/synthetic_highlights.py", "../_base_/runtime.py"]

model = dict(visual_encoder=dict(_delete_=True, type="PixelVisual"))
