"""A peer that trains, as a process of its own: a PyTorch loop.

    trainers.py torch MODEL THREADS     answer requests, a JSON line each

A request names a file of JSON lines {"text", "label"} and how to train on it:
{"file", "batch", "max_length", "steps", "checkpointing", "bf16", "by_length"}.
The model is read anew, a classifier trained by AdamW on padded batches, of texts
of like length or of any; the answer has the seconds of the steps and the mean
loss.
"""
import json
import random
import sys
import time


def read(path, folder, most, by_length):
    """[(ids, label)] of a file, the longest first or in any order."""
    from transformers import AutoTokenizer
    with open(path, encoding="utf-8") as f:
        records = [json.loads(line) for line in f]
    names = sorted({r["label"] for r in records})
    ids = AutoTokenizer.from_pretrained(folder)(
        [r["text"] for r in records], truncation=True,
        max_length=most)["input_ids"]
    data = [(i, names.index(r["label"])) for i, r in zip(ids, records)]
    random.Random(0).shuffle(data)
    if by_length:
        data.sort(key=lambda d: -len(d[0]))
    return data, len(names)


def collate(batch):
    import torch
    longest = max(len(ids) for ids, _ in batch)
    return {
        "input_ids": torch.tensor(
            [ids + [0] * (longest - len(ids)) for ids, _ in batch]),
        "attention_mask": torch.tensor(
            [[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in batch]),
        "labels": torch.tensor([label for _, label in batch]),
    }


def open_model(folder, labels, checkpointing):
    import torch
    from transformers import AutoModelForSequenceClassification
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=labels, dtype=torch.float32)
    if checkpointing:
        model.gradient_checkpointing_enable()
    return model.train()


def optimizer_of(model):
    import torch
    kinds = [[], []]
    for name, p in model.named_parameters():
        kinds[name.endswith("bias") or "LayerNorm" in name].append(p)
    return torch.optim.AdamW([{"params": kinds[0], "weight_decay": 0.01},
                              {"params": kinds[1], "weight_decay": 0.0}],
                             lr=1e-4)


def train(folder, request):
    import torch
    size = request["batch"]
    data, labels = read(request["file"], folder, request["max_length"],
                        request["by_length"])
    model = open_model(folder, labels, request["checkpointing"])
    optimizer = optimizer_of(model)
    total = 0
    start = time.perf_counter()
    for step in range(request["steps"]):
        batch = collate(data[step * size:(step + 1) * size])
        with torch.autocast("cpu", torch.bfloat16, enabled=request["bf16"]):
            loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        total += loss.item()
    return time.perf_counter() - start, total / request["steps"]


def main(kind, model, threads):
    import torch
    torch.set_num_threads(int(threads))
    for line in sys.stdin:
        seconds, loss = train(model, json.loads(line))
        print(json.dumps({"seconds": seconds, "loss": loss}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
