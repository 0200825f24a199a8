"""from text to ids in the library, and opening a tokenizer.json

Ours is timed inside tests/bench_tokenizer.c, the peers inside Python around
the calls into their libraries."""
import json
import os
import subprocess
import sys
import time

from . import assets
from .harness import OURS, once

NAMES = ["minilm", "gpt2", "llama3", "gemma3"]
GPT2_PATTERN = (r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+|"
                r" ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


def prepare(bench):
    assets.running_text(bench)
    for name in NAMES:
        assets.tokenizer(bench, name)


def fingerprint(lists):
    """[count, sum, sum of id times position] of all ids, modulo 2^64, as the
    C program computes it."""
    import numpy
    ids = numpy.concatenate([numpy.array(x, dtype=numpy.uint64)
                             for x in lists])
    place = numpy.arange(1, len(ids) + 1, dtype=numpy.uint64)
    return [len(ids), int(ids.sum()), int((ids * place).sum())]


def hf_calls(path, lines):
    from tokenizers import Tokenizer
    tok = Tokenizer.from_file(path)
    tok.no_padding()
    tok.no_truncation()

    def timed(encode):
        def call():
            start = time.perf_counter()
            found = encode(lines, add_special_tokens=False)
            seconds = time.perf_counter() - start
            return seconds, fingerprint([e.ids for e in found])
        return call

    # encode_batch_fast leaves the offsets out
    return {"HF tokenizers": timed(tok.encode_batch),
            "HF tokenizers, no offsets": timed(tok.encode_batch_fast)}


def tiktoken_call(path, lines, threads):
    import tiktoken
    with open(path, encoding="utf-8") as f:
        vocab = json.load(f)["model"]["vocab"]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    byte = {**{chr(b): b for b in printable},
            **{chr(256 + i): b for i, b in enumerate(others)}}
    ranks = {bytes(byte[c] for c in token): i for token, i in vocab.items()
             if token != "<|endoftext|>"}
    enc = tiktoken.Encoding("gpt2", pat_str=GPT2_PATTERN,
                            mergeable_ranks=ranks,
                            special_tokens={"<|endoftext|>": 50256})

    def call():
        start = time.perf_counter()
        found = enc.encode_ordinary_batch(lines, num_threads=threads)
        seconds = time.perf_counter() - start
        return seconds, fingerprint(found)
    return call


def our_call(bench, program, *args):
    def call():
        _, out = once([program, *args], bench.environment())
        reply = json.loads(out)
        return reply["seconds"], reply.get("ids")
    return call


def opening(bench, program, name, path):
    from tokenizers import Tokenizer

    def hf():
        Tokenizer.from_file(path)
        return None, None

    calls = {"HF tokenizers": hf}
    if program:
        calls = {OURS: our_call(bench, program, "open", path), **calls}
    bench.compare(f"opening {name}'s tokenizer.json", calls)


def pipe(bench, tool, path, text, megabytes):
    """text to counts, whole processes: lines in, JSON lines out"""
    loop = ("import json, sys; from tokenizers import Tokenizer\n"
            "t = Tokenizer.from_file(sys.argv[1]); t.no_truncation();"
            " t.no_padding()\n"
            "lines = [l.rstrip('\\n') for l in open(sys.argv[2])]\n"
            "for i in range(0, len(lines), 1000):\n"
            "    for s, e in zip(lines[i:i + 1000],"
            " t.encode_batch(lines[i:i + 1000])):\n"
            "        print(json.dumps({'text': s, 'n_tokens': len(e.ids)}))\n")
    env = bench.environment()

    def call(argv):
        def timed():
            seconds, out = once(argv, env)
            return megabytes / seconds, [
                json.loads(x)["n_tokens"] for x in out.splitlines()]
        return timed

    calls = {"encode_batch in Python": call([sys.executable, "-c", loop, path,
                                             text])}
    if tool:
        calls = {OURS: call([tool, "-m", path, "-t", str(bench.threads),
                             "--input", "text", "--count", text]), **calls}
    bench.compare("minilm: lines to JSON lines with counts", calls,
                  unit="MB/s", scale=1, less_is_better=False,
                  differ=lambda a, b: float(a != b))


def run(bench):
    text = assets.running_text(bench)
    with open(text, encoding="utf-8") as f:
        lines = f.read().splitlines()
    megabytes = sum(len(s.encode()) + 1 for s in lines) / 1e6
    subprocess.run(["make", "-s", "-C", bench.root,
                    "build/tests/bench_tokenizer"], check=False)
    program = bench.tool("tests/bench_tokenizer")
    for name in NAMES:
        opening(bench, program, name, assets.tokenizer(bench, name))
    threads = bench.threads
    for bench.threads in sorted({1, threads}):
        for name in ["minilm", "gpt2"]:
            throughput(bench, program, name, text, lines, megabytes)
    pipe(bench, bench.tool("tf-tokenize"), assets.tokenizer(bench, "minilm"),
         text, megabytes)


def throughput(bench, program, name, text, lines, megabytes):
    path = assets.tokenizer(bench, name)
    # the tokenizers library reads this when it first starts its threads
    os.environ["TOKENIZERS_PARALLELISM"] = (
        "true" if bench.threads > 1 else "false")
    calls = hf_calls(path, lines)
    if name == "gpt2":
        calls["tiktoken"] = tiktoken_call(path, lines, bench.threads)
    if program:
        calls = {OURS: our_call(bench, program, "encode", path, text,
                                str(bench.threads)), **calls}

    def rate(call):
        def timed():
            seconds, answer = call()
            return megabytes / seconds, answer
        return timed

    bench.compare(f"{name}: text to ids, {bench.threads} "
                  f"thread{'s' * (bench.threads > 1)}",
                  {n: rate(c) for n, c in calls.items()}, unit="MB/s",
                  scale=1, less_is_better=False,
                  differ=lambda a, b: float(a != b))
