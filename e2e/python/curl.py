"""Calls a server with curl, which signs by itself."""
import json
import subprocess
import tempfile

from checks import SITE

TIME = 40  # seconds that one call may take


def command(server, user, *args):
    """The arguments of a signed call. user None: not signed."""
    argv = ["curl", "--silent", "--show-error", "--max-time", str(TIME)]
    if server == "tls":
        argv += ["--cacert", SITE["ca"]]
    if user is not None:
        u = SITE["users"][user]
        argv += ["--aws-sigv4", "aws:amz:us-west-2:kinesisvideo", "--user", f"{u['id']}:{u['secret']}"]
        if "token" in u:
            argv += ["--header", "x-amz-security-token: " + u["token"]]
    return argv + list(args)


class Answer:
    """A response: version, status, headers by their names as sent, and body."""

    def __init__(self, head, body):
        lines = head.decode().strip().split("\r\n\r\n")[-1].split("\r\n")  # the last head: 100 Continue comes before
        self.version, self.status = lines[0].split()[0], int(lines[0].split()[1])
        self.names = [line.partition(":")[0] for line in lines[1:]]
        self.headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines[1:])}
        self.body = body

    def json(self):
        return json.loads(self.body)

    def type(self):
        return self.headers.get("x-amzn-errortype")


def call(server, path, data=None, *args, user="full", method="POST", content="application/json"):
    """Sends data, JSON or bytes, and returns the answer."""
    if data is not None and not isinstance(data, bytes):
        data = json.dumps(data).encode()
    with tempfile.NamedTemporaryFile() as head, tempfile.NamedTemporaryFile() as body:
        argv = command(server, user, "--request", method, "--dump-header", head.name, "--output", body.name, *args)
        if method == "HEAD":
            argv.append("--head")
        if data is not None:
            argv += ["--data-binary", "@-"]
            argv += ["--header", f"Content-Type: {content}"]
        argv.append(SITE[server] + path)
        run = subprocess.run(argv, input=data or b"", capture_output=True, timeout=TIME + 5, check=False)
        if run.returncode != 0:
            raise RuntimeError(f"curl ends with {run.returncode}: {run.stderr.decode()}")
        return Answer(head.read(), body.read())


def upload_args(stream, start="1600000000.000", timecodes="RELATIVE", chunked=True, ack="1", by="name"):
    """The arguments of an upload. The Content-Type is what a C producer sends."""
    headers = {
        f"x-amzn-stream-{by}": stream, "x-amzn-producer-start-timestamp": start, "x-amzn-fragment-timecode-type": timecodes,
        "x-amzn-fragment-acknowledgment-required": ack, "Content-Type": "application/json",
    }
    args = ["--no-buffer", "--request", "POST"]
    if chunked:
        headers["Transfer-Encoding"] = "chunked"  # which HTTP/2 leaves out, but for the signature
    for name, value in headers.items():
        if value is not None:
            args += ["--header", f"{name}: {value}"]
    return args


def upload(server, file, stream, *more, user="full", **how):
    """Uploads a file and returns the answer."""
    return call(server, "/putMedia", None, *upload_args(stream, **how), "--upload-file", file, *more, user=user)


def acks(answer):
    return [json.loads(line) for line in answer.body.splitlines()]
