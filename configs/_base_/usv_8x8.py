"""USV-1.0 for 3-D networks: 8 frames at an interval of 8 to train; 10 clips in three crops to test."""

_base_ = "usv.py"

train_dataloader = dict(
    dataset=dict(frames=dict(_delete_=True, type="DenseFrames", clip_length=8, interval=8))
)
val_dataloader = dict(
    dataset=dict(
        frames=dict(_delete_=True, type="UniformDenseFrames", clip_length=8, interval=8, num_clips=1)
    )
)
test_dataloader = dict(
    dataset=dict(
        frames=dict(_delete_=True, type="UniformDenseFrames", clip_length=8, interval=8, num_clips=10),
        crop=dict(type="ThreeCrop"),
    )
)
