"""sentence vectors, float32: JSON lines to rows of float32, texts/s

Ours is the whole process, from its start to its end; of Transformers, which
takes the mean itself, the work alone counts, its start is left out."""
import array
import json

from . import assets
from .dense import start_peers
from .harness import OURS, once

BATCH = 32
MOST = 256          # tokens: max_seq_length of all-MiniLM-L6-v2
PEER = "HF mean pooling, sorted by length"


def prepare(bench):
    assets.ragged_records(bench)
    assets.base_model(bench)


def apart(a, b):
    return max(abs(x - y) for x, y in zip(a, b))


def rows(data):
    """Texts are as many as there are rows of 384 numbers."""
    found = array.array("f", data)
    return found, len(found) // 384


def run(bench):
    path, model = assets.ragged_records(bench), assets.base_model(bench)
    env = bench.environment()
    peer = start_peers(bench, model, {PEER: "mean"})[PEER]
    out = bench.path("text", "vectors.f32")
    request = json.dumps({"in": path, "out": out, "batch": BATCH,
                          "most": MOST}).encode() + b"\n"
    tool = bench.tool("tf-embed")

    def our_call():
        seconds, data = once([tool, "-m", model, "-t", str(bench.threads),
                              "--format", "f32", path], env)
        found, count = rows(data)
        return count / seconds, found

    def peer_call():
        seconds = json.loads(peer.ask(request, 1)[0])["seconds"]
        with open(out, "rb") as f:
            found, count = rows(f.read())
        return count / seconds, found

    contenders = {OURS: our_call} if tool else {}
    bench.compare("all-MiniLM-L6-v2", {**contenders, PEER: peer_call},
                  unit="texts/s", scale=1, differ=apart, tolerance=1e-5,
                  less_is_better=False)
    peer.close()
