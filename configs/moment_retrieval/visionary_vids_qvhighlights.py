"""VisionaryVids on QVHighlights: 2-D positions, persistent memory, Lion.

Run:      vidkit train moment_retrieval/visionary_vids_qvhighlights
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row visionary_vids_qvhighlights
"""

_base_ = ["../_base_/visionary_vids.py", "../_base_/qvhighlights.py", "../_base_/runtime_best.py"]

model = dict(
    visual_encoder=dict(
        type="JoinedFeatures",
        parts=[
            dict(type="Precomputed", dim=2304, name="slowfast_features"),
            dict(type="Precomputed", dim=512, name="clip_features"),
        ],
    ),
    audio_encoder=dict(type="Precomputed", dim=2048, modality="audio", name="pann_features"),
    text_encoder=dict(type="Precomputed", dim=512, modality="text", name="clip_text_features"),
)
default_hooks = dict(checkpoint=dict(save_best="MR-full-mAP"))
