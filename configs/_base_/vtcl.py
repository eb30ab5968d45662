"""VTCL on the pictures of USV-1.0, as its paper trains it (section 4.3, appendix A.3).

TSN and the network of sound are trained from random weights, multilingual BERT is frozen. Momentum, weight
decay and clipping are not in the paper: those of TSN in mmaction2.
"""

model = dict(
    type="VTCL",
    visual_encoder=dict(type="TSN", recipe="crops", num_segments=8),
    title_encoder=dict(type="BERT", weights="google-bert/bert-base-multilingual-cased"),
    loss=dict(type="TitleContrast"),
    topics="usv",  # those of Table 7
)
inference = dict(
    type="RetrievalInference",
    # 30 times less than in a test, which an archive would read of every ten seconds.
    frames=dict(type="SegmentMiddleFrames", num_segments=8),
    crop=dict(type="CenterCrop", size=224),
    sound=dict(type="UniformSound", num_clips=4),
)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.03, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=40, norm_type=2),
)
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=5)
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=True, convert_to_iter_based=True)]
val_evaluator = dict(type="RetrievalMetric")
test_evaluator = dict(type="RetrievalMetric", subsets=20, num_pairs=20000)  # section 5.1
