"""Charades-STA as UMT passes it on: text annotations, and VGG features of a sixth of a second.

There is no validation split: best.pth is the best epoch on the test split, which papers report. The last
epoch is the honest one.
"""

train_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/charades_sta/charades_sta_train.txt",
        features="{{$VIDKIT_DATA:data}}/charades_sta/features",
        protocol="charades_sta",
        clip_seconds=1 / 6,
    ),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=8,
    num_workers=2,
)
val_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/charades_sta/charades_sta_test.txt",
        features="{{$VIDKIT_DATA:data}}/charades_sta/features",
        protocol="charades_sta",
        clip_seconds=1 / 6,
        missing="error",
    ),
    batch_size=8,
    num_workers=2,
)
test_dataloader = dict(
    dataset=dict(
        type="MomentQueries",
        annotations="{{$VIDKIT_DATA:data}}/charades_sta/charades_sta_test.txt",
        features="{{$VIDKIT_DATA:data}}/charades_sta/features",
        protocol="charades_sta",
        clip_seconds=1 / 6,
        missing="error",
    ),
    batch_size=8,
    num_workers=2,
)
val_evaluator = dict(type="MomentMetric", protocol="charades_sta", nms="gaussian", sigma=0.5)
test_evaluator = dict(type="MomentMetric", protocol="charades_sta", nms="gaussian", sigma=0.5)
