"""Topic recognition: what a short video is about.

In: frames, sound and text of a short video. Out: a probability for each topic, and what each modality says.
Metrics: mean class accuracy, top-1, top-5.
"""

from vidkit.tasks.topic_recognition.branch import TopicBranch, TopicScores
from vidkit.tasks.topic_recognition.inference import TopicInference
from vidkit.tasks.topic_recognition.loss import FusedTopicLoss, TopicCrossEntropy
from vidkit.tasks.topic_recognition.metric import TopicMetric
from vidkit.tasks.topic_recognition.model import FittedMMFNet, JointMMFNet, MMFNet

__all__ = [
    "FittedMMFNet",
    "FusedTopicLoss",
    "JointMMFNet",
    "MMFNet",
    "TopicBranch",
    "TopicCrossEntropy",
    "TopicInference",
    "TopicMetric",
    "TopicScores",
]
