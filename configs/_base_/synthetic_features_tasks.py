"""The synthetic data set for highlights and for repurposing at once, with its features beside it."""

train_dataloader = dict(
    dataset=dict(
        type="MixedTasks",
        datasets=dict(
            highlights=dict(
                type="UnlabelledChunks",
                features="{{$VIDKIT_DATA:data}}/synthetic/features",
                videos="{{$VIDKIT_DATA:data}}/synthetic/annotations/youtube_highlights_train.jsonl",
            ),
            repurposing=dict(
                type="RepurposingVideos",
                annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/repurpose10k_train.json",
                features="{{$VIDKIT_DATA:data}}/synthetic/features_1s",
            ),
        ),
    ),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=8,
)
val_dataloader = dict(
    dataset=dict(
        type="TasksInTurn",
        datasets=dict(
            highlights=dict(
                type="AnnotatedHighlights",
                features="{{$VIDKIT_DATA:data}}/synthetic/features",
                annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/youtube_highlights_val.jsonl",
                protocol="youtube_highlights",
            ),
            repurposing=dict(
                type="RepurposingVideos",
                annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/repurpose10k_val.json",
                features="{{$VIDKIT_DATA:data}}/synthetic/features_1s",
            ),
        ),
    ),
)
test_dataloader = dict(
    dataset=dict(
        type="TasksInTurn",
        datasets=dict(
            highlights=dict(
                type="AnnotatedHighlights",
                features="{{$VIDKIT_DATA:data}}/synthetic/features",
                annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/youtube_highlights_test.jsonl",
                protocol="youtube_highlights",
            ),
            repurposing=dict(
                type="RepurposingVideos",
                annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/repurpose10k_test.json",
                features="{{$VIDKIT_DATA:data}}/synthetic/features_1s",
            ),
        ),
    ),
)
val_evaluator = [
    dict(
        type="TaskMetric",
        task="highlights",
        metric=dict(type="HighlightMetric", protocol="youtube_highlights"),
    ),
    dict(type="TaskMetric", task="repurposing", metric=dict(type="RepurposingMetric")),
]
test_evaluator = [
    dict(
        type="TaskMetric",
        task="highlights",
        metric=dict(type="HighlightMetric", protocol="youtube_highlights"),
    ),
    dict(type="TaskMetric", task="repurposing", metric=dict(type="RepurposingMetric")),
]
