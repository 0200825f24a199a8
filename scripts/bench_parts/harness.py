"""Runs contenders in turn, compares their answers, keeps the table."""
import json
import os
import platform
import statistics
import subprocess
import sys
import time

OURS = "ours"


class Bench:
    def __init__(self, opts, root, cache):
        self.root, self.cache = root, cache
        self.threads, self.runs = opts.threads, opts.runs
        self.out, self.text = opts.out, opts.text
        self.build = os.path.abspath(opts.build)
        self.part = None
        self.rows = []
        self.status = 0         # 1 when answers differed or one failed

    def tool(self, name):
        """The path of a program of ours, or None with a word on why not."""
        path = os.path.join(self.build, name)
        if os.access(path, os.X_OK):
            return path
        self.say(f"{path} is not built: its rows are left out")
        return None

    def path(self, *names):
        """A path in the cache; the folder it stands in exists."""
        path = os.path.join(self.cache, *names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def environment(self):
        n = str(self.threads)
        return {**os.environ, "OMP_NUM_THREADS": n, "MKL_NUM_THREADS": n,
                "OPENBLAS_NUM_THREADS": n, "RAYON_NUM_THREADS": n,
                "TOKENIZERS_PARALLELISM":
                "true" if self.threads > 1 else "false"}

    def say(self, text):
        print(f"bench: {self.part}: {text}", file=sys.stderr, flush=True)

    def compare(self, case, contenders, unit="ms", scale=1e3, differ=None,
                tolerance=0.0, less_is_better=True, note=None, runs=None):
        """Time contenders {name: call}. A call returns (amount, answer):
        seconds, or None for the wall time of the call itself. The first round
        is not counted. differ(a, b) says how far two answers are apart,
        note(answer) is a word on one. runs: other than those asked for."""
        amounts = {name: [] for name in contenders}
        answers = {}
        for turn in range((runs or self.runs) + 1):
            for name in list(amounts):
                start = time.perf_counter()
                try:
                    amount, answers[name] = contenders[name]()
                except Exception as why:        # one peer's failure is a row
                    self.say(f"{case}: {name}: {why}")
                    self.status = 1
                    del amounts[name]
                    continue
                if amount is None:
                    amount = time.perf_counter() - start
                if turn:
                    amounts[name].append(amount * scale)
        self.add(case, unit, amounts, answers, differ, tolerance,
                 less_is_better, note)

    def add(self, case, unit, amounts, answers, differ=None, tolerance=0.0,
            less_is_better=True, note=None):
        row = {"part": self.part, "case": case, "unit": unit,
               "threads": self.threads, "less_is_better": less_is_better,
               "results": {}}
        first = next(iter(answers), None)
        ours = amounts.get(OURS)
        for name, values in amounts.items():
            middle = statistics.median(values)
            result = {"median": middle, "min": min(values),
                      "max": max(values), "runs": values}
            if ours and name != OURS:
                ratio = middle / statistics.median(ours)
                result["ours_is_better_by"] = (ratio if less_is_better
                                               else 1 / ratio)
            if differ and name != first:
                apart = differ(answers[first], answers[name])
                result["apart"] = apart
                if apart > tolerance:
                    self.say(f"{case}: {name} and {first} differ by {apart:g},"
                             f" more than {tolerance:g}")
                    self.status = 1
            if note:
                result["note"] = note(answers[name])
            row["results"][name] = result
        self.rows.append(row)
        self.say(case + ": " + ", ".join(
            f"{n} {r['median']:.4g} {unit}" for n, r in row["results"].items()))

    def write(self):
        os.makedirs(self.out, exist_ok=True)
        with open(os.path.join(self.out, "bench.json"), "w",
                  encoding="utf-8") as f:
            json.dump({"machine": machine(), "versions": versions(),
                       "date": time.strftime("%Y-%m-%d"), "rows": self.rows},
                      f, indent=1)
            f.write("\n")
        with open(os.path.join(self.out, "bench.md"), "w",
                  encoding="utf-8") as f:
            f.write(markdown(self.rows))


def markdown(rows):
    lines = []
    for part in dict.fromkeys(row["part"] for row in rows):
        lines += [f"## {part}", "", "| case | unit | program | median | "
                  "min - max | ours is better by | answers apart | |",
                  "|---|---|---|---|---|---|---|---|"]
        for row in (r for r in rows if r["part"] == part):
            for name, r in row["results"].items():
                better = r.get("ours_is_better_by")
                apart = r.get("apart")
                lines.append(
                    f"| {row['case']} | {row['unit']} | {name} | "
                    f"{r['median']:.4g} | {r['min']:.4g} - {r['max']:.4g} | "
                    f"{'' if better is None else f'{better:.2f}'} | "
                    f"{'' if apart is None else f'{apart:.1e}'} | "
                    f"{r.get('note', '')} |")
        lines.append("")
    return "\n".join(lines)


def machine():
    cpu, flags = platform.processor(), []
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            for line in f:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    cpu = value.strip()
                elif key.strip() == "flags":
                    flags = [w for w in value.split() if w.startswith(
                        ("avx", "amx", "fma", "f16c"))]
    except OSError:
        pass
    return {"cpu": cpu, "flags": flags, "cores": len(os.sched_getaffinity(0)),
            "system": platform.platform()}


def versions():
    from importlib.metadata import PackageNotFoundError, version
    found = {}
    for name in ["torch", "transformers", "tokenizers", "onnxruntime",
                 "ctranslate2", "tiktoken", "llama-cpp-python"]:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            pass
    return found


class Lines:
    """A program that answers each line by a line, kept running."""

    def __init__(self, argv, env):
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=env)

    def ask(self, data, answers):
        """Send bytes, read that many lines."""
        self.process.stdin.write(data)
        self.process.stdin.flush()
        lines = [self.process.stdout.readline() for _ in range(answers)]
        if answers and not lines[-1]:
            raise RuntimeError(f"{self.process.args[0]} ended, status "
                               f"{self.process.wait()}")
        return lines

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def once(argv, env, stdin=os.devnull):
    """One whole process that reads the file `stdin`: (seconds, standard
    output)."""
    with open(stdin, "rb") as source:
        start = time.perf_counter()
        done = subprocess.run(argv, stdin=source, stdout=subprocess.PIPE,
                              env=env, check=False)
        seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{argv[0]}: exit status {done.returncode}")
    return seconds, done.stdout


# A process starts with the peak of the one that forked it: fork from a small
# one.
LAUNCH = """import os, sys
pid = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss * 1024, file=sys.stderr)
sys.exit(status != 0)"""


def peak(argv, env, stdin=os.devnull):
    """The peak resident bytes of a whole process."""
    with open(stdin, "rb") as source:
        done = subprocess.run([sys.executable, "-I", "-S", "-c", LAUNCH,
                               *argv], stdin=source, env=env, check=False,
                              capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{argv[0]}: " + done.stderr.decode(
            "utf-8", "replace"))
    return int(done.stderr.split()[-1])
