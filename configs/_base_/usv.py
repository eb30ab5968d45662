"""USV-1.0 as its paper reads it for TSN: 8 random frames to train, 24 frames in ten crops to test.

Below VIDKIT_DATA: usv/train.jsonl, val.jsonl and test.jsonl with video_id, path (from usv/), label, title and
subtitle; of videos without subtitle the text is in usv/screen_text, where `vidkit transcribe --source screen`
writes it. 3-D networks take usv_8x8.py or usv_32x2.py. The recipe of visual encoders is "crops". For topic
recognition and video-text retrieval; the model's base or the leaf adds the evaluators.
"""

train_dataloader = dict(
    dataset=dict(
        type="TrainingShortVideos",
        annotations="{{$VIDKIT_DATA:data}}/usv/train.jsonl",
        topics="usv",
        frames=dict(type="SegmentFrames", num_segments=8),
        crop=dict(type="MultiScaleCrop", size=224),
        sound=dict(type="RandomSound"),
        screen_text="{{$VIDKIT_DATA:data}}/usv/screen_text",
    ),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
)
val_dataloader = dict(
    dataset=dict(
        type="ShortVideos",
        annotations="{{$VIDKIT_DATA:data}}/usv/val.jsonl",
        topics="usv",
        frames=dict(type="SegmentMiddleFrames", num_segments=8),
        crop=dict(type="CenterCrop", size=224),
        sound=dict(type="UniformSound", num_clips=10),
        screen_text="{{$VIDKIT_DATA:data}}/usv/screen_text",
    ),
    batch_size=16,
    num_workers=8,
)
test_dataloader = dict(
    dataset=dict(
        type="ShortVideos",
        annotations="{{$VIDKIT_DATA:data}}/usv/test.jsonl",
        topics="usv",
        frames=dict(type="SegmentMiddleFrames", num_segments=24),
        crop=dict(type="TenCrop", size=256),
        sound=dict(type="UniformSound", num_clips=10),
        screen_text="{{$VIDKIT_DATA:data}}/usv/screen_text",
    ),
    batch_size=1,
    num_workers=8,
)
