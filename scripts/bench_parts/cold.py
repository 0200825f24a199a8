"""one sentence, the whole process, page cache warm, milliseconds"""
from . import assets
from .dense import KINDS, peer_argv, prepare as prepare_dense
from .harness import OURS, once

SENTENCE = "This is one of the best films I have seen in years.\n"


def prepare(bench):
    prepare_dense(bench)
    assets.minilm(bench)


def run(bench):
    path = bench.path("text", "sentence.txt")
    with open(path, "w", encoding="utf-8") as f:
        f.write(SENTENCE)
    env = bench.environment()
    tool = bench.tool("tf-classify")

    def call(argv):
        return lambda: (once(argv, env, path)[0], None)

    for title, model in [("MiniLM-L6", assets.minilm(bench)),
                         ("BERT-base", assets.bert_base(bench))]:
        calls = {name: call(peer_argv(bench, model, kind, "sentence"))
                 for name, kind in KINDS.items()}
        if tool:
            calls = {OURS: call([tool, "-m", model, "-t",
                                 str(bench.threads)]), **calls}
        bench.compare(title, calls)
    if tool:
        bench.compare("the embedded default", {OURS: call([tool])})
