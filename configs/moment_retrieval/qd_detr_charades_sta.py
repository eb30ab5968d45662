"""QD-DETR on Charades-STA with the settings of Lighthouse: clips of a second, SlowFast and CLIP.

Run:      vidkit train moment_retrieval/qd_detr_charades_sta
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row qd_detr_charades_sta
"""

_base_ = ["../_base_/qd_detr.py", "../_base_/charades_sta.py", "../_base_/runtime_best.py"]

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
    clip_seconds=1.0,
)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = [dict(type="MultiStepLR", milestones=[40], by_epoch=True)]
train_cfg = dict(max_epochs=100)  # as UMT: that of Lighthouse is not told
default_hooks = dict(checkpoint=dict(save_best="Rank1@0.5"))
