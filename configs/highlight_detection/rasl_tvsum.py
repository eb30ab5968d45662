"""RASL of the paper, tested on all 50 videos of TVSum, on none of which it trains.

Run:      vidkit train highlight_detection/rasl_tvsum
Data:     docs/highlight_detection.md#activitynet
Results:  docs/highlight_detection.md, row rasl_tvsum
"""

_base_ = ["../_base_/rasl.py", "../_base_/activitynet.py", "../_base_/runtime.py"]

_folder = "{{$VIDKIT_DATA:data}}/tvsum"
test_dataloader = dict(
    dataset=dict(
        type="AnnotatedHighlights",
        features=f"{_folder}/features",
        annotations=[f"{_folder}/tvsum_train_release.jsonl", f"{_folder}/tvsum_val_release.jsonl"],
        protocol="tvsum",
    ),
)
test_evaluator = dict(type="HighlightMetric", protocol="tvsum")
