"""The synthetic data set, as `vidkit synth $VIDKIT_DATA/synthetic` writes it, with its features beside it."""

train_dataloader = dict(
    dataset=dict(
        type="RepurposingVideos",
        annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/repurpose10k_train.json",
        features="{{$VIDKIT_DATA:data}}/synthetic/features_1s",
    ),
    sampler=dict(type="LengthBuckets"),
    batch_size=8,
)
val_dataloader = dict(
    dataset=dict(
        type="RepurposingVideos",
        annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/repurpose10k_val.json",
        features="{{$VIDKIT_DATA:data}}/synthetic/features_1s",
    ),
)
test_dataloader = dict(
    dataset=dict(
        type="RepurposingVideos",
        annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/repurpose10k_test.json",
        features="{{$VIDKIT_DATA:data}}/synthetic/features_1s",
    ),
)
val_evaluator = dict(type="RepurposingMetric")
test_evaluator = dict(type="RepurposingMetric")
