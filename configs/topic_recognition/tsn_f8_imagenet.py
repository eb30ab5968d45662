"""Table 4, row TSN-f8, ImageNet: the ResNet-50 starts from the weights of torchvision.

Run:      vidkit train topic_recognition/tsn_f8_imagenet
Data:     docs/topic_recognition.md#usv-10
Results:  docs/topic_recognition.md
"""

_base_ = ["tsn_f8.py"]

model = dict(encoder=dict(weights="tv_in1k"))
