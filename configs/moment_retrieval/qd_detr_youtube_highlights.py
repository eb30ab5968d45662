"""QD-DETR on one domain of YouTube Highlights with the settings of Lighthouse.

Run:      vidkit train moment_retrieval/qd_detr_youtube_highlights
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row qd_detr_youtube_highlights
"""

_base_ = ["../_base_/qd_detr.py", "../_base_/youtube_moments.py", "../_base_/runtime_best.py"]

model = dict(
    visual_encoder=dict(
        type="JoinedFeatures",
        parts=[
            dict(type="Precomputed", dim=2304, name="slowfast"),
            dict(type="Precomputed", dim=512, name="clip"),
        ],
    ),
    text_encoder=dict(type="Precomputed", dim=512, modality="text", name="clip_text"),
    loss=dict(saliency=4.0),
    num_window_clips=420,  # the longest video that is tested has 413
)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
train_cfg = dict(max_epochs=1000)
default_hooks = dict(checkpoint=dict(save_best="average/mAP"))
