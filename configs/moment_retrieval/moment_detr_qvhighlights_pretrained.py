"""Moment-DETR on QVHighlights, from the weights of moment_detr_qvhighlights_pretraining.

Run:      vidkit train moment_retrieval/moment_detr_qvhighlights_pretrained
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row moment_detr_qvhighlights_pretrained
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
load_from = "work_dirs/moment_detr_qvhighlights_pretraining/epoch_100.pth"
default_hooks = dict(checkpoint=dict(save_best="MR-full-mAP"))
