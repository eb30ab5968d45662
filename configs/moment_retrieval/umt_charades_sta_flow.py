"""UMT on Charades-STA with optical flow instead of sound, as UMT does: it takes the place of audio.

Run:      vidkit train moment_retrieval/umt_charades_sta_flow
Data:     docs/moment_protocols.md
Results:  docs/moment_retrieval.md, row umt_charades_sta_flow
"""

_base_ = ["./umt_charades_sta.py"]

model = dict(
    audio_encoder=dict(type="Precomputed", dim=4096, modality="visual", name="opt_features"),
)
