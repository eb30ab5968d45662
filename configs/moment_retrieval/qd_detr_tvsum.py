"""QD-DETR on one domain of TVSum: I3D pictures and flow, CLIP words of the title.

Run:      vidkit train moment_retrieval/qd_detr_tvsum
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row qd_detr_tvsum
"""

_base_ = ["../_base_/qd_detr.py", "../_base_/tvsum_moments.py", "../_base_/runtime_best.py"]

model = dict(
    visual_encoder=dict(
        type="JoinedFeatures",
        parts=[
            dict(type="Precomputed", dim=1024, name="video_features", suffix="_rgb"),
            dict(type="Precomputed", dim=1024, name="video_features", suffix="_opt"),
        ],
    ),
    text_encoder=dict(type="Precomputed", dim=512, modality="text", name="query_features"),
    num_window_clips=330,  # of 2 s: the longest video has 323
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=2000)
train_dataloader = dict(batch_size=4)
default_hooks = dict(checkpoint=dict(save_best="average/top5_mAP"))
