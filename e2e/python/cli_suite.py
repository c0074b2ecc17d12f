"""Every operation with the command line of AWS, and an exception of each type: what it prints, writes and ends with.

    cli_suite.py

The command takes a second to start. Where that does not matter to what is checked, its main function is called here instead.
"""
import base64
import contextlib
import hashlib
import io
import json
import os
import subprocess
import time

import awscli.clidriver
import botocore

import ebml
from checks import SITE, Suite, facts, path

FACTS = facts("plain")
S = Suite("aws")
SERVICES = {"control": "kinesisvideo", "archived": "kinesis-video-archived-media", "media": "kinesis-video-media"}


def argv(service, operation, *args, user="full", server="plain"):
    u = SITE["users"][user]
    environment = dict(os.environ, AWS_ACCESS_KEY_ID=u["id"], AWS_SECRET_ACCESS_KEY=u["secret"], AWS_DEFAULT_REGION="us-west-2", AWS_MAX_ATTEMPTS="1", AWS_PAGER="")
    environment.pop("AWS_SESSION_TOKEN", None)
    if "token" in u:
        environment["AWS_SESSION_TOKEN"] = u["token"]
    arguments = [SERVICES[service], operation, "--endpoint-url", SITE[server], "--output", "json", "--cli-read-timeout", "15", *args]
    if server == "tls":
        arguments += ["--ca-bundle", SITE["ca"]]
    return arguments, environment


def process(service, operation, *args, **how):
    """Runs the command, and returns its exit code and what it printed."""
    arguments, environment = argv(service, operation, *args, **how)
    run = subprocess.run([SITE["aws"], *arguments], env=environment, capture_output=True, timeout=60, check=False)
    return run.returncode, run.stdout.decode(), run.stderr.decode()


def here(service, operation, *args, **how):
    """As process, within this one."""
    arguments, environment = argv(service, operation, *args, **how)
    os.environ.clear()
    os.environ.update(environment)
    out, err = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = awscli.clidriver.create_clidriver().main(arguments)
    def text(stream):
        stream.flush()
        return stream.buffer.getvalue().decode()
    return code, text(out), text(err)


def answer(service, operation, *args, run=here, **how):
    code, out, err = run(service, operation, *args, **how)
    if code != 0:
        raise RuntimeError(f"{operation} ends with {code}: {err}")
    return json.loads(out) if out.strip() else {}


def selector(first, last):
    """Times in the two forms that people write."""
    start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(FACTS["start"] + first))
    return f"FragmentSelectorType=PRODUCER_TIMESTAMP,TimestampRange={{StartTimestamp={start},EndTimestamp={FACTS['start'] + last}}}"


def control():
    with S.step("a stream's life"):
        arn = answer("control", "create-stream", "--stream-name", "cli-1", "--data-retention-in-hours", "2", "--media-type", "video/h264", "--tags", "place=door")["StreamARN"]
        info = answer("control", "describe-stream", "--stream-name", "cli-1")["StreamInfo"]
        S.equal("create-stream, describe-stream", [info[k] for k in ("StreamARN", "StreamName", "MediaType", "DataRetentionInHours", "Status")],
                [arn, "cli-1", "video/h264", 2, "ACTIVE"])
        answer("control", "update-stream", "--stream-name", "cli-1", "--current-version", info["Version"], "--device-name", "gate")
        info = answer("control", "describe-stream", "--stream-arn", arn)["StreamInfo"]
        S.equal("update-stream", info["DeviceName"], "gate")
        answer("control", "update-data-retention", "--stream-name", "cli-1", "--current-version", info["Version"], "--operation", "INCREASE_DATA_RETENTION",
               "--data-retention-change-in-hours", "3")
        listed = answer("control", "list-streams", "--stream-name-condition", "ComparisonOperator=BEGINS_WITH,ComparisonValue=cli-")["StreamInfoList"]
        S.equal("update-data-retention, list-streams", [(s["StreamName"], s["DataRetentionInHours"]) for s in listed], [("cli-1", 5)])
        answer("control", "tag-stream", "--stream-name", "cli-1", "--tags", "a=b,c=d")
        answer("control", "untag-stream", "--stream-arn", arn, "--tag-key-list", "place", "c")
        S.equal("tag-stream, untag-stream, list-tags-for-stream", answer("control", "list-tags-for-stream", "--stream-name", "cli-1")["Tags"], {"a": "b"})
        S.equal("get-data-endpoint", answer("control", "get-data-endpoint", "--stream-name", "cli-1", "--api-name", "GET_CLIP"), {"DataEndpoint": SITE["plain"]})
        answer("control", "delete-stream", "--stream-arn", arn)
        code, _, err = process("control", "describe-stream", "--stream-name", "cli-1")
        S.equal("delete-stream", (code, "(ResourceNotFoundException)" in err), (254, True))


def data():
    of = FACTS["streams"]
    with S.step("list-fragments"):
        listed = answer("archived", "list-fragments", "--stream-name", "cam-many", "--page-size", "50")
        S.equal("list-fragments goes through the pages", [f["FragmentNumber"] for f in listed["Fragments"]], of["cam-many"]["persisted"])
        listed = answer("archived", "list-fragments", "--stream-name", "cam-1", "--fragment-selector", selector(1, 2), server="tls", run=process)
        S.equal("list-fragments of a range, over TLS", [f["FragmentNumber"] for f in listed["Fragments"]], facts("tls")["streams"]["cam-1"]["persisted"][1:3])
    with S.step("get-media-for-fragment-list"):
        told = answer("archived", "get-media-for-fragment-list", path("cli.mkv"), "--stream-name", "cam-1", "--fragments", *of["cam-1"]["persisted"])
        with open(path("cli.mkv"), "rb") as f:
            S.equal("get-media-for-fragment-list: bytes", hashlib.sha256(f.read()).hexdigest(), FACTS["media"])
        S.equal("get-media-for-fragment-list: ContentType", told, {"ContentType": "video/webm"})
    with S.step("get-clip"):
        told = answer("archived", "get-clip", "--stream-name", "cam-1", "--clip-fragment-selector", selector(0, 60), path("cli.mp4"), user="token", run=process)
        with open(path("cli.mp4"), "rb") as f:
            S.equal("get-clip: bytes", hashlib.sha256(f.read()).hexdigest(), FACTS["clip"])
        S.equal("get-clip: ContentType", told, {"ContentType": "video/mp4"})
    with S.step("get-images"):
        ask = ("--stream-name", "cam-1", "--image-selector-type", "PRODUCER_TIMESTAMP", "--start-timestamp", str(FACTS["start"]), "--end-timestamp",
               str(FACTS["start"] + 3), "--sampling-interval", "3000")
        told = answer("archived", "get-images", *ask, "--format", "PNG", run=process)
        S.equal("get-images: PNG", [hashlib.sha256(base64.b64decode(i["ImageContent"])).hexdigest() for i in told["Images"]],
                [FACTS["images"]["cam-1"][i] for i in (0, 3)])
        told = answer("archived", "get-images", *ask, "--format", "JPEG", "--format-config", "JPEGQuality=30", "--height-pixels", "45", "--page-size", "1")
        S.equal("get-images: JPEG, pages", [base64.b64decode(i["ImageContent"])[:2] for i in told["Images"]], [b"\xff\xd8"] * 2)
    with S.step("get-media"):
        arguments, environment = argv("media", "get-media", "--stream-name", "cam-1", "--start-selector", "StartSelectorType=EARLIEST", path("cli-live.mkv"))
        running = subprocess.Popen([SITE["aws"], *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        got, ends = [], time.monotonic() + 40
        while len(got) < 2 and time.monotonic() < ends:  # what comes last stays in its buffer
            time.sleep(0.1)
            if os.path.exists(path("cli-live.mkv")):
                with open(path("cli-live.mkv"), "rb") as f:
                    got = [d.tag("AWS_KINESISVIDEO_FRAGMENT_NUMBER") for d in ebml.documents(f.read(), cut=True) if d.tag("AWS_KINESISVIDEO_CONTINUATION_TOKEN")]
        running.terminate()
        running.wait(20)
        S.equal("get-media", got[:2], of["cam-1"]["persisted"][:2])


def text(value):
    """A member of the table of exceptions as the text of an argument."""
    def times(v):
        if isinstance(v, dict):
            return v["$time"] if set(v) == {"$time"} else {k: times(e) for k, e in v.items()}
        return [times(e) for e in v] if isinstance(v, list) else v
    return value if isinstance(value, str) else json.dumps(times(value))


def exceptions():
    for case in FACTS["exceptions"]:
        if not case.get("cli"):
            continue
        what = f"{case['operation']}: {case['type']}"
        with S.step(what):
            arguments = [a for name, value in case["input"].items() for a in ("--" + botocore.xform_name(name, "-"), text(value))]
            if case["operation"] in ("GetClip", "GetMedia"):
                arguments.append(path("cli-none"))
            code, _, err = here(case["service"], botocore.xform_name(case["operation"], "-"), *arguments, user=case["as"])
            head, _, message = err.strip().partition(": ")
            good = head.startswith(f"An error occurred ({case['type']}) when calling the {case['operation']} operation") and message and case.get("text", "") in message
            S.true(what, code == 254 and good, (code, err))


def main():
    for part in (control, data, exceptions):
        with S.step(part.__name__):
            part()
    S.end()


if __name__ == "__main__":
    main()
