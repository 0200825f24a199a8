"""encoder, equal lengths, int8: BERT-base by batch x tokens

Answers of int8 programs are only near each other; what int8 costs in accuracy
is measured by ragged_int8."""
from . import dense

KINDS = {"ORT int8": "ort-int8", "CT2 int8": "ct2-int8"}


def prepare(bench):
    dense.prepare(bench, KINDS)


def run(bench):
    dense.measure(bench, KINDS, "int8", 0.5)
