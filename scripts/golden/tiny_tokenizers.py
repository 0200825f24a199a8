"""Small tokenizers in the file formats that real models carry.

Each maker takes the folder and writes the files; the vocabularies are learnt
from tests/data/sentences.jsonl and the lines below.
"""
import collections
import json
import os
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as spm_pb2
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models,
                        normalizers, pre_tokenizers, processors, trainers)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
MORE = ["Où est la forêt? C'est là-bas, près de l'église.",
        "Der Fluß fließt über die Straße.", "Привет, мир! Как дела?",
        "日本語の文章です。", "今天天气很好。", "안녕하세요", "Ciao, perché no?",
        "¿Dónde está el niño?", "1984 and 2001, 3.14 or 42%", "I'm you're we'll"]
# full-width letters, a ligature and odd spaces, as nmt_nfkc treats them
RULES = [("ﬁ", "fi"), ("\u00a0", " "), ("\u3000", " "), ("\t", " ")] + [
    (chr(0xff21 + i), chr(0x41 + i)) for i in range(26)]


def corpus():
    path = os.path.join(ROOT, "tests/data/sentences.jsonl")
    with open(path, encoding="utf-8") as f:
        return [json.loads(line)["text"] for line in f] + MORE


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


def write_config(folder, cls, max_length, **tokens):
    write_json(os.path.join(folder, "tokenizer_config.json"),
               {"tokenizer_class": cls, "model_max_length": max_length,
                **tokens})


def template(tok, single, pair, names):
    return processors.TemplateProcessing(
        single=single, pair=pair,
        special_tokens=[(n, tok.token_to_id(n)) for n in names])


BERT_NAMES = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]",
              "cls_token": "[CLS]", "mask_token": "[MASK]"}
ROBERTA_NAMES = {"bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>",
                 "cls_token": "<s>", "unk_token": "<unk>",
                 "pad_token": "<pad>", "mask_token": "<mask>"}


def wordpiece(size, special, unk, lower):
    """WordPiece over the corpus's characters and its most useful pieces. (The
    library's trainer does not give the same vocabulary twice.)"""
    norm = normalizers.BertNormalizer(lowercase=lower)
    split = pre_tokenizers.BertPreTokenizer()
    words = collections.Counter(
        word for line in corpus()
        for word, _ in split.pre_tokenize_str(norm.normalize_str(line)))
    letters, pieces = set(), collections.Counter()
    for word, n in words.items():
        letters.update(word[:1], ("##" + c for c in word[1:]))
        for length in (2, 3, 4):
            pieces[word[:length]] += n * length
            if len(word) > length:
                pieces["##" + word[-length:]] += n * length
    vocab = special + sorted(letters)
    useful = sorted(set(pieces) - set(vocab), key=lambda p: (-pieces[p], p))
    vocab += useful[:size - len(vocab)]
    tok = Tokenizer(models.WordPiece({p: i for i, p in enumerate(vocab)},
                                     unk_token=unk))
    tok.normalizer = norm
    tok.pre_tokenizer = split
    tok.decoder = decoders.WordPiece()
    return tok


def bert(folder, cls="BertTokenizer", size=260, max_length=128, lower=True,
         legacy=False):
    """[CLS] A [SEP] B [SEP] over WordPiece; legacy: vocab.txt alone."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tok = wordpiece(size, special, "[UNK]", lower)
    tok.post_processor = template(
        tok, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        ["[CLS]", "[SEP]"])
    vocab = sorted(tok.get_vocab().items(), key=lambda item: item[1])
    if legacy:
        with open(os.path.join(folder, "vocab.txt"), "w",
                  encoding="utf-8") as f:
            f.writelines(token + "\n" for token, _ in vocab)
    else:
        tok.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    write_config(folder, cls, max_length, do_lower_case=lower, **BERT_NAMES)


def mpnet(folder, size=260, max_length=128):
    """<s> A </s></s> B </s> over BERT's WordPiece."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tok = wordpiece(size, special, "<unk>", True)
    tok.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tok.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    tok.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    write_config(folder, "MPNetTokenizer", max_length, do_lower_case=True,
                 **ROBERTA_NAMES)


def byte_bpe(size, special, prefix_space=False):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tok


def roberta(folder, size=300, max_length=128, legacy=False):
    """<s> A </s></s> B </s> over GPT-2's BPE; legacy: vocab and merges."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tok = byte_bpe(size, special)
    tok.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tok.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    if legacy:
        tok.model.save(folder)
    else:
        tok.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    write_config(folder, "RobertaTokenizer", max_length, **ROBERTA_NAMES)


def modernbert(folder, size=300, max_length=512):
    """[CLS] A [SEP] B [SEP], all of type 0, over a byte-level BPE."""
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    tok = byte_bpe(size, special)
    tok.normalizer = normalizers.NFC()
    tok.add_special_tokens([AddedToken("[MASK]", lstrip=True, special=True)])
    tok.post_processor = template(tok, "[CLS] $A [SEP]",
                                  "[CLS] $A [SEP] $B [SEP]",
                                  ["[CLS]", "[SEP]"])
    tok.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    write_config(folder, "PreTrainedTokenizerFast", max_length,
                 model_input_names=["input_ids", "attention_mask"],
                 **BERT_NAMES)


def sentencepiece_model(size, **options):
    """A trained ModelProto with a small character map of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        rules = os.path.join(scratch, "rules.tsv")
        with open(rules, "w", encoding="utf-8") as f:
            for old, new in RULES:
                f.write(" ".join(f"{ord(c):X}" for c in old) + "\t" +
                        " ".join(f"{ord(c):X}" for c in new) + "\n")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus()), vocab_size=size,
            model_prefix=os.path.join(scratch, "m"), hard_vocab_limit=False,
            normalization_rule_tsv=rules, character_coverage=0.995,
            minloglevel=2, num_threads=1, **options)
        proto = spm_pb2.ModelProto()
        with open(os.path.join(scratch, "m.model"), "rb") as f:
            proto.ParseFromString(f.read())
    proto.trainer_spec.ClearField("model_prefix")   # the scratch folder's name
    proto.normalizer_spec.ClearField("normalization_rule_tsv")
    return proto


def unigram(proto, pieces, unk, normalizer=(), split=True):
    tok = Tokenizer(models.Unigram(pieces, unk_id=unk))
    charsmap = proto.normalizer_spec.precompiled_charsmap
    tok.normalizer = normalizers.Sequence([
        *normalizer, normalizers.Precompiled(charsmap),
        normalizers.Replace(Regex(" {2,}"), " ")])
    space = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), space]) if split else space
    tok.decoder = decoders.Metaspace(replacement="▁",
                                     prepend_scheme="always")
    return tok


def xlm_roberta(folder, size=200, max_length=128):
    """Fairseq's order of ids over a SentencePiece unigram."""
    proto = sentencepiece_model(size)
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(p.piece, p.score) for p in proto.pieces[3:]]
    tok = unigram(proto, pieces + [("<mask>", 0.0)], 3)
    tok.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", AddedToken(
        "<mask>", lstrip=True, special=True)])
    tok.post_processor = template(tok, "<s> $A </s>",
                                  "<s> $A </s> </s> $B </s>", ["<s>", "</s>"])
    tok.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    with open(os.path.join(folder, "sentencepiece.bpe.model"), "wb") as f:
        f.write(proto.SerializeToString())
    write_config(folder, "XLMRobertaTokenizer", max_length, **ROBERTA_NAMES)


def camembert(folder, size=200, max_length=128):
    proto = sentencepiece_model(size)
    pieces = [("<s>NOTUSED", 0.0), ("<pad>", 0.0), ("</s>NOTUSED", 0.0),
              ("<unk>", 0.0), ("<unk>NOTUSED", -100.0)]
    pieces += [(p.piece, p.score) for p in proto.pieces[1:]]
    tok = unigram(proto, pieces + [("<mask>", 0.0)], 3)
    tok.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", AddedToken(
        "<mask>", lstrip=True, special=True)])
    tok.post_processor = template(tok, "<s> $A </s>",
                                  "<s> $A </s> </s> $B </s>", ["<s>", "</s>"])
    tok.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    write_config(folder, "CamembertTokenizer", max_length, **ROBERTA_NAMES)


def albert(folder, size=200, max_length=128, legacy=False):
    """BERT's template over a lower-casing unigram; legacy: spiece.model."""
    proto = sentencepiece_model(
        size, pad_id=0, unk_id=1, bos_id=-1, eos_id=-1,
        control_symbols=["[CLS]", "[SEP]", "[MASK]"], pad_piece="<pad>")
    tok = unigram(proto, [(p.piece, p.score) for p in proto.pieces], 1,
                  [normalizers.Replace("``", '"'),
                   normalizers.Replace("''", '"'), normalizers.NFKD(),
                   normalizers.StripAccents(), normalizers.Lowercase()])
    tok.add_special_tokens(["<pad>", "<unk>", "[CLS]", "[SEP]", AddedToken(
        "[MASK]", lstrip=True, special=True)])
    tok.post_processor = template(
        tok, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        ["[CLS]", "[SEP]"])
    if legacy:
        with open(os.path.join(folder, "spiece.model"), "wb") as f:
            f.write(proto.SerializeToString())
    else:
        tok.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    # version 5 gives no type ids to ALBERT unless the file lists them
    names = {} if legacy else {"model_input_names": [
        "input_ids", "token_type_ids", "attention_mask"]}
    write_config(folder, "AlbertTokenizer", max_length, do_lower_case=True,
                 **{**BERT_NAMES, "unk_token": "<unk>", "pad_token": "<pad>",
                    **names})


def deberta(folder, size=200, max_length=512):
    proto = sentencepiece_model(
        size, pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]",
        bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]")
    tok = unigram(proto, [(p.piece, p.score) for p in proto.pieces], 3,
                  [normalizers.Strip()], split=False)
    tok.add_special_tokens(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"])
    tok.post_processor = template(
        tok, "[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        ["[CLS]", "[SEP]"])
    tok.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    write_config(folder, "DebertaV2Tokenizer", max_length,
                 do_lower_case=False, **BERT_NAMES)


GENERATOR_NAMES = {"bos_token": "<s>", "eos_token": "</s>",
                   "unk_token": "<unk>", "pad_token": "<pad>"}


def generator(folder, single="$A", languages=(), size=280):
    """Byte-level BPE for decoders and encoder-decoders; `single` is the
    template of one text."""
    tok = byte_bpe(size, ["<pad>", "<s>", "</s>", "<unk>"])
    tok.add_special_tokens(list(languages))
    if single != "$A":
        names = [w for w in single.split() if w != "$A"]
        tok.post_processor = template(tok, single, single + " $B", names)
    tok.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    write_config(folder, "PreTrainedTokenizerFast", 10 ** 30,
                 additional_special_tokens=list(languages), **GENERATOR_NAMES)
