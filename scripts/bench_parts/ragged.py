"""encoder, real sentences, float32: JSON lines to JSON lines, texts/s

Ours is the whole process, from its start to its end; of the peers the work
alone counts, their start is left out."""
import json
import os

from . import assets
from .dense import peer_model, start_peers
from .harness import OURS, once

KINDS = {"HF fp32": "hf", "ORT fp32": "ort", "CT2 fp32": "ct2"}
BATCH = 32
FEW = 320           # records for BERT-base


def prepare(bench, kinds=KINDS):
    assets.ragged_records(bench)
    for model in assets.minilm(bench), assets.bert_base(bench):
        for kind in kinds.values():
            peer_model(bench, model, kind)


def read_answers(lines, names):
    """[(label's index, score)] of JSON lines."""
    found = []
    for line in lines:
        record = json.loads(line)
        label = record["label"]
        found.append((label if isinstance(label, int) else names[label],
                      record["score"]))
    return found


def apart(a, b):
    """The largest difference of the scores of the same label."""
    return max(abs(s - (t if x == y else 1 - t))
               for (x, s), (y, t) in zip(a, b))


def accuracy(path, names):
    """A note on answers: how many are right, where the records say."""
    with open(path, encoding="utf-8") as f:
        gold = [names.get(json.loads(line).get("label")) for line in f]

    def note(found):
        if None in gold:
            return ""
        right = sum(a[0] == g for a, g in zip(found, gold))
        return f"accuracy {right / len(gold):.4f}"
    return note


def names_of(model):
    with open(os.path.join(model, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    return config.get("label2id") or {"LABEL_0": 0, "LABEL_1": 1}


def calls(bench, model, path, kinds, peers, dtype):
    names = names_of(model)
    env = bench.environment()
    contenders = {}

    def our_call():
        seconds, out = once([tool, "-m", model, "-t", str(bench.threads),
                             "--dtype", dtype, path], env)
        found = read_answers(out.splitlines(), names)
        return len(found) / seconds, found

    def peer_call(peer, order):
        out = bench.path("text", "answers.jsonl")
        request = json.dumps({"in": path, "out": out, "order": order,
                              "batch": BATCH}).encode() + b"\n"

        def call():
            seconds = json.loads(peer.ask(request, 1)[0])["seconds"]
            with open(out, encoding="utf-8") as f:
                found = read_answers(f, names)
                return len(found) / seconds, found
        return call

    tool = bench.tool("tf-classify")
    if tool:
        contenders[OURS] = our_call
    for name, kind in kinds.items():
        if kind == "hf":
            contenders[f"HF pipeline, batch {BATCH}"] = peer_call(
                peers[name], "pipeline")
        contenders[name + ", sorted by length"] = peer_call(peers[name],
                                                            "sorted")
    return contenders


def measure(bench, kinds, dtype, tolerance):
    everything = assets.ragged_records(bench)
    few = bench.path("text", "few.jsonl")
    with open(everything, encoding="utf-8") as f, open(
            few, "w", encoding="utf-8") as g:
        g.writelines(line for _, line in zip(range(FEW), f))
    for title, model, path in [
            ("MiniLM-L6", assets.minilm(bench), everything),
            (f"BERT-base, {FEW} records", assets.bert_base(bench), few)]:
        peers = start_peers(bench, model, kinds)
        bench.compare(title, calls(bench, model, path, kinds, peers, dtype),
                      unit="texts/s", scale=1, differ=apart,
                      tolerance=tolerance, less_is_better=False,
                      note=accuracy(path, names_of(model)))
        for peer in peers.values():
            peer.close()


def run(bench):
    measure(bench, KINDS, "f32", 1e-4)
