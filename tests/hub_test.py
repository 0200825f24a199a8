#!/usr/bin/env python3
"""Whole-tool tests of tf-hub against tests/hub_server.py. The tool is found on
PATH. Arguments as unittest has them: hub_test.py Pull.resumes_after_a_cut"""
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER = None
HUB = STORAGE = ""
WEIGHTS = "w" * 300000 + "end"
FILES = {"config.json": '{"hidden_size": 4}', "tokenizer.json": "{}",
         "model.safetensors": WEIGHTS, "1_Pooling/config.json": "{}",
         "pytorch_model.bin": "b" * 1000, "na\u00efve name.txt": "caf\u00e9"}


def setUpModule():
    global SERVER, HUB, STORAGE
    folder = tempfile.mkdtemp()
    ports = folder + "/ports"
    SERVER = subprocess.Popen([sys.executable, HERE + "/hub_server.py", ports])
    for _ in range(500):
        if os.path.exists(ports):
            break
        time.sleep(0.02)
    with open(ports) as f:
        hub, storage = f.read().split()
    HUB, STORAGE = "http://127.0.0.1:" + hub, "http://127.0.0.1:" + storage


def tearDownModule():
    SERVER.kill()
    SERVER.wait()


def steer(what, value=None):
    request = urllib.request.Request(
        HUB + "/_test/" + what, json.dumps(value).encode(), method="POST")
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)


def git_hash(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Loader(unittest.TestLoader):
    """In the classes below Case every method is a test, its name a sentence;
    but not those that begin with an underscore."""

    def getTestCaseNames(self, case):
        return [name for name in vars(case) if case is not Case and
                name[0] != "_" and name not in ("setUp", "tearDown")]


class Case(unittest.TestCase):
    count = 0

    def setUp(self):
        Case.count += 1
        self.dir = tempfile.TemporaryDirectory()
        self.cache = self.dir.name + "/hf/hub"
        self.repo = "acme/r%d" % Case.count
        ours = ("HF_", "HUGGING", "TRANSFORMERS_", "XDG_", "SSL_", "CURL_",
                "REQUESTS_")
        self.env = {k: v for k, v in os.environ.items() if
                    not k.startswith(ours) and "proxy" not in k.lower()}
        self.env.update(HF_HOME=self.dir.name + "/hf", HF_ENDPOINT=HUB,
                        HOME=self.dir.name)
        steer("faults", [])
        steer("log")

    def tearDown(self):
        steer("faults", [])
        self.dir.cleanup()

    def start(self, *args, stdin=subprocess.DEVNULL, **env):
        return subprocess.Popen(
            ["tf-hub", *args], stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={**self.env, **env})

    def run_hub(self, *args, status=0, stdin="", **env):
        p = self.start(*args, stdin=subprocess.PIPE, **env)
        self.out, self.err = p.communicate(stdin, timeout=60)
        self.assertEqual(p.returncode, status, self.err)
        return self.out.strip()

    def make(self, files=FILES, repo=None, **more):
        return steer("repo", {"id": repo or self.repo, "files": files, **more})[
            "sha"]

    def faults(self, *list):
        steer("faults", list)

    def requests(self, method=None, part="", server=None):
        """The requests since the last call of this kind."""
        return [r for r in steer("log") if method in (None, r["method"]) and
                part in r["path"] and server in (None, r["server"])]

    def read(self, *parts):
        with open(os.path.join(*parts), "rb") as f:
            return f.read()

    def storage_folder(self):
        return "%s/models--%s" % (self.cache, self.repo.replace("/", "--"))

    def no_broken_file(self):
        """All that has a final name in the cache is whole."""
        for base, _, names in os.walk(self.cache):
            if base.endswith("/blobs"):
                for name in names:
                    data = self.read(base, name)
                    if not name.endswith(".incomplete"):
                        self.assertIn(name, (git_hash(data),
                                             hashlib.sha256(data).hexdigest()))
            if "/snapshots/" in base:
                for name in names:
                    self.assertTrue(os.path.exists(os.path.join(base, name)))


class Pull(Case):
    def prints_a_snapshot_in_the_layout_of_huggingface_hub(self):
        sha = self.make()
        path = self.run_hub("pull", self.repo)
        top = self.storage_folder()
        self.assertEqual(path, top + "/snapshots/" + sha)
        self.assertEqual(self.read(top, "refs/main"), sha.encode())
        for name, text in FILES.items():
            if name == "pytorch_model.bin":
                continue
            data = text.encode()
            self.assertEqual(self.read(path, name), data)
            blob = hashlib.sha256(data).hexdigest() \
                if name.endswith(".safetensors") else git_hash(data)
            self.assertEqual(os.readlink(os.path.join(path, name)),
                             "../" * (2 + name.count("/")) + "blobs/" + blob)
            self.assertTrue(os.path.exists(
                "%s/.locks/models--%s/%s.lock" % (
                    self.cache, self.repo.replace("/", "--"), blob)))
        tree = json.loads(self.read(top, "trees", sha + ".json"))
        self.assertEqual(tree["format_version"], 1)
        self.assertEqual(set(tree["files"]), set(FILES))
        self.assertTrue(self.read(self.cache, "CACHEDIR.TAG").startswith(
            b"Signature: 8a477f597d28d172789f06886806bc55\n"))

    def asks_for_nothing_twice(self):
        sha = self.make()
        self.run_hub("pull", self.repo)
        steer("log")
        self.run_hub("pull", self.repo)
        self.assertEqual(len(self.requests()), 1)
        self.run_hub("pull", self.repo + "@" + sha)
        self.assertEqual(self.requests(), [])

    def takes_one_copy_of_the_weights(self):
        self.make({**FILES, "tf_model.h5": "h", "onnx/model.onnx": "o",
                   "model.fp16.safetensors": "16", "flax_model.msgpack": "f",
                   "original/consolidated.00.pth": "p", "optimizer.pt": "o",
                   "2_Dense/pytorch_model.bin": "dense", "README.md": "#",
                   "checkpoint-5/model.safetensors": "c"})
        path = self.run_hub("pull", self.repo)
        self.assertEqual(self._files(path), [
            "1_Pooling/config.json", "2_Dense/pytorch_model.bin", "README.md",
            "config.json", "model.safetensors", "na\u00efve name.txt",
            "tokenizer.json"])
        path = self.run_hub("pull", self.repo, "--weights", "onnx",
                            "--local-dir", self.dir.name + "/d")
        self.assertIn("onnx/model.onnx", self._files(path))
        self.assertNotIn("model.safetensors", self._files(path))
        self.run_hub("pull", self.repo, "--weights=gguf", status=4)
        self.assertIn("has no gguf weights; it has: safetensors", self.err)

    def chooses_among_gguf_files_by_their_variant(self):
        self.make({"m-Q4_K_M.gguf": "4", "m-Q4_K.gguf": "k", "config.json": "{}",
                   "m-Q8_0-00001-of-00002.gguf": "8a", "mmproj-f16.gguf": "v",
                   "m-Q8_0-00002-of-00002.gguf": "8b"})
        self.run_hub("pull", self.repo, status=2)
        self.assertIn("several GGUF models", self.err)
        path = self.run_hub("pull", self.repo + ":q8_0")
        self.assertEqual(self._files(path), [
            "config.json", "m-Q8_0-00001-of-00002.gguf",
            "m-Q8_0-00002-of-00002.gguf"])
        path = self.run_hub("pull", self.repo + ":Q4_K@main", "--local-dir",
                            self.dir.name + "/d")
        self.assertEqual(self._files(path), ["config.json", "m-Q4_K.gguf"])
        self.run_hub("pull", self.repo + ":Q5_0", status=4)

    def prints_the_path_of_one_file(self):
        sha = self.make()
        path = self.run_hub("pull", self.repo, "config.json")
        self.assertEqual(path, self.storage_folder() + "/snapshots/" + sha +
                         "/config.json")
        self.assertEqual(self.requests(part="/tree/"), [])
        path = self.run_hub("pull", self.repo, "config.json",
                            "1_Pooling/config.json")
        self.assertTrue(path.endswith(sha))
        path = self.run_hub("pull", self.repo, "1_Pooling/")
        self.assertTrue(path.endswith(sha))

    def filters_by_patterns_over_the_whole_path(self):
        self.make()
        path = self.run_hub("pull", self.repo, "--include", "*.json",
                            "--include=*.bin", "--exclude", "1_Pooling/")
        self.assertEqual(self._files(path), ["config.json", "pytorch_model.bin",
                                             "tokenizer.json"])
        path = self.run_hub("pull", self.repo, "--include", "nothing*")
        self.assertTrue(os.path.isdir(path))
        self.assertIn("no file is selected", self.err)

    def knows_datasets_and_revisions(self):
        self.make({"train.jsonl": "{}"}, type="dataset")
        path = self.run_hub("pull", "--type", "dataset", self.repo)
        self.assertIn("/datasets--acme--", path)
        self.make({"a": "1"})
        sha = self.make({"a": "2"}, branch="refs/pr/1")
        for args in ([self.repo + "@refs/pr/1"],
                     [self.repo, "--revision=refs/pr/1"]):
            path = self.run_hub("pull", *args)
            self.assertEqual(self.read(path, "a"), b"2")
        self.assertEqual(self.read(self.storage_folder(), "refs/refs/pr/1"),
                         sha.encode())

    def fills_a_folder_of_the_users(self):
        sha = self.make()
        folder = self.dir.name + "/my model"
        self.assertEqual(
            self.run_hub("pull", self.repo, "--local-dir", folder), folder)
        self.assertFalse(os.path.exists(self.cache))
        self.assertEqual(self.read(folder, "model.safetensors"),
                         WEIGHTS.encode())
        note = self.read(folder, ".cache/huggingface/download/1_Pooling/"
                         "config.json.metadata").decode().split("\n")
        self.assertEqual(note[:2], [sha, git_hash(b"{}")])
        self.assertAlmostEqual(float(note[2]), time.time(), delta=60)
        steer("log")
        self.run_hub("pull", self.repo, "--local-dir", folder)
        self.assertEqual(self.requests(part="/resolve"), [])
        with open(folder + "/config.json", "w") as f:
            f.write("changed")
        os.utime(folder + "/config.json", (time.time() + 9, time.time() + 9))
        self.run_hub("pull", self.repo, "--local-dir", folder)
        self.assertEqual(self.read(folder, "config.json"),
                         FILES["config.json"].encode())

    def reads_a_listing_of_several_pages(self):
        self.make({"d/%03d.txt" % i: str(i) for i in range(120)})
        path = self.run_hub("pull", self.repo)
        self.assertEqual(len(self._files(path)), 120)

    def makes_do_without_a_tree(self):
        self.make()
        self.faults({"match": "/tree/", "kind": "status", "status": 404})
        path = self.run_hub("pull", self.repo)
        self.assertEqual(self.read(path, "model.safetensors"), WEIGHTS.encode())

    def goes_through_a_proxy(self):
        self.make({"config.json": "{}"})
        env = {"HF_ENDPOINT": "http://hub.test", "http_proxy": HUB}
        self.run_hub("ls", self.repo, **env)
        self.assertEqual({(r["proxied"], r["host"]) for r in self.requests()},
                         {(True, "hub.test")})
        self.run_hub("ls", self.repo, http_proxy="http://127.0.0.1:1",
                     no_proxy="127.0.0.1")
        self.run_hub("ls", self.repo, "--endpoint", "ftp://hub.test", status=2)

    def copies_where_links_do_not_work(self):
        self.make()
        path = self.run_hub("pull", self.repo, HF_HUB_DISABLE_SYMLINKS="1")
        self.assertFalse(os.path.islink(path + "/config.json"))
        self.assertEqual(self.read(path, "model.safetensors"), WEIGHTS.encode())

    def finds_no_fault_with_a_read_only_cache(self):
        self.make()
        path = self.run_hub("pull", self.repo)
        for base, _, _ in os.walk(self.cache, topdown=False):
            os.chmod(base, 0o555)
        try:
            self.assertEqual(self.run_hub("pull", self.repo), path)
        finally:
            for base, _, _ in os.walk(self.cache):
                os.chmod(base, 0o755)

    def is_content_with_the_cache_when_offline(self):
        self.make()
        self.run_hub("pull", self.repo, "--offline", status=4)
        self.assertIn("run: tf-hub pull " + self.repo, self.err)
        path = self.run_hub("pull", self.repo)
        for env in ({"HF_HUB_OFFLINE": "1"}, {"TRANSFORMERS_OFFLINE": "yes"}):
            steer("log")
            self.assertEqual(self.run_hub("pull", self.repo, **env), path)
            self.assertEqual(self.requests(), [])
        down = {"HF_ENDPOINT": "http://127.0.0.1:1"}
        self.assertEqual(self.run_hub("pull", self.repo, **down), path)
        self.assertIn("this is what the cache has", self.err)
        os.unlink(path + "/model.safetensors")
        self.run_hub("pull", self.repo, status=4, **down)
        self.assertIn("http://127.0.0.1:1", self.err)
        self.run_hub("pull", self.repo, "--offline", "--local-dir",
                     self.dir.name + "/d", status=4)

    def brings_back_a_blob_that_became_short(self):
        self.make()
        path = self.run_hub("pull", self.repo)
        with open(path + "/model.safetensors", "r+") as f:
            f.truncate(1000)
        self.run_hub("pull", self.repo)
        self.assertEqual(self.read(path, "model.safetensors"), WEIGHTS.encode())

    def _files(self, path):
        return sorted(os.path.relpath(os.path.join(base, name), path)
                      for base, _, names in os.walk(path) for name in names
                      if "/.cache" not in base)


class Faults(Case):
    def resumes_after_every_cut(self):
        self.make({"model.safetensors": "x" * 1000000})
        self.faults({"match": "/lfs/", "kind": "cut", "every": 65536})
        path = self.run_hub("pull", self.repo)
        self.assertEqual(len(self.read(path, "model.safetensors")), 1000000)
        ranges = [r["range"] for r in self.requests("GET", "/lfs/")]
        self.assertEqual(ranges[:3], [None, "bytes=65536-", "bytes=131072-"])
        self.assertEqual(len(ranges), 16)

    def starts_again_where_ranges_are_ignored(self):
        self.make()
        self.faults({"match": "/lfs/", "kind": "cut", "every": 65536,
                     "times": 1},
                    {"match": "/lfs/", "kind": "norange", "every": 1 << 30})
        path = self.run_hub("pull", self.repo)
        self.assertEqual(self.read(path, "model.safetensors"), WEIGHTS.encode())

    def refuses_a_wrong_length(self):
        self.make()
        self.faults({"match": "/lfs/", "kind": "length", "by": 7})
        self.run_hub("pull", self.repo, status=4)
        self.assertIn("sends more than the 300003 bytes", self.err)
        self.no_broken_file()
        self.faults({"match": "/lfs/", "kind": "length", "by": -7, "times": 1})
        path = self.run_hub("pull", self.repo)
        self.assertEqual(self.read(path, "model.safetensors"), WEIGHTS.encode())

    def refuses_a_wrong_hash(self):
        # a file at a time: of another one a good part may be left for the
        # next pull
        for match, words, name in (
                ("resolve-cache.*config", "git hash", "config.json"),
                ("/lfs/", "sha256", "model.safetensors")):
            self.make({"config.json": words, "model.safetensors": words})
            self.faults({"match": match, "kind": "corrupt"})
            self.run_hub("pull", self.repo, name, status=4)
            self.assertIn(words, self.err)
            self.assertIn("the repository says", self.err)
            self.no_broken_file()
            self.assertEqual([n for n in os.listdir(
                self.storage_folder() + "/blobs") if "incomplete" in n], [])
        self.faults({"match": "/lfs/", "kind": "corrupt", "times": 1})
        self.run_hub("pull", self.repo)
        self.no_broken_file()

    def mends_a_part_that_does_not_fit(self):
        self.make()
        self.faults({"match": "/lfs/", "kind": "cut", "every": 9},
                    {"match": "resolve", "kind": "status", "status": 403})
        self.run_hub("pull", self.repo, status=4)
        blob = self.storage_folder() + "/blobs/" + hashlib.sha256(
            WEIGHTS.encode()).hexdigest() + ".tfhub.incomplete"
        os.makedirs(os.path.dirname(blob), exist_ok=True)
        with open(blob, "w") as f:
            f.write("not what it was")
        self.faults()
        path = self.run_hub("pull", self.repo)
        self.assertEqual(self.read(path, "model.safetensors"), WEIGHTS.encode())

    def waits_as_long_as_it_is_asked_to(self):
        self.make()
        self.faults({"match": "/revision/", "kind": "status", "status": 429,
                     "times": 1, "headers": {"Retry-After": "1"}},
                    {"match": "resolve/", "kind": "status", "status": 500,
                     "times": 1})
        start = time.time()
        self.run_hub("pull", self.repo)
        self.assertGreater(time.time() - start, 1)
        self.faults({"match": "/revision/", "kind": "status", "status": 429,
                     "headers": {"RateLimit": '"api";r=0;t=900'}})
        self.run_hub("ls", self.repo, status=4)
        self.assertIn("answers 429", self.err)

    def leaves_a_stalled_connection(self):
        self.make()
        self.faults({"match": "/lfs/", "kind": "drip", "bytes": 5,
                     "delay": 0.3, "times": 1})
        path = self.run_hub("pull", self.repo, HF_HUB_DOWNLOAD_TIMEOUT="1")
        self.assertEqual(self.read(path, "model.safetensors"), WEIGHTS.encode())

    def sees_redirects_that_go_in_circles(self):
        self.make()
        self.faults({"match": "/revision/", "kind": "redirect", "to": "{self}"})
        self.run_hub("pull", self.repo, status=4)
        self.assertIn("redirects more than 20 times", self.err)
        self.faults({"match": "/revision/", "kind": "redirect",
                     "to": "file:///etc/passwd"})
        self.run_hub("pull", self.repo, status=4)
        self.assertIn("not an address to go to", self.err)

    def keeps_the_token_from_other_hosts(self):
        self.make(private=True)
        self.run_hub("pull", self.repo, "-v", HF_TOKEN="hf_ada")
        self.assertNotIn("hf_ada", self.err)
        self.assertNotIn("secret", self.err)  # of the signed address
        log = self.requests()
        self.assertEqual({r["auth"] for r in log if r["server"] == "hub"},
                         {"Bearer hf_ada"})
        self.assertEqual({r["auth"] for r in log if r["server"] == "storage"},
                         {None})
        # there and back: the way back was not chosen by the hub
        self.faults({"match": "/lfs/", "kind": "redirect",
                     "to": HUB + "/api/whoami-v2"})
        self.run_hub("pull", self.repo, "model.safetensors", "--local-dir",
                     self.dir.name + "/d", status=4, HF_TOKEN="hf_ada",
                     HF_HUB_CACHE=self.dir.name + "/other")
        self.assertEqual([r["auth"] for r in self.requests(part="whoami")],
                         [None])
        self.faults({"match": "/revision/", "kind": "redirect", "status": 307,
                     "to": STORAGE + "{self}"})
        self.run_hub("ls", self.repo, status=4, HF_TOKEN="hf_ada")
        self.assertEqual({r["auth"] for r in self.requests(server="storage")},
                         {None})

    def says_why_it_is_refused(self):
        self.make(gated=True)
        self.make(private=True, repo=self.repo + "p")
        self.make(repo=self.repo + "o")
        for name, env, words in (
                (self.repo, {}, "is gated: ask for access at"),
                (self.repo, {"HF_TOKEN": "hf_bob"}, "your token belongs to"),
                (self.repo + "p", {}, "or it is private; check the name"),
                (self.repo + "p", {"HF_TOKEN": "hf_bob"}, "may not see it"),
                (self.repo + "o", {"HF_TOKEN": "hf_no"}, "not accept the token"),
                (self.repo + "o@v9", {}, 'no branch, tag or commit "v9"'),
                ("acme/none", {}, "has no model acme/none")):
            self.run_hub("pull", name, status=4, **env)
            self.assertIn(words, self.err)
            self.assertEqual(self.out, "")
            self.assertEqual(self.err.count("\n"), 1)
        self.assertFalse(os.path.exists(self.cache))
        self.run_hub("pull", self.repo, HF_TOKEN="hf_ada")
        self.run_hub("pull", self.repo, "nofile", status=4, HF_TOKEN="hf_ada")
        self.assertIn("has no file nofile", self.err)
        sha = self.read(self.storage_folder(), "refs/main").decode()
        self.assertTrue(os.path.exists(
            self.storage_folder() + "/.no_exist/%s/nofile" % sha))

    def keeps_to_one_commit_while_the_branch_moves(self):
        sha = self.make()
        self.faults({"match": "/tree/", "kind": "move", "times": 1, "repo": {
            "id": self.repo, "files": {"config.json": "new", "b": "b"}}})
        path = self.run_hub("pull", self.repo)
        self.assertTrue(path.endswith(sha))
        self.assertEqual(self.read(path, "config.json"),
                         FILES["config.json"].encode())
        self.assertEqual(self.read(self.storage_folder(), "refs/main"),
                         sha.encode())
        path = self.run_hub("pull", self.repo)
        self.assertEqual(self.read(path, "config.json"), b"new")

    def writes_nothing_outside_its_folders(self):
        for name in ("../../evil", "/tmp/tf-hub-evil", "a/../../evil", "C:evil",
                     "..\\evil", ".git/hooks/post-checkout", "x/\u001b[2J"):
            self.make({"config.json": "{}", name: "evil"})
            self.run_hub("pull", self.repo, status=4)
            self.assertIn("could leave its folder", self.err)
            self.run_hub("pull", self.repo, "--local-dir", self.dir.name + "/d",
                         status=4)
            self.assertNotIn("\033", self.err)
            self.run_hub("pull", self.repo, "--exclude", name)
        for base, _, names in os.walk(self.dir.name):
            self.assertNotIn("evil", names)
        self.assertFalse(os.path.exists("/tmp/tf-hub-evil"))
        self.make({"a": "file", "a/b": "below it"})
        self.run_hub("pull", self.repo, status=3)
        self.run_hub("pull", "../" + self.repo, status=2)
        self.run_hub("pull", self.repo, "../x", status=2)

    def follows_no_link_in_a_users_folder(self):
        self.make()
        folder, outside = self.dir.name + "/d", self.dir.name + "/outside"
        os.makedirs(folder)
        os.makedirs(outside)
        os.symlink(outside, folder + "/1_Pooling")
        os.symlink(outside + "/file", folder + "/config.json")
        self.run_hub("pull", self.repo, "--local-dir", folder, status=3)
        self.assertIn("1_Pooling/config.json", self.err)
        self.assertEqual(os.listdir(outside), [])

    def takes_no_hash_for_a_path(self):
        self.make()
        evil = {"X-Repo-Commit": "../../../evil", "ETag": '"x"'}
        self.faults({"match": "resolve/", "kind": "status", "status": 200,
                     "headers": evil})
        self.run_hub("pull", self.repo, "config.json", status=4)
        evil = {"X-Repo-Commit": "0" * 40, "ETag": '"../../../evil"'}
        self.faults({"match": "resolve/", "kind": "status", "status": 200,
                     "headers": evil})
        self.run_hub("pull", self.repo, "config.json", status=4)
        self.assertIn("no usable ETag", self.err)
        self.faults({"match": "/revision/", "kind": "status", "status": 200,
                     "body": '{"sha": "../../evil"}'})
        self.run_hub("pull", self.repo, status=4)
        for body in ("", "<html>", "[", '{"sha": 5}', "null"):
            self.faults({"match": "/revision/", "kind": "status",
                         "status": 200, "body": body})
            self.run_hub("pull", self.repo, status=4)
        for body in ("{}", '[{"type": "file"}, 7, null, {"path": 5}]',
                     '[{"type":"file","path":"a","size":-1,"oid":"../x"}]'):
            self.faults({"match": "/tree/", "kind": "status", "status": 200,
                         "body": body})
            self.run_hub("ls", self.repo, status=0 if "[" in body else 4)


class Together(Case):
    def ten_processes_fetch_once(self):
        self.make({"config.json": "{}", "model.safetensors": "y" * 2000000})
        self.faults({"match": "/lfs/", "kind": "drip", "bytes": 100000,
                     "delay": 0.02})
        steer("log")
        all = [self.start("pull", self.repo) for _ in range(10)]
        paths = {p.communicate(timeout=60)[0] for p in all}
        self.assertEqual([p.returncode for p in all], [0] * 10)
        self.assertEqual(len(paths), 1)
        self.assertEqual(len(self.requests("GET", "/lfs/")), 1)
        self.no_broken_file()

    def goes_on_where_it_was_killed(self):
        self.make({"config.json": "{}", "model.safetensors": "z" * 3000000})
        self.faults({"match": "/lfs/", "kind": "drip", "bytes": 100000,
                     "delay": 0.05})
        for i in range(5):
            p = self.start("pull", self.repo)
            time.sleep(0.05 + 0.04 * i)
            p.send_signal(signal.SIGKILL)
            p.communicate()
            self.no_broken_file()
        self.faults()
        steer("log")
        path = self.run_hub("pull", self.repo)
        self.assertEqual(self.read(path, "model.safetensors"), b"z" * 3000000)
        self.assertRegex(self.requests("GET", "/lfs/")[0]["range"],
                         "bytes=[1-9]")
        names = os.listdir(self.storage_folder() + "/blobs")
        self.assertEqual([n for n in names if "incomplete" in n], [])


class Push(Case):
    def setUp(self):
        super().setUp()
        self.env["HF_TOKEN"] = "hf_ada"
        self.folder = self.dir.name + "/model"
        self._write({"config.json": "{}", "model.safetensors": WEIGHTS,
                     "big.bin": self.repo + "p" * 5000000, "sub/empty.txt": "",
                     "sub/t\u00fcr.txt": "t", "x.ignored": "x",
                     ".git/config": "no", ".cache/huggingface/x": "no"})

    def _write(self, files):
        for name, text in files.items():
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.write(text)

    def commits_a_folder_and_nothing_twice(self):
        line = json.loads(self.run_hub("push", self.folder, self.repo, "-m",
                                       "first", "--create", "--private"))
        self.assertRegex(line["commit_url"], "/commit/" + line["oid"])
        log = self.requests()
        self.assertEqual(len([r for r in log if "/part/" in r["path"]]), 3)
        self.assertEqual(len([r for r in log if "/complete/" in r["path"]]), 1)
        self.assertEqual({r["auth"] for r in log if r["server"] == "storage"},
                         {None})
        path = self.run_hub("pull", self.repo, "--weights=all")
        self.assertEqual(path.rsplit("/", 1)[1], line["oid"])
        for name in ("config.json", "model.safetensors", "big.bin",
                     "sub/empty.txt", "sub/t\u00fcr.txt"):
            self.assertEqual(self.read(path, name),
                             self.read(self.folder, name))
        self.assertEqual(sorted(os.listdir(path)), [
            "big.bin", "config.json", "model.safetensors", "sub"])
        line = json.loads(self.run_hub("push", self.folder, self.repo))
        self.assertEqual(line, {"commit_url": None, "oid": None})
        self.assertEqual(self.requests("POST", "/commit/"), [])
        self._write({"config.json": '{"changed": 1}'})
        self.run_hub("push", self.folder, self.repo, "--include", "*.json")
        log = self.requests()
        self.assertEqual([r for r in log if "lfs" in r["path"]], [])
        self.assertEqual(self.run_hub("pull", HF_TOKEN="", status=4, *[
            self.repo, "--cache-dir", self.dir.name + "/c"]), "")

    def commits_to_branches_and_pull_requests(self):
        self.run_hub("create", self.repo)
        self.run_hub("create", self.repo, status=4)
        self.run_hub("create", self.repo, "--exist-ok")
        self.run_hub("push", self.folder, self.repo, "--branch", "dev",
                     status=4)
        self.assertIn('no branch, tag or commit "dev"', self.err)
        self.run_hub("push", self.folder, self.repo, "--branch=dev", "--create")
        self.run_hub("ls", self.repo + "@dev", "sub")
        self.assertEqual(self.out.count("\n"), 2)
        self.assertEqual(self.run_hub("ls", self.repo), "")
        line = json.loads(self.run_hub("push", self.folder, self.repo,
                                       "--create-pr", "--exclude", "*.bin"))
        self.assertIn("/discussions/1", line["pull_request_url"])
        self.assertEqual(self.run_hub("ls", self.repo), "")
        names = [json.loads(x)["path"] for x in self.run_hub(
            "ls", self.repo + "@refs/pr/1").splitlines()]
        self.assertEqual(names, ["config.json", "model.safetensors",
                                 "sub/empty.txt", "sub/t\u00fcr.txt"])

    def commits_nothing_when_an_upload_fails(self):
        self.run_hub("create", self.repo)
        for match, kind in (("/part/.*/2", {"status": 403}),
                            ("/_lfs/complete", {"status": 400}),
                            ("/_lfs/verify", {"status": 422}),
                            ("/objects/batch", {"status": 404})):
            self.faults({"match": match, "kind": "status", **kind})
            steer("log")
            self.run_hub("push", self.folder, self.repo, status=4)
            self.assertEqual(self.requests("POST", "/commit/"), [])
        self.assertEqual(self.run_hub("ls", self.repo), "")
        # what may pass by itself is tried again; the commit is not
        self.faults({"match": "/part/.*/2", "kind": "status", "status": 503,
                     "times": 1},
                    {"match": "/part/.*/3", "kind": "hangup", "times": 1},
                    {"match": "/commit/", "kind": "status", "status": 500,
                     "times": 1})
        steer("log")
        self.run_hub("push", self.folder, self.repo, status=4)
        self.assertEqual(len(self.requests("POST", "/commit/")), 1)
        self.run_hub("push", self.folder, self.repo)

    def may_not_write_everywhere(self):
        self.make()
        for token, words in (("hf_bob", "answers 403"), ("", "not logged in"),
                             ("hf_x", "does not accept the token")):
            self.run_hub("push", self.folder, self.repo, status=4,
                         HF_TOKEN=token)
            self.assertIn(words, self.err)
        self.run_hub("push", self.folder, "acme/none", status=4)
        self.run_hub("push", self.dir.name + "/nowhere", self.repo, status=3)


class Account(Case):
    def keeps_the_token_to_itself(self):
        self.run_hub("whoami", status=4)
        self.assertIn("not logged in; run: tf-hub login", self.err)
        self.run_hub("login", "hf_ada", status=2)
        self.run_hub("login", status=4, stdin="hf_wrong\n")
        self.assertFalse(os.path.exists(self.dir.name + "/hf/token"))
        self.run_hub("login", stdin="  hf_ada\r\n")
        self.assertEqual(self.out, "")
        self.assertIn("logged in as ada", self.err)
        home = self.dir.name + "/hf/"
        self.assertEqual(self.read(home, "token"), b"hf_ada")
        self.assertEqual(self.read(home, "stored_tokens"),
                         b"[laptop]\nhf_token = hf_ada\n\n")
        for name in ("token", "stored_tokens"):
            self.assertEqual(os.stat(home + name).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(home).st_mode & 0o777, 0o700)
        self.assertEqual(json.loads(self.run_hub("whoami", "-v")),
                         {"name": "ada", "orgs": ["acme"]})
        self.assertNotIn("hf_ada", self.err)
        self.assertEqual(json.loads(self.run_hub(
            "whoami", HF_TOKEN=" hf_bob\n"))["name"], "bob")
        self.assertEqual(json.loads(self.run_hub(
            "whoami", HUGGING_FACE_HUB_TOKEN="hf_bob"))["name"], "bob")
        self.run_hub("whoami", status=4, HF_TOKEN="bad\ntoken: x")
        self.make()
        steer("log")
        self.run_hub("ls", self.repo, HF_HUB_DISABLE_IMPLICIT_TOKEN="1")
        self.assertEqual({r["auth"] for r in self.requests()}, {None})
        self.run_hub("logout")
        self.assertEqual([n for n in os.listdir(home) if "token" in n], [])
        self.run_hub("whoami", status=4)

    def keeps_other_tokens_when_one_is_added(self):
        home = self.dir.name + "/hf"
        os.makedirs(home)
        with open(home + "/stored_tokens", "w") as f:
            f.write("[laptop]\nhf_token = old\nrefresh_token = r\n\n"
                    "[work]\nhf_token = w\n\n")
        self.run_hub("login", stdin="hf_ada")
        self.assertEqual(self.read(home, "stored_tokens"),
                         b"[work]\nhf_token = w\n\n[laptop]\n"
                         b"hf_token = hf_ada\n\n")
        other = self.dir.name + "/elsewhere"
        self.run_hub("login", stdin="hf_bob", HF_TOKEN_PATH=other + "/t")
        self.assertEqual(sorted(os.listdir(other)), ["stored_tokens", "t"])

    def removes_a_repository_only_when_told_twice(self):
        self.env["HF_TOKEN"] = "hf_ada"
        self.make()
        self.run_hub("delete", self.repo, status=2, stdin=self.repo + "\n")
        self.assertIn("needs --yes", self.err)
        self.run_hub("delete", self.repo, "--yes", status=4, HF_TOKEN="hf_bob")
        self.run_hub("info", self.repo)
        self.assertEqual(json.loads(self.out)["id"], self.repo)
        self.run_hub("delete", self.repo, "--yes")
        self.run_hub("info", self.repo, status=4)


class Cache(Case):
    def lists_what_it_holds(self):
        self.assertEqual(self.run_hub("cache", "ls"), "")
        first = self.make()
        path = self.run_hub("pull", self.repo)
        self.make({**FILES, "config.json": "new"})
        self.run_hub("pull", self.repo)
        self.run_hub("pull", self.repo + "@" + first)
        lines = {x["revision"]: x for x in map(
            json.loads, self.run_hub("cache", "ls").splitlines())}
        self.assertEqual(len(lines), 2)
        self.assertEqual(lines[first], {
            "repo": self.repo, "type": "model", "revision": first, "refs": [],
            "size": len(WEIGHTS) + len(FILES["config.json"]) + 2 + 5,
            "path": path})
        self.assertEqual(len(self.run_hub(
            "cache", "ls", self.repo + "@main").splitlines()), 1)
        self.run_hub("cache", "ls", "acme/none", status=3)

    def removes_and_prunes(self):
        first = self.make()
        self.run_hub("pull", self.repo)
        second = self.make({**FILES, "config.json": "new"})
        path = self.run_hub("pull", self.repo)
        blobs = self.storage_folder() + "/blobs/"
        with open(blobs + "0" * 40 + ".tfhub.incomplete", "w") as f:
            f.write("part")
        self.run_hub("cache", "prune", status=2)
        self.run_hub("cache", "prune", "--yes")
        self.assertEqual(os.listdir(os.path.dirname(path)), [second])
        self.assertEqual(len(os.listdir(blobs)), 4)
        self.assertEqual(self.read(path, "config.json"), b"new")
        self.run_hub("cache", "rm", "--yes", self.repo + "@" + first, status=3)
        self.run_hub("pull", self.repo + "@" + first)
        self.run_hub("cache", "rm", "--yes", self.repo + "@main")
        self.assertEqual(os.listdir(os.path.dirname(path)), [first])
        self.assertEqual(os.listdir(self.storage_folder() + "/refs"), [])
        self.run_hub("cache", "rm", "--yes", self.repo)
        self.assertFalse(os.path.exists(self.storage_folder()))
        self.assertEqual(os.listdir(self.cache + "/.locks"), [])

    def finds_what_is_broken(self):
        self.make()
        path = self.run_hub("pull", self.repo)
        self.assertEqual(self.run_hub("cache", "verify"), "")
        with open(path + "/model.safetensors", "r+") as f:
            f.write("W")
        os.unlink(os.path.realpath(path + "/config.json"))
        self.run_hub("cache", "verify", self.repo, status=1)
        bad = {x["path"]: x for x in map(json.loads, self.out.splitlines())}
        self.assertEqual(set(bad), {"config.json", "model.safetensors"})
        self.assertIsNone(bad["config.json"]["found"])
        self.assertEqual(bad["model.safetensors"]["expected"],
                         hashlib.sha256(WEIGHTS.encode()).hexdigest())


class Tools(Case):
    """The other tools run tf-hub when a model is not in the cache."""

    def setUp(self):
        super().setUp()
        golden = HERE + "/golden/models/bert/"
        self.files = {"model.safetensors": WEIGHTS}
        for name in "config.json", "tokenizer.json", "tokenizer_config.json":
            with open(golden + name) as f:
                self.files[name] = f.read()

    def _tool(self, name, *args, status=0):
        p = subprocess.run([name, *args], input="hello\n", text=True,
                           capture_output=True, env=self.env, timeout=60)
        self.assertEqual(p.returncode, status, p.stderr)
        self.err = p.stderr
        return p.stdout

    def _pulled(self):
        return sorted(name for base, _, names in os.walk(self.cache)
                      if "/snapshots/" in base for name in names)

    def tokenizing_fetches_no_weights(self):
        self.make(self.files)
        out = self._tool("tf-tokenize", "-m", self.repo, "--count", "--only")
        self.assertEqual(out, '{"n_tokens": 5}\n')
        self.assertEqual(self._pulled(), ["config.json", "tokenizer.json",
                                          "tokenizer_config.json"])
        steer("log")
        self._tool("tf-tokenize", "-m", self.repo, "--count")
        self._tool("tf-tokenize", "-m", self.repo, "--count", "--offline")
        self.assertEqual(self.requests(), [])

    def a_model_is_fetched_where_only_its_tokenizer_was(self):
        self.make(self.files)
        self._tool("tf-tokenize", "-m", self.repo)
        self._tool("tf-classify", "-m", self.repo, "--offline", status=3)
        self.assertIn("only a part of it is in the cache", self.err)
        self._tool("tf-classify", "-m", self.repo, status=3)
        self.assertIn("model.safetensors", self._pulled())
        self.assertIn("model.safetensors: ", self.err)  # no such file, in truth

    def what_the_hub_refuses_ends_with_status_4(self):
        self._tool("tf-tokenize", "-m", self.repo, status=4)
        self.assertIn("tf-tokenize: can't get " + self.repo, self.err)
        self.assertIn("tf-hub: ", self.err)

    def offline_names_the_command_to_run(self):
        for more in ["--offline"], []:
            if not more:
                self.env["HF_HUB_OFFLINE"] = "1"
            self._tool("tf-tokenize", "-m", self.repo, *more, status=3)
            self.assertIn("tf-hub pull " + self.repo, self.err)

    def of_several_gguf_files_one_has_to_be_named(self):
        self.make({"m-Q4_K_M.gguf": "4", "m-Q8_0.gguf": "8"})
        self.run_hub("pull", self.repo, "--weights", "all")
        self._tool("tf-classify", "-m", self.repo, status=2)
        self.assertIn("m-Q4_K_M.gguf", self.err)
        self.assertIn("m-Q8_0.gguf", self.err)
        self._tool("tf-classify", "-m", self.repo + ":q8_0", status=3)
        self.assertIn("m-Q8_0.gguf: ", self.err)  # found, and no GGUF file

    def _plan(self, *files, status=0):
        """How many records tf-train finds to train on and to evaluate with."""
        out = self._tool(
            "tf-train", "--dry-run", "/dev/null",
            "model=" + HERE + "/golden/models/bert", *files, status=status)
        return status or [json.loads(out)[k + "_records"]
                          for k in ("train", "validation")]

    def training_takes_the_files_of_a_split(self):
        row = '{"text": "hello", "label": "%s"}\n'
        train = [row % "a" + row % "b", row % "a", row % "b"]
        files = {"data/train-0000%d-of-00003.jsonl" % i: text
                 for i, text in enumerate(train)}
        files["data/test-00000-of-00001.jsonl"] = row % "b"
        files["big.bin"] = "not wanted"
        self.make(files, type="dataset")
        name = "hub:" + self.repo
        self.assertEqual(self._plan("train_file=" + name,
                                    "validation_file=" + name), [4, 1])
        self.assertEqual(self._pulled(), sorted(
            f.split("/")[-1] for f in files if f != "big.bin"))
        self.assertEqual(self._plan("train_file=%s:test" % name,
                                    "validation_file=%s:train" % name,
                                    "labels=[a, b]"), [1, 4])
        self.env["HF_HUB_OFFLINE"] = "1"
        self.assertEqual(self._plan("train_file=" + name,
                                    "validation_file=" + name), [4, 1])

    def training_obeys_the_card_of_a_data_set(self):
        card = """---
configs:
- config_name: small
  data_files:
  - {split: train, path: x/*.csv}
  - {split: dev, path: [y.csv]}
- config_name: large
  data_files: z.csv
dataset_info:
- config_name: small
  features:
  - name: label
    dtype: {class_label: {names: {'0': no, '1': yes}}}
---
"""
        rows = "text,label\na,0\nb,1\n"
        self.make({"README.md": card, "x/1.csv": rows, "x/2.csv": rows,
                   "y.csv": rows, "z.csv": rows}, type="dataset")
        name = "hub:" + self.repo
        self.assertEqual(self._plan("train_file=%s:small/" % name,
                                    "validation_file=%s:small/dev" % name),
                         [4, 2])
        self._plan("train_file=" + name, status=2)
        self.assertIn("choose one of small, large", self.err)
        self._plan("train_file=%s:small/test" % name, status=2)
        self.assertIn('no files that can be read for the split "test"',
                      self.err)
        self._plan("train_file=hub:acme/nothing", status=4)
        self.assertIn("tf-hub: ", self.err)


if __name__ == "__main__":
    unittest.main(testLoader=Loader())
