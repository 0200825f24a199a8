#!/usr/bin/env python3
"""golden_test.py - the tools against what Transformers answered: every model
under tests/golden, from the text on, alone and in one stream of all records.

The tools are found on PATH. Answers may differ by the order of float32 sums:
numbers within 1e-4, labels and their order the same.
"""
import json
import os
import subprocess
import sys

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
TOLERANCE = 1e-4
failures = []


def expected(folder):
    with open(os.path.join(folder, "expected.json"), encoding="utf-8") as f:
        return json.load(f)


def folders(group, key):
    root = os.path.join(GOLDEN, group)
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        if key in expected(folder):
            yield folder


def ask(tool, records):
    """The tool's answers to records, one for each."""
    lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records)
    done = subprocess.run(tool, input=lines.encode(), capture_output=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode or done.stderr or len(answers) != len(records):
        sys.exit(f"{' '.join(tool)}: status {done.returncode}, "
                 f"{len(answers)} answers to {len(records)} records\n"
                 f"{done.stderr.decode()}")
    return answers


def compare(what, wanted, found):
    """Nested lists and objects of numbers and words."""
    if isinstance(wanted, float):
        same = abs(found - wanted) <= TOLERANCE * max(1, abs(wanted))
    elif isinstance(wanted, list):
        same = len(wanted) == len(found) and all(
            compare(what, w, f) for w, f in zip(wanted, found))
    elif isinstance(wanted, dict):
        same = all(compare(what, w, found.get(k)) for k, w in wanted.items())
    else:
        same = wanted == found
    return same


def check(what, wanted, found):
    if not compare(what, wanted, found):
        failures.append(f"{what}\n  wanted {wanted}\n  found  {found}")


def classification():
    for group in ("models", "decoders"):
        for folder in folders(group, "cases"):
            cases = expected(folder)["cases"]
            tool = ["tf-classify", "-m", folder, "--logits", "--only"]
            records = [{k: c[k] for k in ("text", "text_pair") if k in c}
                       for c in cases]
            together = ask(tool, records * 3)
            for i, answer in enumerate(together):
                case = cases[i % len(cases)]
                check(f"{folder}: {case['text'][:60]}", case["logits"],
                      answer["logits"])
            alone = ask(tool, records[:1])[0]
            check(f"{folder}: alone", cases[0]["logits"], alone["logits"])


def zero_shot():
    for folder, cases in of_task("zero-shot-classification"):
        for case in cases:
            options = case["options"]
            labels = options["candidate_labels"]
            tool = ["tf-classify", "-m", folder, "--only", "--candidate-labels",
                    labels if isinstance(labels, str) else ",".join(labels)]
            if options.get("multi_label"):
                tool.append("--multi-label")
            if "hypothesis_template" in options:
                tool += ["--hypothesis-template", options["hypothesis_template"]]
            answer = ask(tool, [{"text": case["text"]}])[0]["labels"]
            out = case["output"]
            check(f"{folder}: {case['text'][:60]} {options}",
                  [{"label": label, "score": score} for label, score
                   in zip(out["labels"], out["scores"])], answer)


def of_task(task):
    """(folder, cases) of every pipeline of that kind."""
    for folder in folders("pipelines", "task"):
        golden = expected(folder)
        if golden["task"] == task:
            yield folder, golden["cases"]


def groups(cases):
    """(options, their cases): what one run of a tool can answer."""
    while cases:
        options = cases[0]["options"]
        yield options, [c for c in cases if c["options"] == options]
        cases = [c for c in cases if c["options"] != options]


def arguments(options, names):
    """A pipeline's options as ours; a name without a value is a flag, which
    stands for the value it is given with."""
    args = []
    for key, value in options.items():
        name, flag = names[key]
        if flag is None:
            args += [name, ",".join(value) if isinstance(value, list)
                     else str(value)]
        elif value == flag:
            args.append(name)
    return args


def compare_groups(task, tool, names, fields, answer_of):
    for folder, cases in of_task(task):
        for options, some in groups(cases):
            argv = [tool, "-q", "-m", folder, "--only",
                    *arguments(options, names)]
            answers = ask(argv, [{k: c[k] for k in fields if k in c}
                                 for c in some])
            for case, answer in zip(some, answers):
                check(f"{folder}: {options} {case.get('text', '')[:60]}",
                      case["output"], answer_of(answer, case["output"]))


def question_answering():
    names = {"top_k": ("--top-k", None), "doc_stride": ("--doc-stride", None),
             "max_seq_len": ("--max-length", None),
             "max_answer_len": ("--max-answer-length", None),
             "align_to_words": ("--no-align-to-words", False),
             "handle_impossible_answer": ("--handle-impossible-answer", True)}

    def answer_of(answer, wanted):
        answers = answer.get("answers", [answer])
        return answers if isinstance(wanted, list) else answers[0]
    compare_groups("question-answering", "tf-qa", names,
                   ["question", "context"], answer_of)


def token_classification():
    names = {"aggregation_strategy": ("--aggregation", None),
             "ignore_labels": ("--ignore-labels", None),
             "stride": ("--stride", None), "is_split_into_words": ("", False)}

    def answer_of(answer, wanted):      # of words the pipeline gives a list
        nested = wanted and isinstance(wanted[0], list)
        return [answer["entities"]] if nested else answer["entities"]
    compare_groups("token-classification", "tf-tag", names,
                   ["text", "tokens"], answer_of)


def fill_mask():
    compare_groups("fill-mask", "tf-fill", {"top_k": ("--top-k", None),
                                            "targets": ("--targets", None)},
                   ["text"], lambda answer, _: answer["predictions"])


def length(vector):
    return sum(x * x for x in vector) ** 0.5


def embedding():
    names = {"truncate_dim": ("--dim", None),
             "prompt_name": ("--prompt-name", None),
             "normalize_embeddings": ("--normalize", True)}
    for folder, cases in of_task("embedding"):
        with open(os.path.join(folder, "modules.json"), encoding="utf-8") as f:
            normalizes = json.load(f)[-1]["type"].endswith("Normalize")
        for options, some in groups(cases):
            argv = ["tf-embed", "-m", folder, "--only",
                    *arguments(options, names)]
            answers = ask(argv, [{"text": c["text"]} for c in some])
            for case, answer in zip(some, answers):
                wanted = case["embedding"]
                if normalizes and "truncate_dim" in options:
                    # sentence-transformers cuts what has length 1, we
                    # normalize what is cut
                    wanted = [x / length(wanted) for x in wanted]
                check(f"{folder}: {options} {case['text'][:60]}", wanted,
                      answer["embedding"])


if __name__ == "__main__":
    classification()
    zero_shot()
    question_answering()
    token_classification()
    fill_mask()
    embedding()
    for failure in failures:
        print(failure)
    print(f"golden_test.py: {len(failures)} differences")
    sys.exit(bool(failures))
