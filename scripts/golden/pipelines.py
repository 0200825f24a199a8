"""Tiny models for the pipelines, and the inputs that are put to them.

An entry of MODELS: task, class, config, tokenizer's maker and options, and
cases (input, options), options in the pipeline's own names."""
import copy
import os

import tiny_tokenizers as tt
import torch
import transformers
from encoders import deberta_config, vocabulary
from random_model import (draw, floats, generator, load, owned,
                          save_weights,
                          write_expected, write_json)

SENTENCES = tt.corpus()
SHARPER = 4         # heads are drawn so much wider, or all scores look alike


def labelled(*names):
    return {"id2label": {str(i): n for i, n in enumerate(names)},
            "label2id": {n: i for i, n in enumerate(names)}}


def bert(**members):
    return {"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 2,
            "num_attention_heads": 2, "intermediate_size": 24,
            "hidden_act": "gelu", "layer_norm_eps": 1e-12,
            "max_position_embeddings": 64, "pad_token_id": 0, **members}


def roberta(kind="roberta", **members):
    return {**bert(model_type=kind, type_vocab_size=1, pad_token_id=1,
                   layer_norm_eps=1e-5, bos_token_id=0, eos_token_id=2,
                   max_position_embeddings=66), **members}


TAGS = labelled("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "MISC")
PEOPLE = ["My name is Wolfgang and I live in Berlin.",
          "Zoë Müller (日本, 😀) works at ACME-Corp in São Paulo!",
          "🎉🎉 Привет, мир: Anna Karenina.", "no"]
LONG = " ".join(SENTENCES[30:38])
STRATEGIES = ["none", "simple", "first", "average", "max"]
TAG_CASES = [(text, {"aggregation_strategy": s}) for text in PEOPLE
             for s in STRATEGIES] + [
    (PEOPLE[0], {"aggregation_strategy": "simple",
                 "ignore_labels": ["I-PER", "MISC"]}),
    (PEOPLE[0], {"ignore_labels": []})] + [
    (LONG, {"aggregation_strategy": s, "stride": 7}) for s in STRATEGIES[1:]]
WORDS = ["Wolfgang", "lives", "in", "São", "Paulo", "😀", "."]
TAG_WORDS = [(WORDS, {"aggregation_strategy": s, "is_split_into_words": True})
             for s in STRATEGIES]


def fill_cases(mask):
    return [(f"The film was {mask}.", {}),
            (f"{mask} is the best of the {mask} 😀 year.", {"top_k": 3}),
            (f"Où est la {mask}?", {"top_k": 2}),
            (f"The film was {mask}.", {"targets": ["good", "bad", "the"]}),
            (f"The {mask} was {mask}.", {"targets": ["you", "film"],
                                         "top_k": 1})]


ZERO_SHOT = [
    ("The acting is superb.", {"candidate_labels": ["film", "sport",
                                                    "politics"]}),
    ("The acting is superb.", {"candidate_labels": "film, sport, politics",
                               "multi_label": True}),
    ("Angela Merkel ist eine Politikerin.",
     {"candidate_labels": ["Politik", "Sport"],
      "hypothesis_template": "In diesem Satz geht es um {}."}),
    ("no", {"candidate_labels": ["travel"]}),
    (LONG, {"candidate_labels": ["travel", "cooking", "dancing", "films"]})]

CONTEXTS = {
    "en": ("Where does Sarah live?",
           "My name is Sarah and I live in London. It is a large city."),
    "de": ("Wo ist die Straße?", "Der Fluß fließt über die Straße. Zoë "
           "wohnt in Köln, ganz in der Nähe der großen Kirche."),
    "ru": ("Где живёт Анна?", "Привет, мир! Анна живёт в Москве, а её "
           "брат Иван — в Киеве."),
    "zh": ("天气怎么样？", "今天天气很好。日本語の文章です。我住在北京。"),
    "emoji": ("Who won?", "😀😀 👩‍👩‍👧 At the end 🎉 the red team 🔴 won the cup 🏆 in "
              "Paris 🇫🇷, said José."),
    "spaces": ("What is it?", "  It   is\n\ta  film ,  made in 1984 .  "),
    "long": ("What is the plot of the film about?", " ".join(
        SENTENCES[40:52])),
    "question": ("What, if there is any, was in the end the answer to it?",
                 "A short context: the answer is not in here. Or is it?"),
}
QA_CASES = [(CONTEXTS[c], {}) for c in CONTEXTS if c != "question"] + [
    (CONTEXTS["en"], {"top_k": 5}),
    (CONTEXTS["en"], {"top_k": 4, "align_to_words": False}),
    (CONTEXTS["emoji"], {"top_k": 6, "handle_impossible_answer": True}),
    (CONTEXTS["zh"], {"top_k": 3, "align_to_words": False}),
    (CONTEXTS["de"], {"max_answer_len": 3, "top_k": 3}),
    (CONTEXTS["long"], {"top_k": 5, "doc_stride": 8}),
    (CONTEXTS["long"], {"max_seq_len": 40, "doc_stride": 10,
                        "handle_impossible_answer": True, "top_k": 3}),
    (CONTEXTS["long"], {"max_seq_len": 48, "doc_stride": 20, "top_k": 10,
                        "max_answer_len": 30}),
    (CONTEXTS["question"], {"max_seq_len": 60, "doc_stride": 4,
                            "top_k": 2})]
QA_LABELS = labelled("LABEL_0", "LABEL_1")

TAG, FILL = "token-classification", "fill-mask"
ZERO, QA = "zero-shot-classification", "question-answering"
MODELS = {
    "tag-bert": (TAG, "BertForTokenClassification", bert(**TAGS),
                 (tt.bert, {"lower": False, "max_length": 64}),
                 TAG_CASES + TAG_WORDS),
    "tag-roberta": (TAG, "RobertaForTokenClassification", roberta(**TAGS),
                    (tt.roberta, {"max_length": 64}), TAG_CASES),
    "tag-xlm-roberta": (TAG, "XLMRobertaForTokenClassification",
                        roberta("xlm-roberta", **TAGS),
                        (tt.xlm_roberta, {"max_length": 64}),
                        TAG_CASES + TAG_WORDS),
    "fill-bert": (FILL, "BertForMaskedLM", bert(),
                  (tt.bert, {"max_length": 64}), fill_cases("[MASK]")),
    "fill-roberta": (FILL, "RobertaForMaskedLM", roberta(),
                     (tt.roberta, {"max_length": 64}), fill_cases("<mask>")),
    "nli-bert": (ZERO, "BertForSequenceClassification", bert(**labelled(
        "entailment", "neutral", "contradiction")),
        (tt.bert, {"max_length": 64}), ZERO_SHOT),
    "nli-roberta": (ZERO, "RobertaForSequenceClassification", roberta(
        **labelled("CONTRADICTION", "NEUTRAL", "ENTAILMENT")),
        (tt.roberta, {"max_length": 64}), ZERO_SHOT),
    "qa-bert": (QA, "BertForQuestionAnswering", bert(**QA_LABELS),
                (tt.bert, {"max_length": 64}), QA_CASES),
    "qa-bert-cased": (QA, "BertForQuestionAnswering", bert(
        max_position_embeddings=400, num_hidden_layers=1, **QA_LABELS),
        (tt.bert, {"lower": False, "max_length": 400}), QA_CASES),
    "qa-roberta": (QA, "RobertaForQuestionAnswering", roberta(**QA_LABELS),
                   (tt.roberta, {"max_length": 64}), QA_CASES),
    "qa-xlm-roberta": (QA, "XLMRobertaForQuestionAnswering", roberta(
        "xlm-roberta", **QA_LABELS), (tt.xlm_roberta, {"max_length": 64}),
        QA_CASES),
    "qa-deberta": (QA, "DebertaV2ForQuestionAnswering", {
        **deberta_config(hidden_size=16, intermediate_size=24,
                         position_buckets=16, norm_rel_ebd="layer_norm",
                         share_att_key=True, pos_att_type="p2c|c2p",
                         position_biased_input=False,
                         max_position_embeddings=80), **QA_LABELS},
        (tt.deberta, {"max_length": 80}), QA_CASES),
}


def available(task):
    """Whether this environment's Transformers has the pipeline (version 5
    has no question answering)."""
    return (task == QA) == transformers.__version__.startswith("4.")


def plain(value):
    """A pipeline's answer as JSON holds it, floats as short as float32."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    return floats(torch.tensor(value)) if isinstance(value, float) else value


def skeleton(value):
    """An answer without its floats: what must be the same everywhere."""
    if isinstance(value, dict):
        return {k: skeleton(v) for k, v in value.items()}
    if isinstance(value, list):
        return [skeleton(v) for v in value]
    return None if isinstance(value, float) else value


def ask(task, model, tok, given, options):
    pipe = transformers.pipeline(task, model=model, tokenizer=tok)
    if task == QA:
        return plain(pipe(question=given[0], context=given[1], **options))
    return plain(pipe(given, **options))


def perturbed(model):
    """Copies whose every weight is a little off."""
    for turn in range(2):
        other = copy.deepcopy(model)
        gen = torch.Generator().manual_seed(turn)
        for _, _, p in owned(other):
            p.mul_(1 + 1e-5 * torch.randn(p.shape, generator=gen))
        yield other


def answers(task, model, tok, cases):
    others = list(perturbed(model))
    for given, options in cases:
        output = ask(task, model, tok, given, options)
        if any(skeleton(ask(task, o, tok, given, options)) !=
               skeleton(output) for o in others):
            print(f"left out, too close: {given!r:.60} {options}")
            continue
        case = ({"question": given[0], "context": given[1]} if task == QA
                else {"tokens": given} if isinstance(given, list)
                else {"text": given})
        yield {**case, "options": options, "output": output}


def build(name, folder, cls, members, maker, options):
    maker(folder, **options)
    write_json(os.path.join(folder, "config.json"), {
        "architectures": [cls.__name__], **members,
        "vocab_size": vocabulary(folder)})
    config = transformers.AutoConfig.from_pretrained(folder)
    torch.manual_seed(0)
    model = cls(config)
    gen = generator(name)
    for at, module, p in owned(model):
        value = draw(module, p, gen)
        if at in ("classifier.weight", "qa_outputs.weight"):
            value *= SHARPER
        p.copy_(value)
    if "ForTokenClassification" in cls.__name__:
        balance(model.eval())
    save_weights(folder, {at: p for at, _, p in owned(model)})


def balance(model):
    """Move the labels' biases so that none of them wins everywhere."""
    ids = torch.arange(5, model.config.vocab_size)[None, :60]
    model.classifier.bias -= model(ids).logits[0].mean(0)


def make(name, folder):
    task, cls, members, (maker, options), cases = MODELS[name]
    cls = getattr(transformers, cls)
    with torch.no_grad():
        build(name, folder, cls, members, maker, options)
        model = load(cls, folder)
        tok = transformers.AutoTokenizer.from_pretrained(folder)
        write_expected(folder, {
            "task": task, "transformers": transformers.__version__,
            "cases": list(answers(task, model, tok, cases))})
