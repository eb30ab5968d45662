"""The synthetic data set for topics and for retrieval at once, read from its video files."""

train_dataloader = dict(
    dataset=dict(
        type="MixedTasks",
        datasets=dict(
            topics=dict(
                type="TrainingShortVideos",
                annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/usv_train.jsonl",
                root="{{$VIDKIT_DATA:data}}/synthetic",
                topics="synthetic",
                frames=dict(type="SegmentFrames", num_segments=4),
                crop=dict(type="MultiScaleCrop", size=64),
                short_side=72,
            ),
            retrieval=dict(
                type="TrainingShortVideos",
                annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/usv_train.jsonl",
                root="{{$VIDKIT_DATA:data}}/synthetic",
                frames=dict(type="SegmentFrames", num_segments=4),
                crop=dict(type="MultiScaleCrop", size=64),
                short_side=72,
            ),
        ),
    ),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=16,
)
val_dataloader = dict(
    dataset=dict(
        type="TasksInTurn",
        datasets=dict(
            topics=dict(
                type="ShortVideos",
                annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/usv_val.jsonl",
                root="{{$VIDKIT_DATA:data}}/synthetic",
                topics="synthetic",
                frames=dict(type="SegmentMiddleFrames", num_segments=4),
                crop=dict(type="CenterCrop", size=64),
                short_side=72,
            ),
            retrieval=dict(
                type="ShortVideos",
                annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/usv_val.jsonl",
                root="{{$VIDKIT_DATA:data}}/synthetic",
                frames=dict(type="SegmentMiddleFrames", num_segments=4),
                crop=dict(type="CenterCrop", size=64),
                short_side=72,
            ),
        ),
    ),
    batch_size=8,
)
test_dataloader = dict(
    dataset=dict(
        type="TasksInTurn",
        datasets=dict(
            topics=dict(
                type="ShortVideos",
                annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/usv_test.jsonl",
                root="{{$VIDKIT_DATA:data}}/synthetic",
                topics="synthetic",
                frames=dict(type="SegmentMiddleFrames", num_segments=4),
                crop=dict(type="CenterCrop", size=64),
                short_side=72,
            ),
            retrieval=dict(
                type="ShortVideos",
                annotations="{{$VIDKIT_DATA:data}}/synthetic/annotations/usv_test.jsonl",
                root="{{$VIDKIT_DATA:data}}/synthetic",
                frames=dict(type="SegmentMiddleFrames", num_segments=4),
                crop=dict(type="CenterCrop", size=64),
                short_side=72,
            ),
        ),
    ),
    batch_size=8,
)
val_evaluator = [
    dict(type="TaskMetric", task="topics", metric=dict(type="TopicMetric")),
    dict(type="TaskMetric", task="retrieval", metric=dict(type="RetrievalMetric")),
]
test_evaluator = [
    dict(type="TaskMetric", task="topics", metric=dict(type="TopicMetric")),
    dict(type="TaskMetric", task="retrieval", metric=dict(type="RetrievalMetric")),
]
