"""An S3 server on loopback, in a process of its own: moto, which is not ours, with a count of what it was sent.

As a program it serves until its standard input is closed, so that it never outlives who started it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

__all__ = ["S3Server", "serve_s3"]

BUCKET = "bucket"
CONN_ID = "partners_s3"

_CONTROL = "/.control"


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server with one bucket.

    :param url: its address
    """

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """Variables with a connection ``partners_s3``, as Airflow's documentation of the Amazon provider has it."""
        connection = {
            "conn_type": "aws",
            "login": "testing",
            "password": "testing",
            "extra": {"region_name": "us-east-1", "endpoint_url": self.url},
        }
        # Botocore's own sums cost time, and each part has a hash in its manifest.
        return {f"AIRFLOW_CONN_{CONN_ID.upper()}": json.dumps(connection), "AWS_EC2_METADATA_DISABLED": "true"}

    def uri(self, path: str) -> str:
        """Return the URI of a path in the bucket, through the connection."""
        return f"s3://{CONN_ID}@{BUCKET}/{path}"

    def requests(self) -> list[tuple[str, str]]:
        """Return the operation and the key of each request since the last call."""
        return [(operation, key) for operation, key in self._control("requests")]

    def counts(self) -> Counter[str]:
        """Return how often each operation was sent since the last call."""
        return Counter(operation for operation, _ in self.requests())

    def objects(self) -> list[str]:
        """Return the keys of all objects."""
        return list(self._control("keys"))

    def uploads(self) -> list[str]:
        """Return the keys of multipart uploads that were begun and neither completed nor aborted."""
        return list(self._control("uploads"))

    def _control(self, name: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{_CONTROL}/{name}") as response:
            return json.load(response)


@contextmanager
def serve_s3() -> Iterator[S3Server]:
    """Serve until the end of the block."""
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield S3Server(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.kill()


def operation(environ: dict[str, Any]) -> tuple[str, str]:
    """Return the name that S3's documentation gives to a request, and its key.

    See https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html.
    """
    query = parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
    bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
    method = environ["REQUEST_METHOD"]
    if not key:
        of_bucket = {"GET": "ListObjects" if bucket else "ListBuckets", "PUT": "CreateBucket", "HEAD": "HeadBucket"}
        name = "DeleteObjects" if "delete" in query else of_bucket.get(method, method)
        return name, query.get("prefix", [""])[0]
    names = {
        ("POST", "uploads"): "CreateMultipartUpload",
        ("POST", "uploadId"): "CompleteMultipartUpload",
        ("PUT", "uploadId"): "UploadPart",
        ("DELETE", "uploadId"): "AbortMultipartUpload",
    }
    special = next((name for (verb, word), name in names.items() if verb == method and word in query), None)
    return special or f"{method.title()}Object", key


def _main() -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ[name] = "testing"
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from moto.s3.models import s3_backends
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *_: Any) -> None:
            """Write nothing: the counts are the log."""

    moto = DomainDispatcherApplication(create_backend_app)
    backend = s3_backends["123456789012"]["aws"]
    backend.create_bucket(BUCKET, "us-east-1")
    seen: list[tuple[str, str]] = []

    def control(name: str) -> Any:
        bucket = backend.buckets[BUCKET]
        if name == "requests":
            found = list(seen)
            seen.clear()
            return found
        return sorted(bucket.keys if name == "keys" else (each.key_name for each in bucket.multiparts.values()))

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        path = environ["PATH_INFO"]
        if path.startswith(_CONTROL):
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(control(path.rpartition("/")[2])).encode()]
        seen.append(operation(environ))
        return moto(environ, start_response)

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    _main()
