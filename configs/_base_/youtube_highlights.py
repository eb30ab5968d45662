"""The test data of YouTube Highlights: its validation file, which has 152 videos."""

test_dataloader = dict(
    dataset=dict(
        type="AnnotatedHighlights",
        features="{{$VIDKIT_DATA:data}}/youtube_highlights/features",
        annotations="{{$VIDKIT_DATA:data}}/youtube_highlights/youtube_highlight_val_release.jsonl",
        protocol="youtube_highlights",
    ),
)
test_evaluator = dict(type="HighlightMetric", protocol="youtube_highlights")
