"""TVSum, one of its ten domains: four videos to train on and one to test on.

Another domain takes `domain` in the three data sets. There is no split beside the one to test on: best.pth is
the best epoch on it, which papers report. The last epoch is the honest one.
"""

train_dataloader = dict(
    dataset=dict(
        type="HighlightVideos",
        annotations="{{$VIDKIT_DATA:data}}/tvsum/tvsum_train_release.jsonl",
        features="{{$VIDKIT_DATA:data}}/tvsum/features",
        protocol="tvsum",
        domain="BK",
    ),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=1,
    num_workers=2,
)
val_dataloader = dict(
    dataset=dict(
        type="HighlightVideos",
        annotations="{{$VIDKIT_DATA:data}}/tvsum/tvsum_val_release.jsonl",
        features="{{$VIDKIT_DATA:data}}/tvsum/features",
        protocol="tvsum",
        domain="BK",
        missing="error",
    ),
    num_workers=2,
)
test_dataloader = dict(
    dataset=dict(
        type="HighlightVideos",
        annotations="{{$VIDKIT_DATA:data}}/tvsum/tvsum_val_release.jsonl",
        features="{{$VIDKIT_DATA:data}}/tvsum/features",
        protocol="tvsum",
        domain="BK",
        missing="error",
    ),
    num_workers=2,
)
val_evaluator = dict(type="HighlightMetric", protocol="tvsum")
test_evaluator = dict(type="HighlightMetric", protocol="tvsum")
