"""Short videos of your own: below VIDKIT_DATA, short_videos/train.csv and val.csv, the videos beside them.

A row is path, label, title, subtitle; only the path must be there (without any label set topics=None). Text
that is only in the picture is read from short_videos/screen_text, which `vidkit transcribe --source screen`
fills. For topic recognition and video-text retrieval; the model's base or the leaf adds the evaluators.
"""

train_dataloader = dict(
    dataset=dict(
        type="TrainingShortVideos",
        annotations="{{$VIDKIT_DATA:data}}/short_videos/train.csv",
        topics="{{$VIDKIT_DATA:data}}/short_videos/train.csv",
        frames=dict(type="SegmentFrames", num_segments=8),
        crop=dict(type="MultiScaleCrop", size=224),
        sound=dict(type="RandomSound"),
        screen_text="{{$VIDKIT_DATA:data}}/short_videos/screen_text",
    ),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=16,
    num_workers=2,
    persistent_workers=True,
)
val_dataloader = dict(
    dataset=dict(
        type="ShortVideos",
        annotations="{{$VIDKIT_DATA:data}}/short_videos/val.csv",
        topics="{{$VIDKIT_DATA:data}}/short_videos/train.csv",
        frames=dict(type="SegmentMiddleFrames", num_segments=8),
        crop=dict(type="CenterCrop", size=224),
        sound=dict(type="UniformSound", num_clips=4),
        screen_text="{{$VIDKIT_DATA:data}}/short_videos/screen_text",
    ),
    batch_size=8,
    num_workers=2,
)
test_dataloader = dict(
    dataset=dict(
        type="ShortVideos",
        annotations="{{$VIDKIT_DATA:data}}/short_videos/val.csv",
        topics="{{$VIDKIT_DATA:data}}/short_videos/train.csv",
        frames=dict(type="SegmentMiddleFrames", num_segments=24),
        crop=dict(type="TenCrop", size=224),
        sound=dict(type="UniformSound", num_clips=10),
        screen_text="{{$VIDKIT_DATA:data}}/short_videos/screen_text",
    ),
    batch_size=1,
    num_workers=2,
)
