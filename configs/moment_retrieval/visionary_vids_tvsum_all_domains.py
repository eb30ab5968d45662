"""VisionaryVids on TVSum, one model for all domains.

Run:      vidkit train moment_retrieval/visionary_vids_tvsum_all_domains
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row visionary_vids_tvsum_all_domains
"""

_base_ = ["../_base_/visionary_vids.py", "../_base_/tvsum_moments.py", "../_base_/runtime_best.py"]

model = dict(
    visual_encoder=dict(
        type="JoinedFeatures",
        parts=[
            dict(type="Precomputed", dim=1024, name="video_features", suffix="_rgb"),
            dict(type="Precomputed", dim=1024, name="video_features", suffix="_opt"),
        ],
    ),
    audio_encoder=dict(type="Precomputed", dim=2048, modality="audio", name="audio_features"),
    text_encoder=dict(type="Precomputed", dim=512, modality="text", name="query_features"),
    num_decoder_layers=1,
    loss=dict(saliency=1.0, center=None, window=None, offset=None),
    num_window_clips=330,  # of 2 s: the longest video has 323
)
train_cfg = dict(max_epochs=500)
train_dataloader = dict(dataset=dict(domain=None))
val_dataloader = dict(dataset=dict(domain=None))
test_dataloader = dict(dataset=dict(domain=None))
default_hooks = dict(checkpoint=dict(save_best="average/top5_mAP"))
