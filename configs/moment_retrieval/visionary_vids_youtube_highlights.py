"""VisionaryVids on one domain of YouTube Highlights.

Run:      vidkit train moment_retrieval/visionary_vids_youtube_highlights
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row visionary_vids_youtube_highlights
"""

_base_ = ["../_base_/visionary_vids.py", "../_base_/youtube_moments.py", "../_base_/runtime_best.py"]

model = dict(
    visual_encoder=dict(
        type="JoinedFeatures",
        parts=[
            dict(type="Precomputed", dim=1024, name="video_features", suffix="_rgb"),
            dict(type="Precomputed", dim=1024, name="video_features", suffix="_opt"),
        ],
    ),
    audio_encoder=dict(type="Precomputed", dim=2048, modality="audio", name="audio_features"),
    num_decoder_layers=1,
    loss=dict(saliency=1.0, center=None, window=None, offset=None),
    num_window_clips=420,  # the longest video that is tested has 413
)
optim_wrapper = dict(optimizer=dict(lr=5e-5))  # dog; all other domains 1e-4
train_cfg = dict(max_epochs=100)
default_hooks = dict(checkpoint=dict(save_best="average/mAP"))
