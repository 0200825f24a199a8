"""peak resident memory of a whole process, MiB"""
import json
import os

from . import assets
from .dense import KINDS, peer_argv
from .dense import prepare      # noqa: F401, the driver calls it
from .harness import OURS, peak

SHAPES = [(1, 128), (8, 128), (1, 512)]
MIB = 1 / (1 << 20)


def run(bench):
    model = assets.bert_base(bench)
    env = bench.environment()
    tool = bench.tool("tf-classify")
    weights = os.path.getsize(os.path.join(model, "model.safetensors"))
    for rows, columns in SHAPES:
        path = bench.path("text", "ids.jsonl")
        with open(path, "w", encoding="utf-8") as f:
            line = json.dumps({"input_ids": [1000] * columns}) + "\n"
            f.writelines([line] * rows)
        argv = {name: peer_argv(bench, model, kind, str(rows), str(columns))
                for name, kind in KINDS.items()}
        if tool:
            argv = {OURS: [tool, "-m", model, "-t", str(bench.threads), "-b",
                           str(rows)], **argv}
        peaks = {name: [peak(a, env, path) * MIB] for name, a in argv.items()}
        bench.add(f"BERT-base ({weights * MIB:.0f} MiB of weights), "
                  f"{rows} x {columns}", "MiB", peaks, {})
