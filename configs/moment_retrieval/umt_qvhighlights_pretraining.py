"""UMT on what is said in the videos of QVHighlights: 512 sentences on each of four devices.

Run:      vidkit train moment_retrieval/umt_qvhighlights_pretraining
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row umt_qvhighlights_pretraining
"""

_base_ = ["../_base_/umt.py", "../_base_/qvhighlights.py", "../_base_/runtime.py"]

model = dict(
    visual_encoder=dict(
        type="JoinedFeatures",
        parts=[
            dict(type="Precomputed", dim=2304, name="slowfast_features"),
            dict(type="Precomputed", dim=512, name="clip_features"),
        ],
    ),
    audio_encoder=dict(type="Precomputed", dim=2048, modality="audio", name="pann_features"),
    text_encoder=dict(type="Precomputed", dim=512, modality="text", name="clip_sub_features"),
    loss=dict(saliency=0.0),  # nobody judged clips; the head is there for training that follows
)
train_dataloader = dict(
    dataset=dict(annotations="{{$VIDKIT_DATA:data}}/qvhighlights/subs_train.jsonl"),
    batch_size=512,
)
val_dataloader = None
val_evaluator = None
test_dataloader = None
test_evaluator = None
train_cfg = dict(max_epochs=100)
