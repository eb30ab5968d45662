"""Clips of your own videos: two lists of (path, start, end), and a feature store, below VIDKIT_DATA."""

train_dataloader = dict(
    dataset=dict(
        type="RepurposingVideos",
        annotations="{{$VIDKIT_DATA:data}}/clips/train.csv",
        features="{{$VIDKIT_DATA:data}}/clips/features",
    ),
    sampler=dict(type="LengthBuckets"),
    batch_size=8,
)
val_dataloader = dict(
    dataset=dict(
        type="RepurposingVideos",
        annotations="{{$VIDKIT_DATA:data}}/clips/val.csv",
        features="{{$VIDKIT_DATA:data}}/clips/features",
    ),
)
test_dataloader = dict(
    dataset=dict(
        type="RepurposingVideos",
        annotations="{{$VIDKIT_DATA:data}}/clips/val.csv",
        features="{{$VIDKIT_DATA:data}}/clips/features",
    ),
)
val_evaluator = dict(type="RepurposingMetric")
test_evaluator = dict(type="RepurposingMetric")
