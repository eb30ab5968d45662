"""UMT on QVHighlights without sound.

Run:      vidkit train moment_retrieval/umt_qvhighlights_visual
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row umt_qvhighlights_visual
"""

_base_ = ["../_base_/umt.py", "../_base_/qvhighlights.py", "../_base_/runtime_best.py"]

model = dict(
    visual_encoder=dict(
        type="JoinedFeatures",
        parts=[
            dict(type="Precomputed", dim=2304, name="slowfast_features"),
            dict(type="Precomputed", dim=512, name="clip_features"),
        ],
    ),
    text_encoder=dict(type="Precomputed", dim=512, modality="text", name="clip_text_features"),
)
default_hooks = dict(checkpoint=dict(save_best="MR-full-mAP"))
