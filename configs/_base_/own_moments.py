"""Sentences about your own videos, in the form of QVHighlights, and a feature store, below VIDKIT_DATA."""

train_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/moments/train.jsonl",
        features="{{$VIDKIT_DATA:data}}/moments/features",
    ),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=32,
)
val_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/moments/val.jsonl",
        features="{{$VIDKIT_DATA:data}}/moments/features",
    ),
)
test_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/moments/val.jsonl",
        features="{{$VIDKIT_DATA:data}}/moments/features",
    ),
)
val_evaluator = dict(type="MomentMetric", protocol="qvhighlights")
test_evaluator = dict(type="MomentMetric", protocol="qvhighlights")
