"""VisionaryVids on Charades-STA: VGG features of pictures, PANNs of sound, GloVe words.

Run:      vidkit train moment_retrieval/visionary_vids_charades_sta
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row visionary_vids_charades_sta
"""

_base_ = ["../_base_/visionary_vids.py", "../_base_/charades_sta_vgg.py", "../_base_/runtime_best.py"]

model = dict(
    visual_encoder=dict(type="Precomputed", dim=4096, modality="visual", name="rgb_features"),
    audio_encoder=dict(type="Precomputed", dim=2048, modality="audio", name="audio_features"),
    text_encoder=dict(type="GloVe", weights="{{$VIDKIT_DATA:data}}/glove/glove.6B.300d.txt"),
    normalized=["visual", "audio"],
    loss=dict(saliency=None, window=0.05, offset=0.5),
    clip_seconds=1 / 6,
    num_window_clips=300,  # 50 s, which 99 of 100 videos do not exceed
)
train_cfg = dict(max_epochs=100)
default_hooks = dict(checkpoint=dict(save_best="Rank1@0.5"))
