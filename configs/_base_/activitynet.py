"""ActivityNet without its labels, as a feature store; VIDKIT_DATA is the folder of data sets."""

train_dataloader = dict(
    dataset=dict(type="UnlabelledChunks", features="{{$VIDKIT_DATA:data}}/activitynet/features"),
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_size=8,
    num_workers=2,
)
