"""The synthetic data set, as `vidkit synth $VIDKIT_DATA/synthetic` writes it, with its features beside it."""

train_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/qvhighlights_train.jsonl",
        features="{{$VIDKIT_DATA:data}}/synthetic/features_2s",
    ),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=32,
)
val_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/qvhighlights_val.jsonl",
        features="{{$VIDKIT_DATA:data}}/synthetic/features_2s",
    ),
)
test_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/qvhighlights_test.jsonl",
        features="{{$VIDKIT_DATA:data}}/synthetic/features_2s",
    ),
)
val_evaluator = dict(type="MomentMetric", protocol="qvhighlights")
test_evaluator = dict(type="MomentMetric", protocol="qvhighlights")
