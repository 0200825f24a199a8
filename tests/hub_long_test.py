#!/usr/bin/env python3
"""Longer tests of tf-hub, run by scripts/check-hub: with Python's own library
both ways, against a hub of other authors, under kill -9, on a full disk, and
at full speed. Figures are printed as lines that begin with a '#'."""
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest

import hub_test
from hub_test import Case, FILES, Loader, WEIGHTS, steer

BIN = os.path.dirname(sys.executable)
SIZE = int(os.environ.get("CHECK_HUB_BYTES", 2 << 30))


def setUpModule():
    hub_test.setUpModule()


def tearDownModule():
    hub_test.tearDownModule()


class WithPython(Case):
    """What one pulls or pushes the other finds."""

    def _hf(self, *args, status=0, **env):
        p = subprocess.run([BIN + "/hf", *args], text=True, env={
            **self.env, "HF_HUB_DISABLE_XET": "1", "NO_COLOR": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1", **env},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        self.assertEqual(p.returncode, status, p.stdout)
        return p.stdout

    def python_finds_what_tf_hub_pulled(self):
        self.make()
        path = self.run_hub("pull", self.repo, "--weights=all")
        self.assertIn(path, self._hf("download", self.repo, HF_HUB_OFFLINE="1"))
        self.assertIn("model/" + self.repo, self._hf("cache", "ls"))
        self.assertIn("Verified 6 file", self._hf("cache", "verify", self.repo))
        steer("log")
        self.assertIn(path, self._hf("download", self.repo))
        self.assertEqual(self.requests(part="/resolve"), [])

    def tf_hub_finds_what_python_pulled(self):
        self.make()
        self._hf("download", self.repo)
        steer("log")
        path = self.run_hub("pull", self.repo, "--weights=all")
        self.assertEqual(self.requests(part="/resolve"), [])
        self.assertEqual(self.run_hub("pull", self.repo, "--offline"), path)
        self.assertEqual(self.run_hub("cache", "verify"), "")
        self.run_hub("cache", "rm", "--yes", self.repo)
        self.assertNotIn(self.repo, self._hf("cache", "ls"))

    def they_share_a_folder_of_the_users(self):
        self.make()
        for first in "tf-hub", "python":
            folder = self.dir.name + "/" + first
            if first == "python":
                self._hf("download", self.repo, "--local-dir", folder)
            else:
                self.run_hub("pull", self.repo, "--weights=all", "--local-dir",
                             folder)
            steer("log")
            self._hf("download", self.repo, "--local-dir", folder)
            self.run_hub("pull", self.repo, "--weights=all", "--local-dir",
                         folder)
            self.assertEqual(self.requests("GET", "/resolve"), [])

    def they_push_to_each_other(self):
        self.env["HF_TOKEN"] = "hf_ada"
        folder = self.dir.name + "/up"
        os.makedirs(folder + "/sub")
        for name, size in (("config.json", 30), ("model.safetensors", 300000),
                           ("big.bin", 9000000), ("sub/empty", 0)):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(os.urandom(size))
        self._hf("upload", self.repo, folder, ".")
        self.run_hub("push", folder, self.repo)
        self.assertIn("no commit is made", self.err)
        other = self.repo + "b"
        self.run_hub("push", folder, other, "--create", "-m", "from C")
        self.assertIn("No files have been modified",
                      self._hf("upload", other, folder, "."))
        for repo in self.repo, other:
            path = self.run_hub("pull", repo, "--weights=all")
            out = self._hf("download", repo, "--local-dir",
                           self.dir.name + "/" + repo)
            self.assertIn("Downloaded", out)
            for base in path, self.dir.name + "/" + repo:
                for name in os.listdir(folder):
                    if name != "sub":
                        self.assertEqual(self.read(base, name),
                                         self.read(folder, name))

    def they_share_a_login(self):
        self.run_hub("login", stdin="hf_ada")
        self.assertIn("ada", self._hf("auth", "whoami"))
        self.assertIn("laptop", self._hf("auth", "list"))
        self._hf("auth", "logout")
        self.run_hub("whoami", status=4)
        self._hf("auth", "login", "--token", "hf_bob")
        self.assertIn('"bob"', self.run_hub("whoami"))

    def they_pull_at_the_same_time(self):
        self.make({"config.json": "{}", "model.safetensors": "y" * 2000000})
        self.faults({"match": "/lfs/", "kind": "drip", "bytes": 100000,
                     "delay": 0.2})
        steer("log")
        one = self.start("pull", self.repo)
        time.sleep(0.5)
        self._hf("download", self.repo)
        one.communicate(timeout=60)
        self.assertEqual(one.returncode, 0)
        self.assertEqual(len(self.requests("GET", "/lfs/")), 1)
        self.no_broken_file()


class WithOlah(Case):
    """olah serves git repositories and ignores ranges."""

    def setUp(self):
        super().setUp()
        self.port = random.randint(20000, 30000)
        top = self.dir.name
        repo = top + "/mirrors/models/acme/tiny"
        os.makedirs(repo)
        self.weights = os.urandom(200000)
        oid = hashlib.sha256(self.weights).hexdigest()
        for name, data in (
                ("config.json", b"{}"), ("README.md", b"# tiny\n"),
                ("model.safetensors",
                 b"version https://git-lfs.github.com/spec/v1\n"
                 b"oid sha256:%s\nsize 200000\n" % oid.encode())):
            with open(repo + "/" + name, "wb") as f:
                f.write(data)
        git = ["git", "-C", repo, "-c", "user.name=t", "-c", "user.email=t@t"]
        for args in (["init", "-q", "-b", "main"], ["add", "-A"],
                     ["commit", "-q", "-m", "x"]):
            subprocess.run(git + args, check=True)
        place = repo + "/.git/lfs/objects/%s/%s" % (oid[:2], oid[2:4])
        os.makedirs(place)
        with open(place + "/" + oid, "wb") as f:
            f.write(self.weights)
        with open(top + "/c.toml", "w") as f:
            f.write('[basic]\nhost = "127.0.0.1"\nport = %d\n'
                    'repos-path = "%s/repos"\nmirrors-path = ["%s/mirrors"]\n'
                    'hf-scheme = "http"\nhf-netloc = "127.0.0.1:9"\n'
                    '[accessibility]\noffline = true\n' %
                    (self.port, top, top))
        self.olah = subprocess.Popen(
            [BIN + "/olah-cli", "-c", top + "/c.toml", "--host", "127.0.0.1",
             "--port", str(self.port)], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=top)
        self.env["HF_ENDPOINT"] = "http://127.0.0.1:%d" % self.port

    def tearDown(self):
        self.olah.kill()
        self.olah.wait()
        super().tearDown()

    def serves_models_to_us(self):
        for _ in range(120):
            p = self.start("ls", "acme/tiny")
            out, err = p.communicate()
            if p.returncode == 0:
                break
            time.sleep(0.5)
        self.assertIn("config.json", out, err)
        path = self.run_hub("pull", "acme/tiny")
        self.assertEqual(self.read(path, "model.safetensors"), self.weights)
        self.assertEqual(self.read(path, "README.md"), b"# tiny\n")
        self.assertEqual(self.run_hub("cache", "verify"), "")
        self.run_hub("pull", "acme/tiny", "config.json",
                     HF_HOME=self.dir.name + "/other")
        self.run_hub("pull", "acme/none", status=4)


class Tls(Case):
    def trusts_only_whom_it_is_told_to(self):
        cert = self.dir.name + "/cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048",
                        "-nodes", "-keyout", cert, "-out", cert + ".crt",
                        "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True,
                       stderr=subprocess.DEVNULL)
        with open(cert, "ab") as f:
            f.write(self.read(cert + ".crt"))
        seed = self.dir.name + "/seed/models/acme/tiny"
        os.makedirs(seed)
        with open(seed + "/model.safetensors", "wb") as f:
            f.write(os.urandom(5000000))
        ports = self.dir.name + "/ports"
        server = subprocess.Popen(
            [sys.executable, hub_test.HERE + "/hub_server.py", ports,
             self.dir.name + "/seed"], env={**self.env, "TEST_HUB_CERT": cert})
        try:
            while not os.path.exists(ports):
                time.sleep(0.1)
            url = "https://127.0.0.1:" + self.read(ports).decode().split()[0]
            self.run_hub("pull", "acme/tiny", status=4, HF_ENDPOINT=url)
            self.assertIn("SSL_CERT_FILE", self.err)
            for name in "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE":
                path = self.run_hub(
                    "pull", "acme/tiny", HF_ENDPOINT=url,
                    HF_HUB_CACHE=self.dir.name + "/" + name,
                    **{name: cert + ".crt"})
                self.assertEqual(self.read(path, "model.safetensors"),
                                 self.read(seed, "model.safetensors"))
        finally:
            server.kill()
            server.wait()


class Endurance(Case):
    def fifty_kills_leave_nothing_broken(self):
        files = {"small/%d.json" % i: str(i) for i in range(30)}
        self.make({**files, "a.safetensors": "a" * 4000000,
                   "b.safetensors": "b" * 4000000})
        self.faults({"match": "/lfs/", "kind": "drip", "bytes": 50000,
                     "delay": 0.3})
        for _ in range(50):
            p = self.start("pull", self.repo)
            time.sleep(random.uniform(0.005, 0.35))
            p.send_signal(signal.SIGKILL)
            p.communicate()
            self.assertEqual(p.returncode, -signal.SIGKILL)
            self.no_broken_file()
        self.faults()
        path = self.run_hub("pull", self.repo)
        for name, text in files.items():
            self.assertEqual(self.read(path, name), text.encode())
        self.assertEqual(self.read(path, "a.safetensors"), b"a" * 4000000)
        print("# 50 kills, %d requests for the two large files" %
              len(self.requests("GET", "/lfs/")))

    def ten_large_pulls_and_kills_at_once(self):
        self.make({"config.json": "{}", "model.safetensors": "m" * 8000000})
        self.faults({"match": "/lfs/", "kind": "drip", "bytes": 50000,
                     "delay": 0.01})
        steer("log")
        all = [self.start("pull", self.repo) for _ in range(12)]
        for victim in all[:2]:
            time.sleep(0.3)
            victim.send_signal(signal.SIGKILL)
        codes = []
        for p in all:
            p.communicate(timeout=120)
            codes.append(p.returncode)
        self.assertEqual(codes[2:], [0] * 10)
        print("# ten at once, two more killed: %d requests for the weights" %
              len(self.requests("GET", "/lfs/")))
        self.no_broken_file()

    def gives_up_on_a_drip(self):
        self.make()
        self.faults({"match": "/lfs/", "kind": "drip", "bytes": 2,
                     "delay": 0.5})
        start = time.time()
        self.run_hub("pull", self.repo, status=4, HF_HUB_DOWNLOAD_TIMEOUT="2")
        self.assertIn("too slow", self.err)
        print("# a drip of 4 bytes a second, limit 2 s: given up after %.1f s"
              % (time.time() - start))

    def gives_up_on_a_broken_server(self):
        self.make()
        self.faults({"match": "/revision/", "kind": "status", "status": 503})
        start = time.time()
        self.run_hub("pull", self.repo, status=4)
        self.assertIn("answers 503", self.err)
        print("# a server that answers 503: given up after %.1f s" %
              (time.time() - start))

    def a_full_disk_loses_nothing(self):
        if subprocess.run(["unshare", "-rm", "true"],
                          stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no file system can be mounted here")
        self.make({"config.json": "{}", "model.safetensors": "d" * 3000000})
        script = """
            mkdir -p "$HF_HOME" && mount -t tmpfs -o size=2m none "$HF_HOME"
            tf-hub pull %s; echo "status $?"
            tf-hub pull %s --local-dir "$HF_HOME/d"; echo "status $?"
            find "$HF_HOME" -name model.safetensors
            mount -o remount,size=8m "$HF_HOME"
            tf-hub pull %s --local-dir "$HF_HOME/d"; echo "status $?"
            wc -c < "$HF_HOME/d/model.safetensors"
            mount -t tmpfs -o size=16k none "$HF_HOME"
            tf-hub pull %s config.json; echo "status $?"
            """ % ((self.repo,) * 4)
        p = subprocess.run(["unshare", "-rm", "sh", "-c", script], text=True,
                           capture_output=True, env=self.env)
        out = [x for x in p.stdout.splitlines() if "/d" not in x]
        self.assertEqual(out[:4], ["status 4", "status 4", "status 0",
                                   "3000000"], p.stderr)
        self.assertIn(out[-1], ("status 4", "status 0"), p.stderr)
        self.assertIn("are free; free some", p.stderr)
        self.assertIn("no room left on the disk", p.stderr)


class Speed(Case):
    """A large file against curl | tee | sha256sum, in turn, best of three."""

    def keeps_up_with_a_pipe(self):
        top = self.dir.name
        os.makedirs(top + "/seed/models/acme/big")
        name = top + "/seed/models/acme/big/model.safetensors"
        block = os.urandom(1 << 20)
        with open(name, "wb") as f:
            for i in range(SIZE >> 20):
                f.write(i.to_bytes(8, "little") + block[8:])
        server = subprocess.Popen([sys.executable, hub_test.HERE +
                                   "/hub_server.py", top + "/ports",
                                   top + "/seed"])
        try:
            while not os.path.exists(top + "/ports"):
                time.sleep(0.1)
            self._measure(top, name)
        finally:
            server.kill()
            server.wait()

    def _memory(self, pid):
        """The most it has had so far, in kilobytes; 0: it is gone."""
        try:
            with open("/proc/%d/status" % pid) as f:
                for line in f:
                    if line.startswith("VmHWM:"):
                        return int(line.split()[1])
        except OSError:
            pass
        return 0

    def _measure(self, top, name):
        hub, storage = self.read(top, "ports").decode().split()
        sha = subprocess.run(["sha256sum", name], capture_output=True,
                             text=True).stdout.split()[0]
        pipe = "curl -s http://127.0.0.1:%s/lfs/%s | tee %s/copy | sha256sum" \
            % (storage, sha, top)
        times, peak = {"pipe": [], "tf-hub": []}, 0
        for _ in range(3):
            os.sync()
            start = time.time()
            out = subprocess.run(["sh", "-c", pipe], capture_output=True,
                                 text=True).stdout
            times["pipe"].append(time.time() - start)
            self.assertIn(sha, out)
            os.unlink(top + "/copy")
            os.sync()
            start = time.time()
            p = self.start("pull", "acme/big",
                           HF_ENDPOINT="http://127.0.0.1:" + hub)
            while p.poll() is None:
                peak = self._memory(p.pid) or peak
                time.sleep(0.02)
            times["tf-hub"].append(time.time() - start)
            path = p.communicate()[0].strip()
            self.assertEqual(p.returncode, 0)
            self.assertEqual(os.path.getsize(path + "/model.safetensors"), SIZE)
            shutil.rmtree(self.cache)
        a, b = min(times["pipe"]), min(times["tf-hub"])
        print("# %.2f GB: curl | tee | sha256sum %.2f s, tf-hub pull %.2f s "
              "(%.2f GB/s) in %.0f MB of memory" % (
                  SIZE / 1e9, a, b, SIZE / 1e9 / b, peak / 1024))
        self.assertLess(peak, 30000)
        self.assertLess(b, 1.1 * a)


if __name__ == "__main__":
    unittest.main(testLoader=Loader(), verbosity=2)
