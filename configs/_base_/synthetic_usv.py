"""The synthetic data set, as `vidkit synth $VIDKIT_DATA/synthetic` writes it, read from its video files.

For topic recognition and video-text retrieval: small pictures, four frames a video. The model's base or the
leaf adds the evaluators. A visual encoder that takes crops as they come has recipe="crops".
"""

train_dataloader = dict(
    dataset=dict(
        type="TrainingShortVideos",
        annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/usv_train.jsonl",
        root="{{$VIDKIT_DATA:data}}/synthetic",
        topics="synthetic",
        frames=dict(type="SegmentFrames", num_segments=4),
        crop=dict(type="MultiScaleCrop", size=96),
        short_side=112,
        sound=dict(type="RandomSound"),
    ),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=16,
)
val_dataloader = dict(
    dataset=dict(
        type="ShortVideos",
        annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/usv_val.jsonl",
        root="{{$VIDKIT_DATA:data}}/synthetic",
        topics="synthetic",
        frames=dict(type="SegmentMiddleFrames", num_segments=4),
        crop=dict(type="CenterCrop", size=96),
        short_side=112,
        sound=dict(type="UniformSound", num_clips=4),
    ),
    batch_size=8,
)
test_dataloader = dict(
    dataset=dict(
        type="ShortVideos",
        annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/usv_test.jsonl",
        root="{{$VIDKIT_DATA:data}}/synthetic",
        topics="synthetic",
        frames=dict(type="SegmentMiddleFrames", num_segments=4),
        crop=dict(type="ThreeCrop", size=96),
        short_side=112,
        sound=dict(type="UniformSound", num_clips=4),
    ),
    batch_size=8,
)
