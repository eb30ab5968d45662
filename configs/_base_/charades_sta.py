"""Charades-STA as JSON lines, with features of a second: SlowFast and CLIP of Lighthouse.

There is no validation split: best.pth is the best epoch on the test split, which papers report. The last
epoch is the honest one.
"""

train_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/charades_sta/charades_train_release.jsonl",
        features="{{$VIDKIT_DATA:data}}/charades_sta/features",
        protocol="charades_sta",
        clip_seconds=1.0,
    ),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=32,
    num_workers=2,
)
val_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/charades_sta/charades_test_release.jsonl",
        features="{{$VIDKIT_DATA:data}}/charades_sta/features",
        protocol="charades_sta",
        clip_seconds=1.0,
        missing="error",
    ),
    batch_size=32,
    num_workers=2,
)
test_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/charades_sta/charades_test_release.jsonl",
        features="{{$VIDKIT_DATA:data}}/charades_sta/features",
        protocol="charades_sta",
        clip_seconds=1.0,
        missing="error",
    ),
    batch_size=32,
    num_workers=2,
)
val_evaluator = dict(type="MomentMetric", protocol="charades_sta")
test_evaluator = dict(type="MomentMetric", protocol="charades_sta")
