"""MMF-Net whose weights of the branches have the highest mca on the validation videos. Beyond the paper.

Run:      vidkit train topic_recognition/mmf_net_tsn_fitted
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["mmf_net_tsn.py"]

model = dict(type="FittedMMFNet")
train_dataloader = dict(
    dataset=dict(
        type="ShortVideos",
        annotations="{{$VIDKIT_DATA:data}}/usv/val.jsonl",
        frames=dict(type="SegmentMiddleFrames"),
        crop=dict(type="CenterCrop"),
        sound=dict(type="UniformSound", num_clips=10),
    ),
    sampler=dict(shuffle=False),
    batch_size=16,
)
