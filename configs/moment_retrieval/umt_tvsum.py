"""UMT on one domain of TVSum.

Run:      vidkit train moment_retrieval/umt_tvsum
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row umt_tvsum
"""

_base_ = ["../_base_/umt.py", "../_base_/tvsum_moments.py", "../_base_/runtime_best.py"]

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
default_hooks = dict(checkpoint=dict(save_best="average/top5_mAP"))
