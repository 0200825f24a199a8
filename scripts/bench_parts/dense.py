"""encoder, equal lengths, float32: BERT-base by batch x tokens"""
import json
import random
import sys

from . import assets
from .harness import OURS, Lines

SHAPES = [(1, 16), (1, 128), (8, 128), (32, 128), (1, 512)]
KINDS = {"HF fp32": "hf", "ORT fp32": "ort", "CT2 fp32": "ct2"}


def prepare(bench, kinds=KINDS):
    model = assets.bert_base(bench)
    for kind in kinds.values():
        peer_model(bench, model, kind)


def peer_model(bench, model, kind):
    """What peers.py opens for a kind."""
    if kind.startswith("ort"):
        return assets.onnx(bench, model, kind == "ort-int8") + ":" + model
    if kind.startswith("ct2"):
        return assets.ct2(bench, model) + ":" + model
    return model


def peer_argv(bench, model, kind, *job):
    return [sys.executable, assets.__file__.replace("assets", "peers"), kind,
            peer_model(bench, model, kind), str(bench.threads), *job]


def start_peers(bench, model, kinds):
    env = bench.environment()
    return {name: Lines(peer_argv(bench, model, kind), env)
            for name, kind in kinds.items()}


def peer_call(peer, request):
    def call():
        reply = json.loads(peer.ask(request, 1)[0])
        return reply["seconds"], reply.get("logits")
    return call


def our_call(tool, records):
    def call():
        logits = []
        for line in tool.ask(records, records.count(b"\n")):
            labels = sorted(json.loads(line)["labels"],
                            key=lambda x: x["label"])
            logits.append([x["score"] for x in labels])
        return None, logits
    return call


def apart(a, b):
    return max(abs(x - y) for r, s in zip(a, b) for x, y in zip(r, s))


def measure(bench, kinds, dtype, tolerance):
    model = assets.bert_base(bench)
    tool = bench.tool("tf-classify")
    peers = start_peers(bench, model, kinds)
    for rows, columns in SHAPES:
        rng = random.Random(rows * columns)
        ids = [[101] + [rng.randrange(1000, 30000) for _ in range(columns - 2)]
               + [102] for _ in range(rows)]
        request = json.dumps({"ids": ids}).encode() + b"\n"
        calls = {n: peer_call(p, request) for n, p in peers.items()}
        if tool:
            ours = Lines([tool, "-m", model, "-t", str(bench.threads), "-b",
                          str(rows), "--dtype", dtype, "--input", "jsonl",
                          "--only", "--top-k", "0", "--function", "none"],
                         bench.environment())
            calls = {OURS: our_call(ours, b"".join(
                json.dumps({"input_ids": i}).encode() + b"\n" for i in ids)),
                **calls}
        bench.compare(f"BERT-base {rows} x {columns}", calls, differ=apart,
                      tolerance=tolerance)
        if tool:
            ours.close()
    for peer in peers.values():
        peer.close()


def run(bench):
    measure(bench, KINDS, "f32", 1e-4)
