"""Fills a server through curl, so that there is something to ask for, and writes down what is there: facts-SERVER.json.

    seed.py SERVER

The facts have, for each stream, its ARN and its fragments as ListFragments tells them, the hashes of media that every client has to
get to the byte, and the table of exceptions with its places filled in.
"""
import base64
import hashlib
import json
import os
import subprocess
import sys
import time

import curl
import ebml
from checks import SITE, Suite, path

HERE = os.path.dirname(os.path.abspath(__file__))
START = 1600000000  # when most uploads begin, by the producer's clock

# Streams, their files and when they begin. retention 0 is a stream that keeps nothing.
STREAMS = {
    "cam-1": [("sample.mkv", START)],
    "cam-hevc": [("hevc-aac.mkv", START)],
    "cam-alaw": [("alaw.mkv", START)],
    "cam-many": [("many.mkv", START)],
    "cam-opus": [("opus-only.mkv", START)],
    "cam-bad-private": [("bad-avcc.mkv", START)],
    "cam-no-private": [("no-private.mkv", START)],
    "cam-bad-frame": [("bad-frame.mkv", START)],
    "cam-tracks": [("h264-nob.mkv", START), ("opengop.mkv", START + 10)],
    "cam-records": [("h264-nob.mkv", START), ("interlaced.mkv", START + 10)],
    "cam-buffer": [("h264-nob.mkv", START)],
    "other-1": [("sample.mkv", START)],
}
RETENTION = {"cam-buffer": 0}


def place(name):
    made = path(name)
    return made if os.path.exists(made) else os.path.join(HERE, "..", "..", "testdata", name)


def damaged(name, edit):
    """Writes a copy of sample.mkv in which one thing is broken, and nothing is moved."""
    with open(place("h264-nob.mkv"), "rb") as f:
        data = bytearray(f.read())
    edit(data)
    with open(path(name), "wb") as f:
        f.write(data)


def without_private(data):
    """The CodecPrivate gets an id that nobody knows."""
    at = data.index(b"\x63\xA2", data.index(b"\x16\x54\xAE\x6B"))
    data[at:at + 2] = b"\x63\xA3"


def with_bad_frame(data):
    """A frame of the second Cluster says that its first NAL unit is longer than the frame."""
    blocks = [(begin, end) for ident, _, begin, end in ebml.elements(bytes(data)) if ident == ebml.SIMPLE_BLOCK]
    begin, _ = blocks[30]
    data[begin + 4:begin + 8] = b"\x00\x7F\xFF\xFF"


def json_call(server, operation, **members):
    answer = curl.call(server, "/" + operation, members)
    if answer.status != 200:
        raise RuntimeError(f"{operation}: {answer.status} {answer.body!r}")
    return answer.json()


def seed(server, streams, suite):
    found = {}
    for stream in streams:
        arn = json_call(server, "createStream", StreamName=stream, DataRetentionInHours=RETENTION.get(stream, 24))["StreamARN"]
        for file, start in STREAMS[stream]:
            answer = curl.upload(server, place(file), stream, start=f"{start}.000")
            acks = curl.acks(answer)
            kept = [a["FragmentNumber"] for a in acks if a["EventType"] == "PERSISTED"]
            events = sorted({a["EventType"] for a in acks} - {"IDLE"})
            want = ["BUFFERING", "RECEIVED"] if stream in RETENTION else ["BUFFERING", "PERSISTED", "RECEIVED"]
            suite.equal(f"PutMedia of {file} into {stream}: events", (answer.status, events), (200, want))
            found.setdefault(stream, {"arn": arn, "persisted": []})["persisted"] += kept
    for stream, of in found.items():
        listed = json_call(server, "listFragments", StreamName=stream, MaxResults=1000)
        of["fragments"] = listed["Fragments"]
        suite.equal(f"ListFragments of {stream} has what was PERSISTED", [f["FragmentNumber"] for f in of["fragments"]], of["persisted"])
    return found


def frames(*source, pictures="rgb24"):
    """The MD5 of each picture that ffmpeg decodes."""
    run = subprocess.run(["ffmpeg", "-v", "error", *source, "-map", "0:v", "-fps_mode", "passthrough", "-pix_fmt", pictures, "-f", "framemd5", "-"],
                         stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return [line.split(",")[-1].strip() for line in run.stdout.decode().splitlines() if not line.startswith("#")]


def images(server, stream, file, suite):
    """A PNG of each whole second. It has to be the picture that ffmpeg decodes there from the file, and none that is beside it."""
    ask = {"StreamName": stream, "ImageSelectorType": "PRODUCER_TIMESTAMP", "StartTimestamp": START, "EndTimestamp": START + 3, "SamplingInterval": 1000,
           "Format": "PNG"}
    got = json_call(server, "getImages", **ask)["Images"]
    want = frames("-i", place(file))
    files = []
    for i, image in enumerate(got):
        files.append(base64.b64decode(image["ImageContent"]))
        with open(path(f"{server}-{stream}-{i}.png"), "wb") as f:
            f.write(files[-1])
        at = 25 * i
        same = [n for n in range(max(at - 1, 0), at + 2) if want[n:n + 1] == frames("-i", path(f"{server}-{stream}-{i}.png"))]
        suite.equal(f"GetImages of {stream}: the picture after {i} s is that of {file}", (image["TimeStamp"], same), (START + i, [at]))
    suite.equal(f"GetImages of {stream}: how many", len(got), 4)
    return [hashlib.sha256(f).hexdigest() for f in files]


def strict(server, suite):
    """What GetImages takes with --strict."""
    ask = {"StreamName": "cam-1", "ImageSelectorType": "PRODUCER_TIMESTAMP", "StartTimestamp": START, "EndTimestamp": START + 3, "Format": "JPEG"}
    for interval, want in {None: (400, "InvalidArgumentException"), 2999: (400, "InvalidArgumentException"), 3000: (200, None)}.items():
        answer = curl.call(server, "/getImages", dict(ask, SamplingInterval=interval))
        suite.equal(f"GetImages, strict, with a SamplingInterval of {interval}", (answer.status, answer.type()), want)


def resolve(value, streams):
    """Fills in what the table of exceptions leaves open."""
    if isinstance(value, str) and value.startswith("$arn:"):
        return streams[value[5:]]["arn"]
    if isinstance(value, str) and value.startswith("$fragment:"):
        _, stream, index = value.split(":")
        return streams[stream]["fragments"][int(index)]["FragmentNumber"]
    if isinstance(value, dict) and "$now" in value:
        return {"$time": int(time.time()) + value["$now"]}
    if isinstance(value, dict) and "$tags" in value:
        return {f"key-{i}": "value" for i in range(value["$tags"])}
    if isinstance(value, dict) and "$times" in value:
        return [resolve(value["of"], streams)] * value["$times"]
    if isinstance(value, dict):
        return {k: resolve(v, streams) for k, v in value.items()}
    if isinstance(value, list):
        return [resolve(v, streams) for v in value]
    return value


def main():
    server = sys.argv[1]
    suite = Suite(f"seed/{server}")
    damaged("no-private.mkv", without_private)
    damaged("bad-frame.mkv", with_bad_frame)
    streams = seed(server, ["cam-1", "cam-records"] if server == "open" else list(STREAMS), suite)
    sample = streams["cam-1"]
    numbers = [f["FragmentNumber"] for f in sample["fragments"]]
    clip = curl.call(server, "/getClip", {"StreamName": "cam-1", "ClipFragmentSelector": {"FragmentSelectorType": "PRODUCER_TIMESTAMP",
                     "TimestampRange": {"StartTimestamp": START, "EndTimestamp": START + 60}}})
    media = curl.call(server, "/getMediaForFragmentList", {"StreamName": "cam-1", "Fragments": numbers})
    for name, answer in ("clip.mp4", clip), ("media.mkv", media):
        with open(path(f"{server}-{name}"), "wb") as f:
            f.write(answer.body)
        suite.equal(f"{name} of cam-1", answer.status, 200)
    if server == "open":
        strict(server, suite)
        shots = {}
    else:
        shots = {"cam-1": images(server, "cam-1", "sample.mkv", suite), "cam-hevc": images(server, "cam-hevc", "hevc-aac.mkv", suite)}
    with open(os.path.join(HERE, "..", "exceptions.json"), encoding="utf-8") as f:
        cases = json.load(f)
    facts = {
        "streams": streams, "start": START,
        "clip": hashlib.sha256(clip.body).hexdigest(), "images": shots, "media": hashlib.sha256(media.body).hexdigest(),
        "exceptions": [resolve(c, streams) for c in cases] if server != "open" else [],
    }
    with open(path(f"facts-{server}.json"), "w", encoding="utf-8") as f:
        json.dump(facts, f)
    suite.end()


if __name__ == "__main__":
    main()
