"""What curl sees: uploads and their acknowledgements as they come, media to the byte, headers of every answer, and what is refused.

    curl_suite.py SERVER
"""
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

import curl
import ebml
from checks import SITE, Suite, facts, path, short

SERVER = sys.argv[1]
FACTS = facts(SERVER)
START = FACTS["start"]
MEDIA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "testdata")
S = Suite(f"curl/{SERVER}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def testdata(name):
    return os.path.join(MEDIA, name)


def call(path_, data=None, *args, **how):
    return curl.call(SERVER, path_, data, *args, **how)


def members(kind="PRODUCER_TIMESTAMP", start=START, end=START + 60, stream="cam-1"):
    return {"StreamName": stream, "ClipFragmentSelector": {"FragmentSelectorType": kind, "TimestampRange": {"StartTimestamp": start, "EndTimestamp": end}}}


def stream(name, hours=24):
    answer = call("/createStream", {"StreamName": name, "DataRetentionInHours": hours})
    if answer.status != 200:
        raise RuntimeError(answer.body)
    return name


class Feed:
    """An upload that is fed by hand. The first data, less than a pipe takes, is there before curl begins: else it would not look again."""

    def __init__(self, name, data, *more):
        argv = curl.command(SERVER, "full", *curl.upload_args(name), *more, "--upload-file", ".", SITE[SERVER] + "/putMedia")
        at = argv.index("--max-time")  # with it curl does not look at its input again
        del argv[at:at + 2]
        source, sink = os.pipe()
        os.write(sink, data)
        self.process = subprocess.Popen(argv, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        os.close(source)
        self.sink = os.fdopen(sink, "wb", buffering=0)
        self.lines, self.news = [], threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append(json.loads(line))
                self.news.notify_all()

    def send(self, data):
        self.sink.write(data)

    def count(self, event):
        return sum(a.get("EventType") == event for a in self.lines)

    def wait(self, event, count, seconds=10):
        with self.news:
            return self.news.wait_for(lambda: self.count(event) >= count, seconds)

    def end(self):
        self.sink.close()
        return self.over()

    def over(self, seconds=20):
        try:
            self.process.wait(seconds)
        finally:
            self.process.kill()
        self.reader.join(5)
        return self.lines

    def __del__(self):
        self.process.kill()


def uploads():
    with open(testdata("sample.mkv"), "rb") as f:
        sample = f.read()
    at = [start for ident, start, _, _ in ebml.elements(sample) if ident == ebml.CLUSTER]
    for way, more in ("chunked", ["--http1.1"]), ("as curl likes it", []):  # which is HTTP/2 where there is TLS
        with S.step(f"PutMedia that is fed by hand, {way}"):
            feed = Feed(stream("curl-fed-" + way.replace(" ", "-")), sample[:at[1] + 100], *more)
            S.true(f"PutMedia, {way}: the first fragment is PERSISTED while the second arrives", feed.wait("PERSISTED", 1), feed.lines)
            S.equal(f"PutMedia, {way}: nothing else was said", sorted(a["EventType"] for a in feed.lines), ["BUFFERING", "PERSISTED", "RECEIVED"])
            feed.send(sample[at[1] + 100:at[2] + 3000])
            S.true(f"PutMedia, {way}: BUFFERING while a fragment arrives", feed.wait("BUFFERING", 3), feed.lines)
            S.equal(f"PutMedia, {way}: that fragment is not RECEIVED", feed.count("RECEIVED"), 2)
            feed.send(sample[at[2] + 3000:])
            lines = feed.end()
            S.equal(f"PutMedia, {way}: four fragments", [feed.count(e) for e in ("BUFFERING", "RECEIVED", "PERSISTED", "ERROR")], [4, 4, 4, 0])
            S.equal(f"PutMedia, {way}: timecodes", sorted(a["FragmentTimecode"] for a in lines if a["EventType"] == "PERSISTED"), [0, 1000, 2000, 3000])
            order = {}
            for a in lines:
                order.setdefault(a["FragmentNumber"], []).append(a["EventType"])
            S.equal(f"PutMedia, {way}: the order of each fragment's events", set(map(tuple, order.values())), {("BUFFERING", "RECEIVED", "PERSISTED")})
    with S.step("PutMedia with Content-Length"):
        answer = curl.upload(SERVER, testdata("sample.mkv"), stream("curl-length"), chunked=False)
        S.equal("PutMedia with Content-Length: PERSISTED", (answer.status, [a["EventType"] for a in curl.acks(answer)].count("PERSISTED")), (200, 4))
    with S.step("PutMedia by ARN, ABSOLUTE"):
        arn = call("/createStream", {"StreamName": "curl-absolute", "DataRetentionInHours": 1}).json()["StreamARN"]
        answer = curl.upload(SERVER, testdata("epoch.mkv"), arn, by="arn", timecodes="ABSOLUTE", start=None)
        listed = call("/listFragments", {"StreamARN": arn}).json()["Fragments"]
        S.equal("PutMedia by ARN, ABSOLUTE: producer timestamps", [f["ProducerTimestamp"] for f in listed], [1690000000, 1690000001])
    with S.step("PutMedia without acknowledgements"):
        answer = curl.upload(SERVER, testdata("sample.mkv"), stream("curl-silent"), ack="0")
        S.equal("PutMedia without acknowledgements: status, body", (answer.status, answer.body), (200, b""))
        S.equal("PutMedia without acknowledgements: fragments", len(call("/listFragments", {"StreamName": "curl-silent"}).json()["Fragments"]), 4)
    with S.step("PutMedia with a session token"):
        answer = curl.upload(SERVER, testdata("unknown-size.mkv"), stream("curl-token"), user="token")
        S.equal("PutMedia with a session token, of unknown sizes", [a["EventType"] for a in curl.acks(answer)].count("PERSISTED"), 2)


def damage():
    def upload(name, file):
        answer = curl.upload(SERVER, file, stream(name))
        acks = curl.acks(answer)
        return acks, [(a["ErrorId"], a["ErrorCode"]) for a in acks if a["EventType"] == "ERROR"], sum(a["EventType"] == "PERSISTED" for a in acks)

    lesser = (4004, "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS")
    invalid = (4006, "INVALID_MKV_DATA")
    with open(testdata("h264-nob.mkv"), "rb") as f:
        good = f.read()
    # A Tags element of eleven tags, and one whose name is reserved, in front of the first Cluster.
    def tags(*pairs):
        def element(ident, body):
            return ident + (0x10000000 | len(body)).to_bytes(4, "big") + body
        simple = b"".join(element(b"\x67\xC8", element(b"\x45\xA3", n.encode()) + element(b"\x44\x87", v.encode())) for n, v in pairs)
        return element(b"\x12\x54\xC3\x67", element(b"\x73\x73", simple))
    clusters = [start for ident, start, _, _ in ebml.elements(good) if ident == ebml.CLUSTER]
    segment = [(start, begin) for ident, start, begin, _ in ebml.elements(good) if ident == ebml.SEGMENT][0]

    def tagged(*pairs):  # in a Segment of unknown size, so that there is room
        return good[:segment[0] + 4] + b"\x01" + b"\xFF" * 7 + good[segment[1]:clusters[0]] + tags(*pairs) + good[clusters[0]:]

    stranger = bytearray(good)  # a block of a track that is not declared
    block = [begin for ident, _, begin, _ in ebml.elements(good) if ident == ebml.SIMPLE_BLOCK][30]
    stranger[block] = 0x89
    made = {
        "tags.mkv": tagged(*((f"KEY_{i}", "v") for i in range(11))), "reserved.mkv": tagged(("AWS_OF_OURS", "v")),
        "fine.mkv": tagged(*((f"KEY_{i}", "v") for i in range(10))), "stranger.mkv": bytes(stranger), "noise.mkv": os.urandom(5000),
        "cut.mkv": good[:clusters[2] + 500], "empty.mkv": b"",
    }
    for name, data in made.items():
        with open(path(f"{SERVER}-{name}"), "wb") as f:
            f.write(data)
    cases = [
        ("a clock that goes back", testdata("clock-back.mkv"), [lesser], None),
        ("noise between Clusters", testdata("garbage.mkv"), [invalid], 2),
        ("noise", "noise.mkv", [invalid], 0),
        ("an upload that ends within a fragment", "cut.mkv", [invalid], 2),
        ("eleven tags", "tags.mkv", [(4009, "FRAGMENT_METADATA_LIMIT_REACHED")], 3),
        ("ten tags", "fine.mkv", [], 4),
        ("a tag of a reserved name", "reserved.mkv", [(4009, "FRAGMENT_METADATA_LIMIT_REACHED")], 3),
        ("a block of an unknown track", "stranger.mkv", [(4010, "TRACK_NUMBER_MISMATCH")], 3),
    ]
    for i, (what, file, errors, persisted) in enumerate(cases):
        with S.step(f"PutMedia of {what}"):
            acks, got, kept = upload(f"curl-bad-{i}", file if os.path.isabs(file) else path(f"{SERVER}-{file}"))
            S.equal(f"PutMedia of {what}: errors", sorted(set(got)), errors)
            if persisted is not None:
                S.equal(f"PutMedia of {what}: PERSISTED", kept, persisted)


def refused():
    """What PutMedia refuses before its 200. No byte of media is needed for that."""
    def put(what, typ, status, *more, user="full", name="cam-1", **how):
        with S.step(f"PutMedia {what}"):
            answer = curl.upload(SERVER, testdata("sample.mkv"), name, *more, user=user, **how)
            S.equal(f"PutMedia {what}", (answer.type(), answer.status), (typ, status))

    put("to a stream that is not there", "ResourceNotFoundException", 404, name="nobody-knows")
    put("by a reader", "NotAuthorizedException", 401, user="reader")
    put("by a reader to a stream that is not there", "NotAuthorizedException", 401, user="reader", name="cam-nobody-knows")
    put("by an unknown key", "UnrecognizedClientException", 403, user="unknown")
    put("with the secret of another", "InvalidSignatureException", 403, user="wrong")
    put("without a session token", "UnrecognizedClientException", 403, user="tokenless")
    put("without a signature", "MissingAuthenticationTokenException", 403, user=None)
    put("without a stream", "InvalidArgumentException", 400, name=None)
    put("of a stream whose name is none", "InvalidArgumentException", 400, name="a/b")
    put("without a type of timecodes", "InvalidArgumentException", 400, timecodes=None)
    put("with another type of timecodes", "InvalidArgumentException", 400, timecodes="RELATIV")
    put("without a start", "InvalidArgumentException", 400, start=None)
    put("with a start that is no number", "InvalidArgumentException", 400, start="yesterday")
    put("with an acknowledgement of 2", "InvalidArgumentException", 400, ack="2")
    with S.step("PutMedia, six at once"):
        name = stream("curl-many")
        with open(testdata("sample.mkv"), "rb") as f:
            head = f.read(20000)
        feeds = [Feed(name, head) for _ in range(5)]
        S.true("PutMedia, five at once", all(feed.wait("BUFFERING", 1) for feed in feeds), [feed.lines for feed in feeds])
        answer = curl.upload(SERVER, testdata("sample.mkv"), name)
        S.equal("PutMedia, the sixth at once", (answer.type(), answer.status), ("ConnectionLimitExceededException", 400))
        for feed in feeds:
            feed.process.kill()


def run(*argv):
    done = subprocess.run(argv, capture_output=True, timeout=30, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def hashes(file):
    """The hashes of decoded pictures, and of packets of sound, in the order of their times: the pictures' packets lose parameter sets in
    MP4, and packets of sound get headers in MPEG-TS."""
    found = []
    for kind, how in ("v", []), ("a", ["-c:a", "copy"]):
        _, out, _ = run("ffmpeg", "-v", "error", "-i", file, "-map", f"0:{kind}?", *how, "-f", "framemd5", "-")
        found.append([line.split(",")[-1].strip() for line in out.splitlines() if not line.startswith("#")])
    return found


def pictures(file):
    return len(hashes(file)[0])


def media():
    fragments = FACTS["streams"]["cam-1"]["fragments"]
    numbers = [f["FragmentNumber"] for f in fragments]
    file = path(f"{SERVER}-media.mkv")
    with open(file, "rb") as f:
        body = f.read()
    with open(testdata("sample.mkv"), "rb") as f:
        source = f.read()
    with S.step("GetMediaForFragmentList"):
        documents = ebml.documents(body)
        S.equal("GetMediaForFragmentList: a document for each fragment, with one Cluster", [len(d.clusters) for d in documents], [1] * 4)
        S.equal("GetMediaForFragmentList: Clusters as they were sent", ebml.clusters(body), ebml.clusters(source))
        for d, f in zip(documents, fragments):
            server, producer = f"{f['ServerTimestamp']:.3f}", f"{f['ProducerTimestamp']:.3f}"
            want = {"FRAGMENT_NUMBER": f["FragmentNumber"], "SERVER_TIMESTAMP": server, "PRODUCER_TIMESTAMP": producer,
                    "SERVER_SIDE_TIMESTAMP": server, "PRODUCER_SIDE_TIMESTAMP": producer}
            S.equal("GetMediaForFragmentList: tags", dict(d.before[-1]), {"AWS_KINESISVIDEO_" + k: v for k, v in want.items()})
            S.equal("GetMediaForFragmentList: Tracks, Tags, Cluster", [i for i in d.order if i in (ebml.TRACKS, ebml.TAGS, ebml.CLUSTER)],
                    [ebml.TRACKS, ebml.TAGS, ebml.CLUSTER])
    with S.step("numbers of fragments"):
        for f in fragments:
            rest = int(f["FragmentNumber"]) - 2**156
            S.equal("a fragment's number has its server timestamp", (rest >> 28) % 2**64, round(f["ServerTimestamp"] * 1000))
    with S.step("ffmpeg and mkvmerge"):
        S.equal("ffmpeg decodes what GetMediaForFragmentList gives", run("ffmpeg", "-v", "fatal", "-xerror", "-i", file, "-map", "0", "-f", "null", "-")[::2], (0, ""))
        S.equal("ffmpeg finds the frames that were sent", hashes(file), hashes(testdata("sample.mkv")))
        for i, number in enumerate(numbers):
            one = path(f"{SERVER}-one.mkv")
            answer = call("/getMediaForFragmentList", {"StreamName": "cam-1", "Fragments": [number]})
            with open(one, "wb") as f:
                f.write(answer.body)
            code, out, err = run("mkvmerge", "-q", "--output", one + ".out.mkv", one)
            S.equal(f"mkvmerge reads fragment {i + 1}", (code, out, err), (0, "", ""))
            frames = [b[4:] for d in ebml.documents(answer.body) for b in d.blocks() if b[0] == 0x81]
            with open(one + ".out.mkv", "rb") as f:
                S.equal(f"mkvmerge finds the pictures of fragment {i + 1}", [b[4:] for d in ebml.documents(f.read()) for b in d.blocks() if b[0] == 0x81], frames)
    with S.step("uploading what was downloaded"):
        acks = curl.acks(curl.upload(SERVER, file, stream("curl-again")))
        again = [a["FragmentNumber"] for a in acks if a["EventType"] == "PERSISTED"]
        S.equal("what GetMediaForFragmentList gave is uploaded again", (len(again), [a for a in acks if a["EventType"] == "ERROR"]), (4, []))
        second = call("/getMediaForFragmentList", {"StreamName": "curl-again", "Fragments": again})
        S.equal("and comes back with the same Clusters", ebml.clusters(second.body), ebml.clusters(source))
        tags = [len(t) for d in ebml.documents(second.body) for t in d.before]
        S.equal("and with one set of tags", tags, [5] * 4)
        clip = call("/getClip", members(stream="curl-again"))
        with open(path(f"{SERVER}-again.mp4"), "wb") as f:
            f.write(clip.body)
        S.equal("and its clip has the same frames", hashes(path(f"{SERVER}-again.mp4")), hashes(path(f"{SERVER}-clip.mp4")))
    with S.step("a list in another order, and twice"):
        asked = [numbers[2], numbers[0], numbers[2]]
        answer = call("/getMediaForFragmentList", {"StreamName": "cam-1", "Fragments": asked}, "--header", "Accept-Encoding: gzip")
        S.equal("GetMediaForFragmentList: order as asked, and twice", [d.tag("AWS_KINESISVIDEO_FRAGMENT_NUMBER") for d in ebml.documents(answer.body)], asked)
        S.equal("media is not compressed, Content-Type", ("content-encoding" in answer.headers, answer.headers["content-type"]), (False, "video/webm"))


def clips():
    with S.step("GetClip"):
        answer = call("/getClip", members())
        S.equal("GetClip: the same bytes again", hashlib.sha256(answer.body).hexdigest(), FACTS["clip"])
        S.equal("GetClip: headers", (answer.headers["content-type"], answer.headers["content-length"], "x-kvs-clip-truncated" in answer.headers),
                ("video/mp4", str(len(answer.body)), False))
        file = path(f"{SERVER}-clip.mp4")
        S.equal("GetClip: ffmpeg decodes it", run("ffmpeg", "-v", "error", "-xerror", "-i", file, "-map", "0", "-f", "null", "-")[::2], (0, ""))
        S.equal("GetClip: frames as they were sent", hashes(file), hashes(testdata("sample.mkv")))
        S.true("GetClip: weir check finds nothing", run(path("weir"), "check", file)[0] == 0, run(path("weir"), "check", file)[1])
    with S.step("GetClip of 216 fragments"):
        answer = call("/getClip", members(end=START + 3600, stream="cam-many"))
        S.equal("GetClip of 216 fragments is cut at 200", (answer.status, answer.headers.get("x-kvs-clip-truncated")), (200, "fragments"))
        file = path(f"{SERVER}-many.mp4")
        with open(file, "wb") as f:
            f.write(answer.body)
        _, out, _ = run("ffprobe", "-v", "error", "-show_entries", "stream=nb_frames", "-of", "csv=p=0", file)
        S.equal("GetClip of 216 fragments: pictures", out.split(), ["5000"])
    with S.step("GetClip: ends"):
        for first, last, want in [(0, 1, 50), (1, 3, 75), (3, 60, 25), (2, 2.5, 25)]:
            answer = call("/getClip", members(start=START + first, end=START + last))
            with open(path(f"{SERVER}-part.mp4"), "wb") as f:
                f.write(answer.body)
            S.equal(f"GetClip: a range of seconds from {first} to {last}, both in it", pictures(path(f"{SERVER}-part.mp4")), want)


def sessions():
    """ffmpeg plays sessions, which need no signature."""
    def play(what, operation, answer, **more):
        with S.step(what):
            selector = members()["ClipFragmentSelector"]
            url = call("/" + operation, {"StreamName": "cam-1", "PlaybackMode": "ON_DEMAND", answer[:answer.index("Str")] + "FragmentSelector": selector, **more}).json()[answer]
            got, sent = hashes(url), hashes(testdata("sample.mkv"))
            S.true(f"{what}: ffmpeg finds the pictures that were sent", got[0] == sent[0], (len(got[0]), len(sent[0]), set(got[0]) ^ set(sent[0])))
            S.equal(f"{what}: and their sound", len(got[1]), len(sent[1]))
            for damage in url[:-9] + "AAAAAAAA~", url.partition("?")[0]:
                refusal = curl.call(SERVER, damage.removeprefix(SITE[SERVER]), None, user=None, method="GET")
                S.equal(f"{what}: a token that is none", (refusal.type(), refusal.status), ("NotAuthorizedException", 403))
    play("HLS", "getHLSStreamingSessionURL", "HLSStreamingSessionURL")
    play("HLS with MPEG-TS", "getHLSStreamingSessionURL", "HLSStreamingSessionURL", ContainerFormat="MPEG_TS")
    play("DASH", "getDASHStreamingSessionURL", "DASHStreamingSessionURL")


def json_rules():
    def same(what, want, *args, data=None, **how):
        with S.step(what):
            answer = call("/listFragments", data, *args, **how)
            S.equal(what, (answer.status, len(answer.json().get("Fragments", []))), (200, want))

    def fails(what, typ, status, data, *args, at="/listFragments", **how):
        with S.step(what):
            answer = call(at, data, *args, **how)
            S.equal(what, (answer.type(), answer.status), (typ, status))
            S.equal(what + ": headers", [answer.headers.get(n) for n in ("x-amz-errortype", "content-type", "access-control-allow-origin")],
                    [typ, "application/json", "*"])
            S.true(what + ": text", any(answer.json().get(k) for k in ("Message", "message")), answer.body)
            S.true(what + ": request id", UUID.fullmatch(answer.headers.get("x-amzn-requestid", "")) and
                   answer.headers["x-amzn-requestid"] == answer.headers.get("x-amz-requestid"), answer.headers)

    good = {"StreamName": "cam-1"}
    selector = {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": {"StartTimestamp": START, "EndTimestamp": START + 1}}
    same("no members but one", 4, data=good)
    same("Content-Type of old clients", 4, data=good, content="application/x-amz-json-1.1")
    same("unknown members", 4, data={**good, "Unknown": {"a": [1]}})
    same("null is an absent member", 4, data={**good, "MaxResults": None, "FragmentSelector": None})
    same("tabs and line ends", 4, data=b'{\n\t"StreamName": "cam-1"\n}')
    same("compressed answers may be asked for", 4, "--header", "Accept-Encoding: gzip", "--compressed", data=good)
    for text, want in [("1600000000", 2), ("1600000000.0", 2), ("1.6E9", 2), ("1.600000000123E9", 1), ("1600000000.001", 1), ("1600000000.0004", 2)]:
        body = json.dumps({**good, "FragmentSelector": selector}).replace(str(START) + ",", text + ",").encode()
        same(f"a timestamp of {text}", want, data=body)
    fails("JSON that is cut", "SerializationException", 400, b'{"StreamName":"cam-1"')
    fails("a list", "SerializationException", 400, b'["cam-1"]')
    fails("a number for a string", "SerializationException", 400, b'{"StreamName":1}')
    fails("a string for a number", "SerializationException", 400, b'{"StreamName":"cam-1","MaxResults":"10"}')
    fails("a string for a timestamp", "InvalidArgumentException", 400,
          {**good, "FragmentSelector": {**selector, "TimestampRange": {"StartTimestamp": "2020-09-13T12:26:40Z", "EndTimestamp": START}}})
    fails("milliseconds for seconds", "InvalidArgumentException", 400,
          {**good, "FragmentSelector": {**selector, "TimestampRange": {"StartTimestamp": START * 1000, "EndTimestamp": START * 1000 + 1}}})
    fails("a body of a megabyte", "InvalidArgumentException", 400, b'{"StreamName":"' + b"a" * 1000000 + b'"}')
    fails("a body of 100 levels", "SerializationException", 400, b'{"a":' * 100 + b"1" + b"}" * 100)
    fails("no body", "InvalidArgumentException", 400, b"")
    fails("a path in other letters", "UnknownOperationException", 404, good, at="/ListFragments")
    fails("a path with a slash more", "UnknownOperationException", 404, good, at="/listFragments/")
    fails("no path", "UnknownOperationException", 404, good, at="/")
    fails("another method", "UnknownOperationException", 404, good, method="PUT")
    fails("no signature", "MissingAuthenticationTokenException", 403, good, user=None)
    fails("half a signature", "IncompleteSignatureException", 400, good, "--header",
          "Authorization: AWS4-HMAC-SHA256 Credential=AKIDFULL/20261122/us-west-2/kinesisvideo/aws4_request", user=None)
    fails("a signature of another form", "IncompleteSignatureException", 400, good, "--header", "Authorization: Basic eDp5", user=None)
    fails("an unknown key", "UnrecognizedClientException", 403, good, user="unknown")
    fails("the secret of another", "InvalidSignatureException", 403, good, user="wrong")
    fails("a body that was signed otherwise", "InvalidSignatureException", 403, good, "--header", "x-amz-content-sha256: " + "0" * 64)
    fails("a service of another name", "InvalidSignatureException", 403, good, "--aws-sigv4", "aws:amz:us-west-2:s3")
    with S.step("another region"):
        answer = call("/listFragments", good, "--aws-sigv4", "aws:amz:eu-central-1:kinesisvideo")
        want = ("InvalidSignatureException", 403) if SERVER == "tls" else (None, 200)  # --require-region
        S.equal("a signature for another region", (answer.type(), answer.status), want)
    with S.step("OPTIONS"):
        answer = call("/getClip", None, user=None, method="OPTIONS")
        S.equal("OPTIONS: status", answer.status, 204)
        S.equal("OPTIONS: methods", answer.headers.get("access-control-allow-methods"), "GET, HEAD, POST, OPTIONS")
        allowed = set(answer.headers.get("access-control-allow-headers", "").split(", "))
        want = {"authorization", "content-type", "range", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-user-agent",
                "amz-sdk-invocation-id", "amz-sdk-request", "x-amzn-stream-name", "x-amzn-stream-arn", "x-amzn-fragment-timecode-type",
                "x-amzn-producer-start-timestamp", "x-amzn-fragment-acknowledgment-required"}
        S.equal("OPTIONS: headers", want - allowed, set())
    with S.step("every answer"):
        answer = call("/listFragments", good)
        exposed = set(answer.headers.get("access-control-expose-headers", "").split(", "))
        S.equal("exposed headers", {"x-amzn-RequestId", "x-amzn-ErrorType", "x-amz-RequestId", "x-amz-ErrorType"} - exposed, set())
        S.equal("HTTP version", answer.version, "HTTP/2" if SERVER == "tls" else "HTTP/1.1")
        if SERVER == "plain":  # HTTP/2 has small letters alone
            S.equal("names of headers as the service spells them", {"x-amzn-RequestId", "x-amz-RequestId"} - set(answer.names), set())


def control():
    with S.step("GetDataEndpoint"):
        for api in ("PUT_MEDIA", "GET_MEDIA", "LIST_FRAGMENTS", "GET_MEDIA_FOR_FRAGMENT_LIST", "GET_HLS_STREAMING_SESSION_URL",
                    "GET_DASH_STREAMING_SESSION_URL", "GET_CLIP", "GET_IMAGES"):
            S.equal(f"GetDataEndpoint of {api}", call("/getDataEndpoint", {"StreamName": "cam-1", "APIName": api}).json(), {"DataEndpoint": SITE[SERVER]})
    with S.step("DescribeStream"):
        info = call("/describeStream", {"StreamName": "cam-1"}).json()["StreamInfo"]
        S.equal("DescribeStream: members that are unset are left out", sorted(info),
                ["CreationTime", "DataRetentionInHours", "Status", "StreamARN", "StreamName", "Version"])
        S.true("DescribeStream: ARN", re.fullmatch(r"arn:aws:kinesisvideo:us-west-2:000000000000:stream/cam-1/\d+", info["StreamARN"]), info)
        S.equal("DescribeStream: the ARN ends with the time of creation", int(info["StreamARN"].rpartition("/")[2]), round(info["CreationTime"] * 1000))
        S.true("DescribeStream: Version", re.fullmatch("[a-zA-Z0-9]{1,64}", info["Version"]), info["Version"])
        S.true("DescribeStream: CreationTime", abs(time.time() - info["CreationTime"]) < 600, info["CreationTime"])
    with S.step("storage configuration"):
        name = stream("curl-tier")
        version = call("/describeStream", {"StreamName": name}).json()["StreamInfo"]["Version"]
        S.equal("DescribeStreamStorageConfiguration", call("/describeStreamStorageConfiguration", {"StreamName": name}).json()["StreamStorageConfiguration"],
                {"DefaultStorageTier": "HOT"})
        change = {"StreamName": name, "CurrentVersion": version, "StreamStorageConfiguration": {"DefaultStorageTier": "WARM"}}
        S.equal("UpdateStreamStorageConfiguration", call("/updateStreamStorageConfiguration", change).json(), {})
        S.equal("UpdateStreamStorageConfiguration, told", call("/describeStreamStorageConfiguration", {"StreamName": name}).json()["StreamStorageConfiguration"],
                {"DefaultStorageTier": "WARM"})


def wide_open():
    """The server without users: --strict, two fragments a clip, an idle time of two seconds, and a public URL."""
    global SERVER, FACTS
    SERVER, FACTS = "open", facts("open")
    with S.step("the open server"):
        S.equal("open: no signature is needed", call("/listFragments", {"StreamName": "cam-1"}, user=None).status, 200)
        S.equal("open: any signature is taken", call("/listFragments", {"StreamName": "cam-1"}, user="wrong").status, 200)
        S.equal("open: the public URL, without a slash at its end", call("/getDataEndpoint", {"StreamName": "cam-1", "APIName": "PUT_MEDIA"}).json(),
                {"DataEndpoint": "https://kvs.example.test:8443"})
        clip = call("/getClip", members())
        S.equal("open: a clip of two fragments", clip.headers.get("x-kvs-clip-truncated"), "fragments")
        strict = call("/getClip", members(start=START + 3, end=START + 10, stream="cam-records"))
        S.equal("open: private data that changes, with --strict", (strict.type(), strict.status), ("InvalidCodecPrivateDataException", 400))
    with S.step("an upload that falls silent"):
        with open(testdata("sample.mkv"), "rb") as f:
            sample = f.read()
        feed = Feed(stream("curl-idle"), sample[:30000])
        began = time.monotonic()
        feed.over(30)
        took = time.monotonic() - began
        S.true("open: an upload that falls silent is ended", 1 < took < 20, took)
        S.equal("open: and its whole fragments are kept", [feed.count("PERSISTED"), feed.count("IDLE") > 0], [2, True])


def main():
    for part in (uploads, damage, refused, media, clips, sessions, json_rules, control):
        with S.step(part.__name__):
            part()
    if SERVER == "plain":
        wide_open()
    S.end()


if __name__ == "__main__":
    main()
