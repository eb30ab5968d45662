"""All three modalities with the usual symmetric InfoNCE in the place of Equation 2 as it is printed.

Run:      vidkit train video_text_retrieval/vtcl_symmetric
Data:     docs/topic_recognition.md#usv-10
Results:  docs/video_text_retrieval.md
"""

_base_ = ["vtcl_visual_audio_text.py"]

model = dict(loss=dict(type="SymmetricTitleContrast"))
