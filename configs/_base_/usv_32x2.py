"""USV-1.0 for SlowFast: 32 frames at an interval of 2 to train; 10 clips in three crops to test."""

_base_ = "usv.py"

train_dataloader = dict(
    dataset=dict(frames=dict(_delete_=True, type="DenseFrames", clip_length=32, interval=2))
)
val_dataloader = dict(
    dataset=dict(
        frames=dict(_delete_=True, type="UniformDenseFrames", clip_length=32, interval=2, num_clips=1)
    )
)
test_dataloader = dict(
    dataset=dict(
        frames=dict(_delete_=True, type="UniformDenseFrames", clip_length=32, interval=2, num_clips=10),
        crop=dict(type="ThreeCrop"),
    )
)
