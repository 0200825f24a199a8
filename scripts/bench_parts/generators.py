"""A peer that generates, as a process of its own.

    generators.py KIND MODEL THREADS    answer requests, a JSON line each

KIND: hf (a Transformers folder), ct2 (its converted form), llama (a GGUF
file), llama-plain (the same without weights repacked for the CPU). A request
{"ids": [...], "new": n} reads a prompt and takes the best token n times; the
answer has seconds of both, and the tokens.
"""
import json
import sys
import time


class HF:
    def __init__(self, model, threads, kind):
        import torch
        from transformers import AutoModelForCausalLM
        torch.set_num_threads(threads)
        self.torch = torch
        self.net = AutoModelForCausalLM.from_pretrained(
            model, dtype=torch.float32).eval()

    def begin(self, ids):
        with self.torch.inference_mode():
            out = self.net(input_ids=self.torch.tensor([ids]), use_cache=True,
                           logits_to_keep=1)
        self.past = out.past_key_values
        return int(out.logits[0, -1].argmax())

    def next(self, token):
        with self.torch.inference_mode():
            out = self.net(input_ids=self.torch.tensor([[token]]),
                           past_key_values=self.past, use_cache=True)
        return int(out.logits[0, -1].argmax())


class Llama:
    def __init__(self, model, threads, kind):
        import llama_cpp
        if kind == "llama-plain":
            default = llama_cpp.llama_model_default_params

            def plain():
                params = default()
                params.use_extra_bufts = False
                return params
            llama_cpp.llama_cpp.llama_model_default_params = plain
            llama_cpp.llama_model_default_params = plain
        self.net = llama_cpp.Llama(model, n_ctx=1024, n_threads=threads,
                                   n_threads_batch=threads, verbose=False)

    def begin(self, ids):
        self.net.reset()
        return self.next(*ids)

    def next(self, *tokens):
        import numpy
        self.net.eval(tokens)
        logits = self.net._ctx.get_logits_ith(-1)
        return int(numpy.ctypeslib.as_array(
            logits, (self.net.n_vocab(),)).argmax())


class CT2:
    def __init__(self, model, threads, kind):
        import ctranslate2
        self.net = ctranslate2.Generator(model, inter_threads=1,
                                         intra_threads=threads,
                                         compute_type="float32")
        with open(model + "/vocabulary.json", encoding="utf-8") as f:
            self.vocabulary = json.load(f)

    def tokens(self, ids, n):
        found = self.net.generate_batch(
            [[self.vocabulary[i] for i in ids]], max_length=n, min_length=n,
            sampling_topk=1, include_prompt_in_result=False)
        return found[0].sequences_ids[0]


def answer(peer, ids, new):
    clock = time.perf_counter
    start = clock()
    if isinstance(peer, CT2):       # it tells no step from the next
        peer.tokens(ids, 1)
        middle = clock()
        found = peer.tokens(ids, new)
        return middle - start, (clock() - middle) - (middle - start), found
    found = [peer.begin(ids)]
    middle = clock()
    while len(found) < new:
        found.append(peer.next(found[-1]))
    return middle - start, clock() - middle, found


def main(kind, model, threads):
    peer = {"hf": HF, "ct2": CT2}.get(kind, Llama)(model, int(threads), kind)
    for line in sys.stdin:
        request = json.loads(line)
        prompt, decode, found = answer(peer, request["ids"], request["new"])
        print(json.dumps({"prompt": prompt, "decode": decode,
                          "ids": found}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
