"""YouTube Highlights, one of its six domains.

Another domain takes `domain` in the three data sets. There is no split beside the one to test on: best.pth is
the best epoch on it, which papers report. The last epoch is the honest one.
"""

train_dataloader = dict(
    dataset=dict(
        type="HighlightVideos",
        annotations="{{$VIDKIT_DATA:data}}/youtube_highlights/youtube_highlight_train_release.jsonl",
        features="{{$VIDKIT_DATA:data}}/youtube_highlights/features",
        protocol="youtube_highlights",
        domain="dog",
    ),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=4,
    num_workers=2,
)
val_dataloader = dict(
    dataset=dict(
        type="HighlightVideos",
        annotations="{{$VIDKIT_DATA:data}}/youtube_highlights/youtube_highlight_val_release.jsonl",
        features="{{$VIDKIT_DATA:data}}/youtube_highlights/features",
        protocol="youtube_highlights",
        domain="dog",
        missing="error",
    ),
    num_workers=2,
)
test_dataloader = dict(
    dataset=dict(
        type="HighlightVideos",
        annotations="{{$VIDKIT_DATA:data}}/youtube_highlights/youtube_highlight_val_release.jsonl",
        features="{{$VIDKIT_DATA:data}}/youtube_highlights/features",
        protocol="youtube_highlights",
        domain="dog",
        missing="error",
    ),
    num_workers=2,
)
val_evaluator = dict(type="HighlightMetric", protocol="youtube_highlights")
test_evaluator = dict(type="HighlightMetric", protocol="youtube_highlights")
