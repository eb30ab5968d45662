"""A small MMF-Net on the synthetic data set, from its video files: trains on a laptop, without a model hub.

Run:      vidkit train topic_recognition/mmf_net_synthetic
Data:     docs/synthetic_data.md
Results:  docs/topic_recognition.md
"""

_base_ = ["../_base_/mmf_net_embedded.py", "../_base_/synthetic_usv.py", "../_base_/runtime_best.py"]

model = dict(
    branches=dict(
        visual=dict(topics="synthetic"), audio=dict(topics="synthetic"), text=dict(topics="synthetic")
    )
)
# Landscapes are told by their layout, which crops take away, and are large enough at this size.
train_dataloader = dict(
    dataset=dict(frames=dict(num_segments=3), crop=dict(_delete_=True, type="WholeFrames"), short_side=48),
    batch_size=8,
)
val_dataloader = dict(
    dataset=dict(frames=dict(num_segments=8), crop=dict(_delete_=True, type="WholeFrames"), short_side=48)
)
test_dataloader = dict(
    dataset=dict(frames=dict(num_segments=8), crop=dict(_delete_=True, type="WholeFrames"), short_side=48)
)
