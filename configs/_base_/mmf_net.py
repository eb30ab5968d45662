"""MMF-Net of three trained branches: the paper's late fusion, with its weights 1, 0.5, 0.5 (section 5.1).

The branches are what `vidkit train` leaves of tsn_f8, audio and text in work_dirs; another place is given by
--cfg-options model.branches.visual.weights=FILE, and so on. There is nothing to train: the run puts them
together, validates, and saves one checkpoint, which needs the three no more.
"""

model = dict(
    type="MMFNet",
    branches=dict(
        visual=dict(
            type="TopicBranch",
            encoder=dict(type="TSN", recipe="crops", num_segments=8),
            topics="usv",
            dropout=0.4,
            weights="work_dirs/tsn_f8/best.pth",
        ),
        audio=dict(
            type="TopicBranch",
            encoder=dict(type="LogMelResNet", recipe="usv_train"),
            topics="usv",
            dropout=0.4,
            weights="work_dirs/audio/best.pth",
        ),
        text=dict(
            type="TopicBranch",
            encoder=dict(type="BERT", weights="google-bert/bert-base-multilingual-cased"),
            topics="usv",
            dropout=0.1,
            weights="work_dirs/text/best.pth",
        ),
    ),
)
inference = dict(type="TopicInference")
train_cfg = dict(type="FitLoop")
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="SGD", lr=0.0))  # takes no step
val_evaluator = dict(type="TopicMetric")
test_evaluator = dict(type="TopicMetric")
