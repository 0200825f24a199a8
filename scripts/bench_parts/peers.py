"""A peer as a process of its own, so that libraries do not share threads.

    peers.py KIND MODEL THREADS             answer requests, a JSON line each
    peers.py KIND MODEL THREADS sentence    classify standard input's sentence
    peers.py KIND MODEL THREADS B T         one forward pass of B x T tokens

KIND: hf, hf-bf16, ort, ort-int8, ct2, ct2-int8; mean: vectors by Transformers,
the mean over tokens scaled to length 1. MODEL is the Transformers
folder; for ort and ct2 `FILE:FOLDER`, the converted form and that folder.
Only what a kind needs is imported.
"""
import json
import sys
import time


class HF:
    def __init__(self, model, threads, kind):
        import torch
        from transformers import AutoModelForSequenceClassification
        torch.set_num_threads(threads)
        self.torch = torch
        self.dtype = (torch.bfloat16 if kind == "hf-bf16" else torch.float32)
        self.folder = model
        self.net = AutoModelForSequenceClassification.from_pretrained(
            model, dtype=self.dtype).eval()

    def logits(self, batch):
        ids, mask = padded(batch)
        with self.torch.inference_mode():
            out = self.net(input_ids=self.torch.tensor(ids),
                           attention_mask=self.torch.tensor(mask))
        return out.logits.float().numpy()

    def pipeline(self, texts, batch):
        from transformers import AutoTokenizer, pipeline
        pipe = pipeline("text-classification", model=self.net,
                        tokenizer=AutoTokenizer.from_pretrained(self.folder))
        return pipe(texts, batch_size=batch, truncation=True)


class ORT:
    def __init__(self, model, threads, kind):
        import onnxruntime
        path, self.folder = model.split(":")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"])

    def logits(self, batch):
        import numpy
        ids, mask = padded(batch)
        return self.session.run(["logits"], {
            "input_ids": numpy.array(ids, dtype=numpy.int64),
            "attention_mask": numpy.array(mask, dtype=numpy.int64)})[0]


class CT2:
    def __init__(self, model, threads, kind):
        import ctranslate2
        import safetensors.numpy
        path, self.folder = model.split(":")
        self.encoder = ctranslate2.Encoder(
            path, inter_threads=1, intra_threads=threads,
            compute_type="int8" if kind == "ct2-int8" else "float32")
        weights = safetensors.safe_open(self.folder + "/model.safetensors",
                                        "numpy")
        self.w = weights.get_tensor("classifier.weight")
        self.b = weights.get_tensor("classifier.bias")

    def logits(self, batch):
        import numpy
        pooled = self.encoder.forward_batch(batch).pooler_output
        return numpy.array(pooled) @ self.w.T + self.b


class Mean:
    def __init__(self, model, threads, kind):
        import torch
        from transformers import AutoModel
        torch.set_num_threads(threads)
        self.torch = torch
        self.folder = model
        self.net = AutoModel.from_pretrained(model, dtype=torch.float32).eval()

    def vectors(self, batch):
        ids, mask = padded(batch)
        mask = self.torch.tensor(mask)
        with self.torch.inference_mode():
            hidden = self.net(input_ids=self.torch.tensor(ids),
                              attention_mask=mask).last_hidden_state
            mean = (hidden * mask[..., None]).sum(1) / mask.sum(1)[:, None]
            return self.torch.nn.functional.normalize(mean).numpy()


def padded(batch):
    longest = max(map(len, batch))
    return ([ids + [0] * (longest - len(ids)) for ids in batch],
            [[1] * len(ids) + [0] * (longest - len(ids)) for ids in batch])


def open_tokenizer(folder, most=512):
    from tokenizers import Tokenizer
    tok = Tokenizer.from_file(folder + "/tokenizer.json")
    tok.no_padding()
    tok.enable_truncation(most)
    return tok


def answers(logits):
    import numpy
    e = numpy.exp(logits - logits.max(-1, keepdims=True))
    scores = e / e.sum(-1, keepdims=True)
    return [{"label": int(s.argmax()), "score": float(s.max())}
            for s in scores]


def classify_file(peer, request):
    """JSON lines to JSON lines, the whole way, in batches."""
    with open(request["in"], encoding="utf-8") as f:
        records = [json.loads(line) for line in f]
    texts = [r["text"] for r in records]
    size = request["batch"]
    if request["order"] == "pipeline":
        found = peer.pipeline(texts, size)
    else:
        ids = [e.ids for e in open_tokenizer(peer.folder).encode_batch(texts)]
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        found = [None] * len(ids)
        for at in range(0, len(order), size):
            some = order[at:at + size]
            for i, a in zip(some, answers(peer.logits([ids[j]
                                                       for j in some]))):
                found[i] = a
    with open(request["out"], "w", encoding="utf-8") as f:
        for record, answer in zip(records, found):
            f.write(json.dumps({**record, **answer}, ensure_ascii=False)
                    + "\n")


def embed_file(peer, request):
    """JSON lines to rows of float32, in batches of texts of like length."""
    import numpy
    with open(request["in"], encoding="utf-8") as f:
        texts = [json.loads(line)["text"] for line in f]
    ids = [e.ids for e in open_tokenizer(peer.folder, request["most"])
           .encode_batch(texts)]
    order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
    found = [None] * len(ids)
    for at in range(0, len(order), request["batch"]):
        some = order[at:at + request["batch"]]
        for i, v in zip(some, peer.vectors([ids[j] for j in some])):
            found[i] = v
    numpy.stack(found).astype("<f4").tofile(request["out"])


def serve(peer):
    for line in sys.stdin:
        request = json.loads(line)
        start = time.perf_counter()
        if isinstance(peer, Mean):
            embed_file(peer, request)
            reply = {}
        elif "in" in request:
            classify_file(peer, request)
            reply = {}
        else:
            reply = {"logits": peer.logits(request["ids"])}
        reply["seconds"] = time.perf_counter() - start
        if "logits" in reply:
            reply["logits"] = reply["logits"].tolist()
        print(json.dumps(reply), flush=True)


def main(kind, model, threads, *job):
    peers = {"hf": HF, "ort": ORT, "ct2": CT2, "mean": Mean}
    if kind == "hf" and job == ("sentence",):   # the way a user writes it
        from transformers import pipeline
        print(pipeline("text-classification", model)(sys.stdin.read().strip()))
        return
    peer = peers[kind.partition("-")[0]](model, int(threads), kind)
    if not job:
        serve(peer)
    elif job == ("sentence",):
        text = sys.stdin.read().strip()
        print(answers(peer.logits([open_tokenizer(peer.folder).encode(
            text).ids])))
    else:
        rows, columns = map(int, job)
        print(peer.logits([[1000] * columns] * rows).tolist())


if __name__ == "__main__":
    main(*sys.argv[1:])
