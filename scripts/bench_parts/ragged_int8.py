"""encoder, real sentences, int8 beside HF float32: JSON lines to JSON lines"""
from . import ragged

KINDS = {"HF fp32": "hf", "ORT int8": "ort-int8", "CT2 int8": "ct2-int8"}


def prepare(bench):
    ragged.prepare(bench, KINDS)


def run(bench):
    ragged.measure(bench, KINDS, "int8", 0.5)
