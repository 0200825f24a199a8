"""one text after another: a prompt read and tokens generated, tokens/s; MiB

Ours is the whole process without its start (seconds of --stats), once with
one new token and once with all of them. A peer is a process that has the model
open. Tokens/s of the prompt and of what follows are rows of their own."""
import json
import random
import subprocess
import sys

from . import assets
from .harness import OURS, Lines, peak
from .memory import MIB

PROMPT, NEW = 128, 64


def gpt2_kinds(bench):
    folder = assets.gpt2(bench)
    kinds = [("f32", {"HF": ("hf", folder),
                      "CT2": ("ct2", assets.ct2_generator(bench, folder))})]
    for dtype in "f16", "q8_0":
        kinds.append((dtype, {}))
    for dtype, peers in kinds:
        peers["llama.cpp"] = ("llama", assets.gguf(bench, folder, dtype))
    return folder, kinds


def prepare(bench):
    gpt2_kinds(bench)
    assets.gemma_gguf(bench)


def peer_argv(bench, kind, model):
    return [sys.executable, assets.__file__.replace("assets", "generators"),
            kind, model, str(bench.threads)]


def request_of(ids, new):
    return json.dumps({"ids": ids, "new": new}).encode() + b"\n"


def start(bench, name, kind, model):
    """The peer after a first answer, and its command. llama.cpp built for AMX
    dies on some virtual machines: then its weights are left as they are."""
    argv = peer_argv(bench, kind, model)
    peer = Lines(argv, bench.environment())
    try:
        peer.ask(request_of([1, 2], 2), 1)
    except RuntimeError as why:
        if kind != "llama":
            raise
        bench.say(f"{name}: {why}; again without repacked weights")
        return start(bench, name, "llama-plain", model)
    return peer, argv


def our_argv(bench, tool, model, new, path):
    return [tool, "-m", model, "-t", str(bench.threads), "--stats",
            "--max-new-tokens", str(new), "--min-new-tokens", str(new),
            "--input", "jsonl", path]


def our_work(bench, tool, model, new, path):
    """Seconds without the start, and the tokens."""
    done = subprocess.run(our_argv(bench, tool, model, new, path),
                          env=bench.environment(), capture_output=True,
                          check=True)
    told = json.loads(done.stderr.splitlines()[-1])
    return told["seconds"], json.loads(done.stdout)["output_ids"]


def our_call(bench, tool, model, path, part):
    def call():
        first, ids = our_work(bench, tool, model, 1, path)
        if part == "prompt":
            return PROMPT / first, ids
        whole, ids = our_work(bench, tool, model, NEW, path)
        return (NEW - 1) / (whole - first), ids
    return call


def peer_call(peer, ids, part):
    def call():
        reply = json.loads(peer.ask(request_of(
            ids, NEW if part == "decode" else 1), 1)[0])
        rate = (PROMPT / reply["prompt"] if part == "prompt" else
                (NEW - 1) / reply["decode"])
        return rate, reply["ids"]
    return call


def beginning(ids):
    return "begins " + " ".join(map(str, ids[:3]))


def measure(bench, title, ours, peers, vocabulary):
    """One model; peers {name: (kind, model)}."""
    rng = random.Random(7)
    ids = [rng.randrange(vocabulary) for _ in range(PROMPT)]
    path = bench.path("text", "prompt.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        f.write(json.dumps({"input_ids": ids}) + "\n")
    tool = bench.tool("tf-generate")
    started = {name: start(bench, name, *peer)
               for name, peer in peers.items()}
    for part in "prompt", "decode":
        calls = {name: peer_call(peer, ids, part)
                 for name, (peer, _) in started.items()}
        if tool:
            calls = {OURS: our_call(bench, tool, ours, path, part), **calls}
        bench.compare(f"{title}, {part} ({PROMPT} and {NEW} tokens)", calls,
                      unit="tokens/s", scale=1, less_is_better=False,
                      note=beginning)
    for peer, _ in started.values():
        peer.close()
    request = bench.path("text", "request.jsonl")
    with open(request, "wb") as f:
        f.write(request_of(ids, NEW))
    peaks = {name: [peak(argv, bench.environment(), request) * MIB]
             for name, (_, argv) in started.items()}
    if tool:
        peaks = {OURS: [peak(our_argv(bench, tool, ours, NEW, path),
                             bench.environment()) * MIB], **peaks}
    bench.add(title, "MiB", peaks, {})


def run(bench):
    folder, kinds = gpt2_kinds(bench)
    for dtype, peers in kinds:
        measure(bench, "GPT-2 124M " + dtype, peers["llama.cpp"][1], peers,
                50257)
    gemma = assets.gemma_gguf(bench)
    measure(bench, "Gemma 3 270m Q4_K_M", gemma,
            {"llama.cpp": ("llama", gemma)}, 100000)
