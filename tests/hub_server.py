#!/usr/bin/env python3
"""A small hub for tests: the part of the Hugging Face Hub's HTTP API that
pull, push and their relatives use, with faults served on request.

    hub_server.py PORTS [FOLDER]

writes the ports it listens on ("HUB STORAGE") to the file PORTS: the hub, and
a second server for large files, another origin as the hub's storage is. With
TEST_HUB_CERT=FILE (certificate and key) both speak TLS. The repositories lie in FOLDER as TYPEs/org/name/...; files from LFS_MIN bytes on,
and those that end in .safetensors, .bin or .gguf, are LFS files.

Two users: token "hf_ada" (may write) and "hf_bob" (no access to anything
private or gated). Tests steer it by POST /_test/...:
    faults   a JSON list of {match, method, times, kind, ...}, see apply_fault
    log      the requests so far, as JSON; then forgets them
    repo     {type, id, files: {path: text}, private, gated}: a new commit
"""
import base64
import hashlib
import json
import os
import re
import socket
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LFS_MIN = 1 << 20
LFS_NAMES = (".safetensors", ".bin", ".gguf")
MULTIPART_MIN = 4 << 20  # larger uploads go in parts
PART = 2 << 20
TOKENS = {"hf_ada": "ada", "hf_bob": "bob"}
LOCK = threading.RLock()


class File:
    """Content in memory, or a path on disk."""

    def __init__(self, data=None, path=None, lfs=None, name=""):
        self.data, self.path = data, path
        self.size = len(data) if path is None else os.path.getsize(path)
        self.lfs = name.endswith(LFS_NAMES) or self.size >= LFS_MIN \
            if lfs is None else lfs
        sha256, git = hashlib.sha256(), hashlib.sha1()
        if self.lfs:
            for block in self.blocks(0):
                sha256.update(block)
            self.sha256 = sha256.hexdigest()
            body = ("version https://git-lfs.github.com/spec/v1\noid sha256:"
                    "%s\nsize %d\n" % (self.sha256, self.size)).encode()
            git.update(b"blob %d\0" % len(body) + body)
        else:
            git.update(b"blob %d\0" % self.size)
            for block in self.blocks(0):
                git.update(block)
        self.oid = git.hexdigest()
        self.etag = self.sha256 if self.lfs else self.oid

    def blocks(self, start):
        if self.path is None:
            yield self.data[start:]
            return
        with open(self.path, "rb") as f:
            f.seek(start)
            while block := f.read(1 << 20):
                yield block

    def tree_entry(self, path):
        entry = {"type": "file", "path": path, "size": self.size,
                 "oid": self.oid}
        if self.lfs:
            entry["lfs"] = {"oid": self.sha256, "size": self.size,
                            "pointerSize": 134}
        return entry


class Repo:
    def __init__(self, kind, name, private=False, gated=False):
        self.kind, self.name = kind, name
        self.private, self.gated = private, gated
        self.branches, self.commits = {}, {}
        self.commit("main", {})

    def commit(self, branch, files):
        text = json.dumps([self.name, time.time_ns(),
                           sorted((p, f.oid) for p, f in files.items())])
        sha = hashlib.sha1(text.encode()).hexdigest()
        self.commits[sha] = files
        self.branches[branch] = sha
        return sha

    def resolve(self, revision):
        return revision if revision in self.commits \
            else self.branches.get(revision)


REPOS = {}    # (type, id) -> Repo
OBJECTS = {}  # sha256 -> File
PARTS = {}    # (sha256, number) -> bytes
FAULTS = []
LOG = []
URLS = {}


def load(folder):
    for kind in ("model", "dataset", "space"):
        top = os.path.join(folder, kind + "s")
        for base, _, names in os.walk(top):
            for name in names:
                full = os.path.join(base, name)
                parts = os.path.relpath(full, top).split(os.sep)
                key = (kind, "/".join(parts[:2]))
                repo = REPOS.setdefault(key, Repo(*key))
                files = repo.commits[repo.branches["main"]]
                file = File(path=full, name=name)
                files["/".join(parts[2:])] = file
                if file.lfs:
                    OBJECTS[file.sha256] = file


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "test-hub"
    wbufsize = 1 << 16

    def log_message(self, *args):
        pass

    def handle(self):
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            pass

    # -- replies

    def reply(self, status, body=b"", headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers = {"Content-Type": "application/json", **(headers or {})}
        elif isinstance(body, str):
            body = body.encode()
        self.send_response(status)
        headers = dict(headers or {})
        headers.setdefault("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def error(self, status, code, message, headers=None):
        self.reply(status, {"error": message},
                   {"X-Error-Code": code, "X-Error-Message": message,
                    **(headers or {})})

    def hang_up(self):
        self.wfile.flush()
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def send_file(self, file, headers):
        """The file, or the range asked for, bent by this request's fault."""
        fault = self.fault or {}
        kind = fault.get("kind")
        start, status = 0, 200
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        headers = {"Accept-Ranges": "bytes", **headers}
        if match and kind != "norange":
            start, status = int(match[1]), 206
            if start >= file.size:
                return self.reply(416, b"", {"Content-Range":
                                             "bytes */%d" % file.size})
            headers["Content-Range"] = "bytes %d-%d/%d" % (
                start, file.size - 1, file.size)
        size = file.size - start
        limit = size
        if kind in ("cut", "norange"):
            limit = min(size, fault.get("every", size))
        if kind == "length":
            size = limit = size + fault["by"]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        if self.command == "HEAD":
            return self.wfile.flush()
        if file.path and kind is None:
            self.wfile.flush()
            with open(file.path, "rb") as f:
                self.connection.sendfile(f, start, size)
            return
        sent = 0
        for block in file.blocks(start):
            if kind == "corrupt" and sent == 0:
                block = bytes([block[0] ^ 1]) + block[1:]
            block = block[:limit - sent]
            if kind == "drip":
                step = fault["bytes"]
                for i in range(0, len(block), step):
                    self.wfile.write(block[i:i + step])
                    self.wfile.flush()
                    time.sleep(fault["delay"])
            else:
                self.wfile.write(block)
            sent += len(block)
            if sent >= limit:
                break
        if kind == "length" and sent < size:
            self.wfile.write(b"x" * (size - sent))
        if limit < size:
            self.hang_up()
        self.wfile.flush()

    # -- the request

    def body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            data = b""
            while n := int(self.rfile.readline(), 16):
                data += self.rfile.read(n)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def find_fault(self):
        with LOCK:
            for fault in FAULTS:
                if fault.get("method", self.command) == self.command and \
                        fault.get("times", -1) != 0 and \
                        re.search(fault["match"], self.path):
                    fault["times"] = fault.get("times", -1) - 1
                    return fault
        return None

    def apply_fault(self):
        """True when the fault was the whole answer."""
        fault = self.fault
        if not fault:
            return False
        kind = fault["kind"]
        if kind == "status":
            self.reply(fault["status"], fault.get("body", b""),
                       fault.get("headers"))
        elif kind == "redirect":  # {self}: the request's own path
            self.reply(fault.get("status", 302), b"x" * 913, {
                "Location": fault["to"].replace("{self}", self.path)
                .replace("{storage}", URLS["storage"])})
        elif kind == "hangup":
            self.hang_up()
        elif kind == "stall":
            time.sleep(fault["delay"])
            self.hang_up()
        elif kind == "move":  # the repository changes under the reader
            make_repo(fault["repo"])
            return False
        else:
            return False  # send_file does it
        return True

    def serve(self):
        proxied = re.match("http://[^/]+", self.path)
        if proxied:
            self.path = self.path[proxied.end():]
        self.raw = self.body()
        if self.path.startswith("/_test/"):
            return self.control()
        with LOCK:
            LOG.append({"server": self.server.role, "method": self.command,
                        "path": self.path, "host": self.headers.get("Host"),
                        "auth": self.headers.get("Authorization"),
                        "range": self.headers.get("Range"),
                        "proxied": bool(proxied)})
        self.fault = self.find_fault()
        if not self.apply_fault():
            url = urllib.parse.urlsplit(self.path)
            self.query = urllib.parse.parse_qs(url.query)
            self.route(url.path)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve

    def control(self):
        global LOG
        what = self.path.split("/")[2]
        with LOCK:
            if what == "faults":
                FAULTS[:] = json.loads(self.raw)
                return self.reply(200, {})
            if what == "log":
                log, LOG = LOG, []
                return self.reply(200, log)
            if what == "repo":
                return self.reply(200, {"sha": make_repo(json.loads(self.raw))})
        self.reply(404)

    # -- storage: the other origin

    def route(self, path):
        if self.server.role == "storage":
            return self.storage(path)
        for method, pattern, name in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method.split():
                return getattr(self, name)(
                    *(urllib.parse.unquote(g or "") for g in match.groups()))
        self.error(404, "", "no such page")

    def storage(self, path):
        _, what, sha, *number = path.split("/")
        if self.command in ("GET", "HEAD"):
            file = OBJECTS.get(sha)
            return self.send_file(file, {"ETag": '"%s"' % sha}) if file \
                else self.reply(404)
        if what == "part":
            PARTS[sha, int(number[0])] = self.raw
            return self.reply(200, b"", {"ETag": '"part-%s"' % number[0]})
        if hashlib.sha256(self.raw).hexdigest() != sha:
            return self.reply(400, "the bytes have another sha256")
        OBJECTS[sha] = File(data=self.raw, lfs=True)
        self.reply(200)

    # -- who asks, and for what

    def user(self):
        auth = self.headers.get("Authorization", "")
        return TOKENS.get(auth[7:]) if auth.startswith("Bearer ") else None

    def repo(self, kind, name, write=False):
        """The repository, or None after an error reply."""
        if self.headers.get("Authorization") and not self.user():
            self.error(401, "", "Invalid credentials in Authorization header")
            return None
        repo = REPOS.get((kind, name))
        if not repo or (repo.private and self.user() != "ada"):
            self.error(404 if self.user() else 401, "RepoNotFound",
                       "Repository not found")
        elif write and self.user() != "ada":
            self.error(403 if self.user() else 401, "", "You may not write")
        elif repo.gated and self.user() != "ada":
            self.error(403 if self.user() else 401, "GatedRepo",
                       "Access to %s is restricted" % name)
        else:
            return repo
        return None

    def revision(self, repo, revision):
        sha = repo.resolve(revision)
        if not sha:
            self.error(404, "RevisionNotFound", "Invalid rev id: " + revision)
        return sha

    # -- reading

    def info(self, kind, name, revision):
        repo = self.repo(kind, name)
        sha = repo and self.revision(repo, revision or "main")
        if not sha:
            return
        siblings = []
        for path, file in sorted(repo.commits[sha].items()):
            one = {"rfilename": path}
            if self.query.get("blobs"):
                one.update(size=file.size, blobId=file.oid)
                if file.lfs:
                    one["lfs"] = {"sha256": file.sha256, "size": file.size,
                                  "pointerSize": 134}
            siblings.append(one)
        self.reply(200, {"id": name, "modelId": name, "sha": sha,
                         "private": repo.private, "tags": [],
                         "gated": "auto" if repo.gated else False,
                         "downloads": 0, "likes": 0, "siblings": siblings})

    def tree(self, kind, name, revision, folder):
        repo = self.repo(kind, name)
        sha = repo and self.revision(repo, revision)
        if not sha:
            return
        start = int(self.query.get("cursor", ["0"])[0])
        paths = sorted(p for p in repo.commits[sha]
                       if not folder or p.startswith(folder + "/"))
        entries = [repo.commits[sha][p].tree_entry(p) for p in paths]
        folders = {p.rsplit("/", 1)[0] for p in paths if "/" in p}
        if start == 0:
            entries += [{"type": "directory", "path": p, "size": 0,
                         "oid": "0" * 40} for p in sorted(folders)]
        page, headers = entries[start:start + 50], {}
        if start + 50 < len(entries):
            headers["Link"] = '<%s%s?recursive=true&cursor=%d>; rel="next"' % (
                URLS["hub"], self.path.split("?")[0], start + 50)
        self.reply(200, page, headers)

    def paths_info(self, kind, name, revision):
        repo = self.repo(kind, name)
        sha = repo and self.revision(repo, revision)
        if not sha:
            return
        if self.headers.get("Content-Type", "").startswith("application/json"):
            paths = json.loads(self.raw)["paths"]
        else:
            paths = urllib.parse.parse_qs(self.raw.decode()).get("paths", [])
        files = repo.commits[sha]
        self.reply(200, [files[p].tree_entry(p) for p in paths if p in files])

    def refs(self, kind, name):
        repo = self.repo(kind, name)
        if repo:
            self.reply(200, {"branches": [
                {"name": b, "ref": "refs/heads/" + b, "targetCommit": sha}
                for b, sha in repo.branches.items()], "tags": [],
                "converts": []})

    def resolve(self, kind, name, revision, path):
        kind = kind[:-2] if kind else "model"
        repo = self.repo(kind, name)
        sha = repo and self.revision(repo, revision)
        if not sha:
            return
        file = repo.commits[sha].get(path)
        headers = {"X-Repo-Commit": sha}
        if not file:
            return self.error(404, "EntryNotFound", "Entry not found", headers)
        if file.lfs:
            headers["X-Linked-Etag"] = '"%s"' % file.sha256
            headers["X-Linked-Size"] = str(file.size)
            return self.reply(302, b"x" * 913, {
                "Location": "%s/lfs/%s?Signature=secret" %
                (URLS["storage"], file.sha256), **headers})
        where = "/api/resolve-cache/%ss/%s/%s/%s?etag=%%22%s%%22" % (
            kind, name, sha, urllib.parse.quote(path), file.oid)
        self.reply(307, b"moved", {"Location": where, **headers})

    def resolve_cache(self, kind, name, sha, path):
        repo = self.repo(kind, name)
        if not repo:
            return
        file = repo.commits[sha][path]
        self.send_file(file, {"ETag": 'W/"%s"' % file.oid,
                              "X-Repo-Commit": sha})

    # -- writing

    def whoami(self):
        if not self.user():
            return self.error(401, "", "Invalid username or password.")
        self.reply(200, {"type": "user", "name": self.user(), "orgs":
                         [{"name": "acme"}], "fullname": self.user(),
                         "auth": {"accessToken": {"displayName": "laptop",
                                                  "role": "write"}}})

    def validate_yaml(self):
        self.reply(200, {"errors": [], "warnings": []})

    def create(self):
        if self.user() != "ada":
            return self.error(401, "", "You may not write")
        want = json.loads(self.raw)
        name = "%s/%s" % (want.get("organization") or "ada", want["name"])
        key = (want.get("type") or "model", name)
        url = "%s/%s" % (URLS["hub"], name)
        if key in REPOS:
            return self.reply(409, {"url": url, "error":
                                    "You already created this repo"})
        private = want.get("private") or want.get("visibility") == "private"
        REPOS[key] = Repo(*key, private=bool(private))
        self.reply(200, {"url": url, "name": name})

    def delete(self):
        want = json.loads(self.raw)
        name = "%s/%s" % (want.get("organization") or "ada", want["name"])
        kind = want.get("type") or "model"
        if self.repo(kind, name, write=True):
            del REPOS[kind, name]
            self.reply(200, {})

    def branch(self, kind, name, branch):
        repo = self.repo(kind, name, write=True)
        if not repo:
            return
        if branch in repo.branches:
            return self.error(409, "", "Reference already exists")
        want = json.loads(self.raw or b"{}")
        repo.branches[branch] = repo.resolve(want.get("startingPoint", "main"))
        self.reply(200, {})

    def preupload(self, kind, name, revision):
        repo = self.repo(kind, name, write=True)
        sha = repo and self.revision(repo, revision)
        if not sha:
            return
        out = []
        for want in json.loads(self.raw)["files"]:
            sample = base64.b64decode(want["sample"])
            assert len(sample) == min(512, want["size"])
            lfs = want["path"].endswith(LFS_NAMES) or want["size"] >= LFS_MIN
            one = {"path": want["path"], "shouldIgnore":
                   want["path"].endswith(".ignored"),
                   "uploadMode": "lfs" if lfs else "regular"}
            old = repo.commits[sha].get(want["path"])
            if old:
                one["oid"] = old.etag
            out.append(one)
        self.reply(200, {"files": out})

    def lfs_batch(self, kind, name):
        repo = self.repo(kind[:-2] if kind else "model", name, write=True)
        if not repo:
            return
        want, out = json.loads(self.raw), []
        assert want["operation"] == "upload"
        for o in want["objects"]:
            sha, size, one = o["oid"], o["size"], dict(o)
            if sha not in OBJECTS:
                base = URLS["storage"]
                upload = {"href": "%s/lfs/%s" % (base, sha)}
                if size >= MULTIPART_MIN:
                    n = (size + PART - 1) // PART
                    upload["href"] = "%s/_lfs/complete/%s" % (
                        URLS["hub"], sha)
                    upload["header"] = {
                        str(i + 1): "%s/part/%s/%d" % (base, sha, i + 1)
                        for i in range(n)}
                    upload["header"]["chunk_size"] = str(PART)
                one["actions"] = {"upload": upload, "verify": {
                    "href": URLS["hub"] + "/_lfs/verify"}}
            out.append(one)
        self.reply(200, {"transfer": "multipart", "objects": out},
                   {"Content-Type": "application/vnd.git-lfs+json"})

    def lfs_complete(self, sha):
        want = json.loads(self.raw)
        data = b""
        for part in want["parts"]:
            n = part["partNumber"]
            assert part["etag"] == '"part-%d"' % n
            data += PARTS.pop((sha, n))
        if hashlib.sha256(data).hexdigest() != sha or want["oid"] != sha:
            return self.reply(400, "the parts have another sha256")
        OBJECTS[sha] = File(data=data, lfs=True)
        self.reply(200, {})

    def lfs_verify(self):
        want = json.loads(self.raw)
        file = OBJECTS.get(want["oid"])
        good = file and file.size == want["size"] and self.user()
        self.reply(200 if good else 422, {})

    def commit(self, kind, name, revision):
        repo = self.repo(kind, name, write=True)
        sha = repo and self.revision(repo, revision)
        if not sha:
            return
        files, header = dict(repo.commits[sha]), None
        for line in self.raw.decode().splitlines():
            op = json.loads(line)
            value = op["value"]
            if op["key"] == "header":
                header = value
            elif op["key"] == "file":
                assert value["encoding"] == "base64"
                files[value["path"]] = File(
                    data=base64.b64decode(value["content"]), lfs=False)
            elif op["key"] == "lfsFile":
                if value["oid"] not in OBJECTS:
                    return self.error(422, "", "no such LFS object: "
                                      + value["path"])
                files[value["path"]] = OBJECTS[value["oid"]]
            elif op["key"] == "deletedFile":
                files.pop(value["path"], None)
            elif op["key"] == "deletedFolder":
                files = {p: f for p, f in files.items()
                         if not p.startswith(value["path"])}
        if not header or not header.get("summary"):
            return self.error(400, "", "a commit needs a summary")
        out = {"success": True, "hookOutput": ""}
        if self.query.get("create_pr"):
            revision = "refs/pr/%d" % (1 + sum(
                b.startswith("refs/pr/") for b in repo.branches))
            out["pullRequestUrl"] = "%s/%s/discussions/%s" % (
                URLS["hub"], name, revision.split("/")[-1])
        sha = repo.commit(revision, files)
        out["commitOid"] = sha
        out["commitUrl"] = "%s/%s/commit/%s" % (URLS["hub"], name, sha)
        self.reply(200, out)


NAME = r"([\w.-]+/[\w.-]+|[\w.-]+)"
API = r"/api/(model|dataset|space)s/" + NAME
FILE = r"/(datasets/|spaces/)?" + NAME
ROUTES = [
    ("GET", "/api/whoami-v2", "whoami"),
    ("POST", "/api/validate-yaml", "validate_yaml"),
    ("POST", "/api/repos/create", "create"),
    ("DELETE", "/api/repos/delete", "delete"),
    ("POST", "/_lfs/complete/([0-9a-f]+)", "lfs_complete"),
    ("POST", "/_lfs/verify", "lfs_verify"),
    ("GET HEAD", r"/api/resolve-cache/(model|dataset|space)s/" + NAME +
     "/([0-9a-f]{40})/(.+)", "resolve_cache"),
    ("GET", API + "/tree/([^/]+)(?:/(.+))?", "tree"),
    ("GET", API + "/refs", "refs"),
    ("POST", API + "/paths-info/([^/]+)", "paths_info"),
    ("POST", API + "/preupload/([^/]+)", "preupload"),
    ("POST", API + "/commit/([^/]+)", "commit"),
    ("POST", API + "/branch/([^/]+)", "branch"),
    ("GET", API + "(?:/revision/([^/]+))?", "info"),
    ("GET HEAD", FILE + "/resolve/([^/]+)/(.+)", "resolve"),
    ("POST", FILE + r"\.git/info/lfs/objects/batch", "lfs_batch"),
]


def make_repo(want):
    key = (want.get("type", "model"), want["id"])
    with LOCK:
        repo = REPOS.setdefault(key, Repo(*key))
        repo.private = want.get("private", repo.private)
        repo.gated = want.get("gated", repo.gated)
        files = {path: File(data=text.encode(), name=path)
                 for path, text in want.get("files", {}).items()}
        for file in files.values():
            if file.lfs:
                OBJECTS[file.sha256] = file
        return repo.commit(want.get("branch", "main"), files)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, role):
        self.role = role
        super().__init__(("127.0.0.1", 0), Handler)
        if os.environ.get("TEST_HUB_CERT"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(os.environ["TEST_HUB_CERT"])
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request, address):
        if not isinstance(sys.exc_info()[1],
                          (ConnectionError, ssl.SSLError)):
            super().handle_error(request, address)


def main():
    if len(sys.argv) > 2:
        load(sys.argv[2])
    hub, storage = Server("hub"), Server("storage")
    scheme = "https" if os.environ.get("TEST_HUB_CERT") else "http"
    for server in hub, storage:
        URLS[server.role] = "%s://127.0.0.1:%d" % (scheme, server.server_port)
    threading.Thread(target=storage.serve_forever, daemon=True).start()
    with open(sys.argv[1] + ".tmp", "w") as f:
        f.write("%d %d\n" % (hub.server_port, storage.server_port))
    os.rename(sys.argv[1] + ".tmp", sys.argv[1])
    hub.serve_forever()


if __name__ == "__main__":
    main()
