"""Repurpose-10K: the released json and three folders of features; VIDKIT_DATA is the folder of data sets."""

train_dataloader = dict(
    dataset=dict(
        type="RepurposingVideos",
        annotations="{{$VIDKIT_DATA:data}}/repurpose10k/train.json",
        features="{{$VIDKIT_DATA:data}}/repurpose10k/features",
    ),
    sampler=dict(type="LengthBuckets"),
    batch_size=16,
    num_workers=2,
)
val_dataloader = dict(
    dataset=dict(
        type="RepurposingVideos",
        annotations="{{$VIDKIT_DATA:data}}/repurpose10k/val.json",
        features="{{$VIDKIT_DATA:data}}/repurpose10k/features",
    ),
    num_workers=2,
)
test_dataloader = dict(
    dataset=dict(
        type="RepurposingVideos",
        annotations="{{$VIDKIT_DATA:data}}/repurpose10k/test.json",
        features="{{$VIDKIT_DATA:data}}/repurpose10k/features",
    ),
    num_workers=2,
)
val_evaluator = dict(type="RepurposingMetric")
test_evaluator = dict(type="RepurposingMetric")
