"""Moment-DETR on QVHighlights: SlowFast and CLIP, as its paper trains it.

Run:      vidkit train moment_retrieval/moment_detr_qvhighlights
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row moment_detr_qvhighlights
"""

_base_ = ["../_base_/moment_detr.py", "../_base_/qvhighlights.py", "../_base_/runtime_best.py"]

model = dict(
    visual_encoder=dict(
        type="JoinedFeatures",
        parts=[
            dict(type="Precomputed", dim=2304, name="slowfast_features"),
            dict(type="Precomputed", dim=512, name="clip_features"),
        ],
    ),
    text_encoder=dict(type="Precomputed", dim=512, modality="text", name="clip_text_features"),
    round_to_clips=True,
)
default_hooks = dict(checkpoint=dict(save_best="MR-full-mAP"))
