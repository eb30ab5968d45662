"""Moment-DETR on what is said in the videos of QVHighlights.

Run:      vidkit train moment_retrieval/moment_detr_qvhighlights_pretraining
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row moment_detr_qvhighlights_pretraining
"""

_base_ = ["../_base_/moment_detr.py", "../_base_/qvhighlights.py", "../_base_/runtime.py"]

model = dict(
    visual_encoder=dict(
        type="JoinedFeatures",
        parts=[
            dict(type="Precomputed", dim=2304, name="slowfast_features"),
            dict(type="Precomputed", dim=512, name="clip_features"),
        ],
    ),
    text_encoder=dict(type="Precomputed", dim=512, modality="text", name="clip_sub_features"),
    round_to_clips=True,
)
train_dataloader = dict(
    dataset=dict(annotations="{{$VIDKIT_DATA:data}}/qvhighlights/subs_train.jsonl"),
    batch_size=256,
)
val_dataloader = None
val_evaluator = None
test_dataloader = None
test_evaluator = None
train_cfg = dict(max_epochs=100)
