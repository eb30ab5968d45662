"""The text branch of MMF-Net, as the USV-1.0 paper trains it (appendix A.2): multilingual BERT, fine-tuned.

The paper trains until saturation; 10 epochs here. AdamW and its weight decay are those of BERT's authors.
"""

model = dict(
    type="TopicBranch",
    encoder=dict(type="BERT", weights="google-bert/bert-base-multilingual-cased"),
    topics="usv",
    dropout=0.1,
)
inference = dict(type="TopicInference")
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=5e-5, weight_decay=0.01))
train_cfg = dict(by_epoch=True, max_epochs=10)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, by_epoch=False, begin=0, end=500),
    dict(
        type="LinearLR", start_factor=1.0, end_factor=0.0, by_epoch=True, end=10, convert_to_iter_based=True
    ),
]
val_evaluator = dict(type="TopicMetric")
test_evaluator = dict(type="TopicMetric")
