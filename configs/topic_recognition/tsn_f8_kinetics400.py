"""Table 4, row TSN-f8, Kinetics-400: the ResNet-50 starts from a TSN of mmaction2 (docs/weights.md).

Run:      vidkit train topic_recognition/tsn_f8_kinetics400
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["tsn_f8.py"]

model = dict(encoder=dict(weights="{{$VIDKIT_DATA:data}}/weights/tsn_r50_kinetics400.pth"))
