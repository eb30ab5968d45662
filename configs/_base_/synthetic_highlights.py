"""The synthetic data set, as `vidkit synth $VIDKIT_DATA/synthetic` writes it, with its features beside it."""

train_dataloader = dict(
    dataset=dict(
        type="UnlabelledChunks",
        features="{{$VIDKIT_DATA:data}}/synthetic/features",
        videos="{{$VIDKIT_DATA:data}}/synthetic/annotations/youtube_highlights_train.jsonl",
    ),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=8,
)
val_dataloader = dict(
    dataset=dict(
        type="AnnotatedHighlights",
        features="{{$VIDKIT_DATA:data}}/synthetic/features",
        annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/youtube_highlights_val.jsonl",
        protocol="youtube_highlights",
    ),
)
test_dataloader = dict(
    dataset=dict(
        type="AnnotatedHighlights",
        features="{{$VIDKIT_DATA:data}}/synthetic/features",
        annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/youtube_highlights_test.jsonl",
        protocol="youtube_highlights",
    ),
)
val_evaluator = dict(type="HighlightMetric", protocol="youtube_highlights")
test_evaluator = dict(type="HighlightMetric", protocol="youtube_highlights")
