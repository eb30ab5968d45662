"""Tables 6 and 7, rows V + T: pictures and subtitles against titles, both read by one frozen BERT.

Run:      vidkit train video_text_retrieval/vtcl_visual_text
Data:     docs/topic_recognition.md#usv-10
Results:  docs/video_text_retrieval.md
"""

_base_ = ["vtcl_visual.py"]

model = dict(
    text_encoder=dict(type="BERT", weights="google-bert/bert-base-multilingual-cased"),
    title_encoder=None,  # the same one
)
