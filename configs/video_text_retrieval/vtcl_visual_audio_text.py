"""Tables 6 and 7, rows V + A + T: all three modalities against titles.

Run:      vidkit train video_text_retrieval/vtcl_visual_audio_text
Data:     docs/topic_recognition.md#usv-10
Results:  docs/video_text_retrieval.md
"""

_base_ = ["vtcl_visual_text.py"]

model = dict(audio_encoder=dict(type="LogMelResNet", recipe="usv_train"))
