"""UMT on Charades-STA with optical flow instead of sound, as UMT does: it takes the place of audio.

Run:      vidkit train moment_retrieval/umt_charades_sta_flow
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row umt_charades_sta_flow
"""

_base_ = ["../_base_/umt.py", "../_base_/charades_sta_vgg.py", "../_base_/runtime_best.py"]

model = dict(
    visual_encoder=dict(type="Precomputed", dim=4096, modality="visual", name="rgb_features"),
    audio_encoder=dict(type="Precomputed", dim=4096, modality="visual", name="opt_features"),
    text_encoder=dict(type="GloVe", weights="{{$VIDKIT_DATA:data}}/glove/glove.6B.300d.txt"),
    normalized=["visual", "audio"],
    loss=dict(saliency=None, window=0.05, offset=0.5),
    clip_seconds=1 / 6,
    num_window_clips=300,  # 50 s, which 99 of 100 videos do not exceed
)
train_cfg = dict(max_epochs=100)
default_hooks = dict(checkpoint=dict(save_best="Rank1@0.5"))
