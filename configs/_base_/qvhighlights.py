"""QVHighlights: three released files and folders of features; VIDKIT_DATA is the folder of data sets.

The test queries are those with ground truth, which was published later.
"""

train_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/qvhighlights/highlight_train_release.jsonl",
        features="{{$VIDKIT_DATA:data}}/qvhighlights/features",
    ),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=32,
    num_workers=2,
)
val_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/qvhighlights/highlight_val_release.jsonl",
        features="{{$VIDKIT_DATA:data}}/qvhighlights/features",
        missing="error",
    ),
    batch_size=32,
    num_workers=2,
)
test_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/qvhighlights/highlight_test_with_gt.jsonl",
        features="{{$VIDKIT_DATA:data}}/qvhighlights/features",
        missing="error",
    ),
    batch_size=32,
    num_workers=2,
)
val_evaluator = dict(type="MomentMetric", protocol="qvhighlights")
test_evaluator = dict(type="MomentMetric", protocol="qvhighlights")
