"""Every operation with boto3, and the table of exceptions.

    boto_suite.py SERVER

boto3 sends whole seconds alone, so that borders of ranges are whole seconds here.
"""
import base64
import datetime
import hashlib
import os
import re
import ssl
import sys
import time
import urllib.request

import boto3
import botocore.config
import botocore.exceptions

import curl
import ebml
from checks import SITE, Suite, facts, real

SERVER = sys.argv[1]
FACTS = facts(SERVER)
S = Suite(f"boto3/{SERVER}")
SERVICES = {"control": "kinesisvideo", "archived": "kinesis-video-archived-media", "media": "kinesis-video-media"}
TESTDATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "testdata")
CLIENTS = {}


def client(service, user="full", checked=True):
    """A client of a service. checked: it looks at its inputs before it sends them."""
    key = service, user, checked
    if key not in CLIENTS:
        u = SITE["users"][user]
        CLIENTS[key] = boto3.client(
            SERVICES[service], endpoint_url=SITE[SERVER], region_name="us-west-2", aws_access_key_id=u["id"], aws_secret_access_key=u["secret"],
            aws_session_token=u.get("token"), verify=SITE["ca"],
            config=botocore.config.Config(parameter_validation=checked, retries={"max_attempts": 0}, read_timeout=15, connect_timeout=15, max_pool_connections=20))
    return CLIENTS[key]


def at(seconds):
    return datetime.datetime.fromtimestamp(FACTS["start"] + seconds, datetime.timezone.utc)


def selector(first, last, kind="PRODUCER_TIMESTAMP"):
    return {"FragmentSelectorType": kind, "TimestampRange": {"StartTimestamp": at(first), "EndTimestamp": at(last)}}


def typed(service, name):
    """Tells whether an error is the client's own class of that name."""
    return lambda error: isinstance(error, getattr(client(service).exceptions, name))


def control():
    c = client("control")
    with S.step("CreateStream"):
        made = c.create_stream(StreamName="boto-1", DeviceName="door", MediaType="video/h264,audio/aac", DataRetentionInHours=24, Tags={"place": "door"})
        arn = made["StreamARN"]
        S.true("CreateStream: ARN", re.fullmatch(r"arn:aws:kinesisvideo:us-west-2:000000000000:stream/boto-1/\d+", arn), arn)
        info = c.describe_stream(StreamName="boto-1")["StreamInfo"]
        want = {"StreamName": "boto-1", "DeviceName": "door", "MediaType": "video/h264,audio/aac", "DataRetentionInHours": 24, "Status": "ACTIVE", "StreamARN": arn}
        S.equal("DescribeStream", {k: info[k] for k in want}, want)
        S.equal("DescribeStream: the ARN has CreationTime", int(arn.rpartition("/")[2]), round(info["CreationTime"].timestamp() * 1000))
        S.equal("DescribeStream by ARN", c.describe_stream(StreamARN=arn)["StreamInfo"], info)
        S.equal("DescribeStream by both", c.describe_stream(StreamName="boto-1", StreamARN=arn)["StreamInfo"], info)
        S.fails("CreateStream of a name that is taken", lambda: c.create_stream(StreamName="boto-1"), typed("control", "ResourceInUseException"), 400)
    with S.step("request ids"):
        meta = c.describe_stream(StreamName="boto-1")["ResponseMetadata"]
        S.equal("the SDK finds the request id", (meta["RequestId"], len(meta["RequestId"])), (meta["HTTPHeaders"]["x-amz-requestid"], 36))
    with S.step("UpdateStream"):
        c.update_stream(StreamName="boto-1", CurrentVersion=info["Version"], DeviceName="gate")
        after = c.describe_stream(StreamName="boto-1")["StreamInfo"]
        S.equal("UpdateStream", (after["DeviceName"], after["MediaType"], after["Version"] != info["Version"]), ("gate", "video/h264,audio/aac", True))
        S.fails("UpdateStream of an old version", lambda: c.update_stream(StreamName="boto-1", CurrentVersion=info["Version"], DeviceName="d"),
                typed("control", "VersionMismatchException"), 400)
        c.update_data_retention(StreamARN=arn, CurrentVersion=after["Version"], Operation="INCREASE_DATA_RETENTION", DataRetentionChangeInHours=12)
        longer = c.describe_stream(StreamName="boto-1")["StreamInfo"]
        S.equal("UpdateDataRetention, longer", longer["DataRetentionInHours"], 36)
        c.update_data_retention(StreamName="boto-1", CurrentVersion=longer["Version"], Operation="DECREASE_DATA_RETENTION", DataRetentionChangeInHours=35)
        shorter = c.describe_stream(StreamName="boto-1")["StreamInfo"]
        S.equal("UpdateDataRetention, shorter", shorter["DataRetentionInHours"], 1)
        S.fails("UpdateDataRetention below 0", lambda: c.update_data_retention(StreamName="boto-1", CurrentVersion=shorter["Version"],
                Operation="DECREASE_DATA_RETENTION", DataRetentionChangeInHours=2), typed("control", "InvalidArgumentException"), 400)
    with S.step("tags"):
        S.equal("ListTagsForStream", c.list_tags_for_stream(StreamName="boto-1")["Tags"], {"place": "door"})
        c.tag_stream(StreamARN=arn, Tags={"place": "gate", "größe": "3 m", "empty": ""})
        S.equal("TagStream", c.list_tags_for_stream(StreamARN=arn)["Tags"], {"place": "gate", "größe": "3 m", "empty": ""})
        c.untag_stream(StreamName="boto-1", TagKeyList=["empty", "nothing"])
        S.equal("UntagStream", c.list_tags_for_stream(StreamName="boto-1")["Tags"], {"place": "gate", "größe": "3 m"})
        c.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "b"}])
        c.untag_resource(ResourceARN=arn, TagKeyList=["place"])
        S.equal("TagResource, UntagResource, ListTagsForResource", c.list_tags_for_resource(ResourceARN=arn)["Tags"], {"größe": "3 m", "a": "b"})
        c.tag_stream(StreamName="boto-1", Tags={f"k{i}": "v" for i in range(48)})
        S.fails("TagStream, the 51st", lambda: c.tag_stream(StreamName="boto-1", Tags={"one": "more"}), typed("control", "TagsPerResourceExceededLimitException"), 400)
    with S.step("ListStreams"):
        for i in range(5):
            c.create_stream(StreamName=f"boto-list-{i}")
        want = [f"boto-list-{i}" for i in range(5)]
        begins = {"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": "boto-list-"}
        S.equal("ListStreams with a condition", [s["StreamName"] for s in c.list_streams(StreamNameCondition=begins)["StreamInfoList"]], want)
        pages = list(c.get_paginator("list_streams").paginate(StreamNameCondition=begins, PaginationConfig={"PageSize": 2}))
        S.equal("ListStreams, pages", [[s["StreamName"] for s in p["StreamInfoList"]] for p in pages], [want[:2], want[2:4], want[4:]])
        S.equal("DescribeStream of a stream without retention", c.describe_stream(StreamName="boto-list-0")["StreamInfo"]["DataRetentionInHours"], 0)
        seen = [s["StreamName"] for p in client("control", "reader").get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 2}) for s in p["StreamInfoList"]]
        S.equal("ListStreams shows a reader its own streams alone", seen, sorted(s for s in FACTS["streams"] if s.startswith("cam-")))
    with S.step("GetDataEndpoint"):
        for api in ("PUT_MEDIA", "GET_MEDIA", "LIST_FRAGMENTS", "GET_MEDIA_FOR_FRAGMENT_LIST", "GET_HLS_STREAMING_SESSION_URL", "GET_DASH_STREAMING_SESSION_URL", "GET_CLIP", "GET_IMAGES"):
            S.equal(f"GetDataEndpoint of {api}", c.get_data_endpoint(StreamName="cam-1", APIName=api)["DataEndpoint"], SITE[SERVER])
    with S.step("DeleteStream"):
        S.fails("DeleteStream of an old version", lambda: c.delete_stream(StreamARN=arn, CurrentVersion="old"), typed("control", "VersionMismatchException"), 400)
        c.delete_stream(StreamARN=arn, CurrentVersion=c.describe_stream(StreamName="boto-1")["StreamInfo"]["Version"])
        S.fails("DescribeStream of what was deleted", lambda: c.describe_stream(StreamName="boto-1"), typed("control", "ResourceNotFoundException"), 404)
        again = c.create_stream(StreamName="boto-1")["StreamARN"]
        S.fails("the ARN of what was deleted, when the name is back", lambda: c.describe_stream(StreamARN=arn), typed("control", "ResourceNotFoundException"), 404)
        c.delete_stream(StreamARN=again)
        S.equal("a session token", client("control", "token").describe_stream(StreamName="cam-1")["StreamInfo"]["StreamName"], "cam-1")


def fragments():
    c = client("archived")
    of = FACTS["streams"]["cam-1"]
    numbers = of["persisted"]
    with S.step("ListFragments"):
        listed = c.list_fragments(StreamName="cam-1")
        S.equal("ListFragments: numbers", [f["FragmentNumber"] for f in listed["Fragments"]], numbers)
        S.equal("ListFragments: no NextToken on the last page", "NextToken" in listed, False)
        for f in listed["Fragments"]:
            S.equal("ListFragments: five members", sorted(f), ["FragmentLengthInMilliseconds", "FragmentNumber", "FragmentSizeInBytes", "ProducerTimestamp", "ServerTimestamp"])
        S.equal("ListFragments: producer timestamps", [f["ProducerTimestamp"] for f in listed["Fragments"]], [at(i) for i in range(4)])
        S.equal("ListFragments: lengths", [f["FragmentLengthInMilliseconds"] for f in listed["Fragments"]], [1000] * 4)
        S.true("ListFragments: server timestamps", all(0 <= time.time() - f["ServerTimestamp"].timestamp() < 900 for f in listed["Fragments"]), listed)
        sizes = []
        for f in listed["Fragments"]:  # the stored document has all but the tags that were added
            media = c.get_media_for_fragment_list(StreamName="cam-1", Fragments=[f["FragmentNumber"]])["Payload"].read()
            sizes.append(0 < len(media) - f["FragmentSizeInBytes"] < 1000)
        S.equal("ListFragments: sizes", sizes, [True] * 4)
    with S.step("paginator"):
        want = FACTS["streams"]["cam-many"]["persisted"]
        for size in (100, 7, 1000):
            pages = list(c.get_paginator("list_fragments").paginate(StreamName="cam-many", PaginationConfig={"PageSize": size}))
            S.equal(f"ListFragments, pages of {size}", [f["FragmentNumber"] for p in pages for f in p["Fragments"]], want)
            S.equal(f"ListFragments, number of pages of {size}", len(pages), -(-len(want) // size))
        S.equal("ListFragments, 100 without MaxResults", len(c.list_fragments(StreamName="cam-many")["Fragments"]), 100)
        token = c.list_fragments(StreamName="cam-many", MaxResults=10)["NextToken"]
        S.true("ListFragments: NextToken is base64", re.fullmatch("[a-zA-Z0-9+/]+={0,2}", token), token)
        for what, more in [("another stream", {"StreamName": "cam-1"}), ("another selector", {"StreamName": "cam-many", "FragmentSelector": selector(0, 60)})]:
            S.fails(f"ListFragments with the token of {what}", lambda: c.list_fragments(NextToken=token, **more), typed("archived", "InvalidArgumentException"), 400)
        pages = list(c.get_paginator("list_fragments").paginate(StreamName="cam-many", FragmentSelector=selector(50, 149), PaginationConfig={"PageSize": 30}))
        S.equal("ListFragments, a range in pages", [f["FragmentNumber"] for p in pages for f in p["Fragments"]], want[50:150])
    with S.step("selectors"):
        def found(first, last, kind="PRODUCER_TIMESTAMP"):
            return [f["FragmentNumber"] for f in c.list_fragments(StreamARN=of["arn"], FragmentSelector=selector(first, last, kind))["Fragments"]]
        for first, last, want in [(0, 3, 4), (1, 2, 2), (1, 1, 1), (-60, -1, 0), (4, 60, 0), (3, 60, 1)]:
            S.equal(f"ListFragments: producer seconds {first} to {last}", len(found(first, last)), want)
        now = int(time.time()) - FACTS["start"]
        S.equal("ListFragments: server seconds of the last ten minutes", found(now - 600, now + 1, "SERVER_TIMESTAMP"), numbers)
        S.equal("ListFragments: server seconds of the future", found(now + 600, now + 700, "SERVER_TIMESTAMP"), [])
    with S.step("GetMediaForFragmentList"):
        answer = c.get_media_for_fragment_list(StreamName="cam-1", Fragments=numbers)
        body = answer["Payload"].read()
        S.equal("GetMediaForFragmentList: Content-Type", answer["ContentType"], "video/webm")
        S.equal("GetMediaForFragmentList: bytes", hashlib.sha256(body).hexdigest(), FACTS["media"])
        many = FACTS["streams"]["cam-many"]["persisted"]
        got = ebml.documents(c.get_media_for_fragment_list(StreamName="cam-many", Fragments=many[::-1])["Payload"].read())
        S.equal("GetMediaForFragmentList of 216, backwards", [d.tag("AWS_KINESISVIDEO_FRAGMENT_NUMBER") for d in got], many[::-1])
        for stream in "cam-opus", "cam-bad-private", "cam-no-private", "cam-bad-frame":  # any stored fragment can be read back
            asked = FACTS["streams"][stream]["persisted"]
            got = ebml.documents(c.get_media_for_fragment_list(StreamName=stream, Fragments=asked)["Payload"].read())
            S.equal(f"GetMediaForFragmentList of {stream}", len(got), len(asked))


def clips():
    c = client("archived")
    with S.step("GetClip"):
        answer = c.get_clip(StreamName="cam-1", ClipFragmentSelector=selector(0, 60))
        body = answer["Payload"].read()
        S.equal("GetClip: Content-Type", answer["ContentType"], "video/mp4")
        S.equal("GetClip: bytes", hashlib.sha256(body).hexdigest(), FACTS["clip"])
        server = [f["ServerTimestamp"] for f in FACTS["streams"]["cam-1"]["fragments"]]
        time.sleep(max(0, int(server[-1]) + 1 - time.time()))  # End has to be past, and boto3 sends whole seconds
        first, last = int(server[0]) - FACTS["start"], int(server[-1]) + 1 - FACTS["start"]
        body = c.get_clip(StreamARN=FACTS["streams"]["cam-1"]["arn"], ClipFragmentSelector=selector(first, last, "SERVER_TIMESTAMP"))["Payload"].read()
        S.equal("GetClip by the server's clock: the same bytes", hashlib.sha256(body).hexdigest(), FACTS["clip"])
        body = client("archived", "reader").get_clip(StreamName="cam-hevc", ClipFragmentSelector=selector(0, 60))["Payload"].read()
        S.equal("GetClip of HEVC by a reader", body[4:8], b"ftyp")
        records = c.get_clip(StreamName="cam-records", ClipFragmentSelector=selector(0, 60))["Payload"].read()
        S.equal("GetClip of private data that changes", (records[4:8], records.count(b"avcC")), (b"ftyp", 2))


def images():
    c = client("archived", "reader")

    def ask(stream, first, last, interval=3000, **more):
        return dict({"StreamName": stream, "ImageSelectorType": "PRODUCER_TIMESTAMP", "StartTimestamp": at(first), "EndTimestamp": at(last),
                     "SamplingInterval": interval, "Format": "PNG"}, **more)
    for stream, want in FACTS["images"].items():
        with S.step(f"GetImages of {stream}"):
            got = c.get_images(**ask(stream, 0, 3))["Images"]
            S.equal(f"GetImages of {stream}", [(i["TimeStamp"].timestamp(), hashlib.sha256(base64.b64decode(i["ImageContent"])).hexdigest()) for i in got],
                    [(FACTS["start"] + s, want[s]) for s in (0, 3)])
    with S.step("GetImages, pages"):
        pages = [p["Images"] for p in c.get_paginator("get_images").paginate(**ask("cam-many", 0, 220, 20000), PaginationConfig={"PageSize": 5})]
        flat = [i for p in pages for i in p]
        S.equal("GetImages, pages", [len(p) for p in pages], [5, 5, 2])
        S.equal("GetImages, times of the pages", [i["TimeStamp"].timestamp() - FACTS["start"] for i in flat], list(range(0, 221, 20)))
        S.equal("GetImages, where there is nothing any more", [i.get("Error") for i in flat], [None] * 11 + ["NO_MEDIA"])
    with S.step("GetImages, JPEG"):
        sizes = [len(c.get_images(**ask("cam-1", 1, 1, Format="JPEG", FormatConfig={"JPEGQuality": q}))["Images"][0]["ImageContent"]) for q in ("1", "50", "80", "100")]
        S.true("GetImages: the better a JPEG, the larger", sizes == sorted(set(sizes)), sizes)
        content = base64.b64decode(c.get_images(**ask("cam-1", 1, 1, WidthPixels=64, HeightPixels=48))["Images"][0]["ImageContent"])
        S.equal("GetImages, stretched", (int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")), (64, 48))
    with S.step("GetImages of what has no pictures"):
        got = client("archived").get_images(**ask("cam-opus", 0, 0))["Images"]
        S.equal("GetImages of what has no pictures", [i.get("Error") for i in got], ["MEDIA_ERROR"])


def sessions():
    c = client("archived")
    trust = ssl.create_default_context(cafile=SITE["ca"])
    def fetch(url):
        with urllib.request.urlopen(url, timeout=15, context=trust if SERVER == "tls" else None) as answer:
            return answer.headers["Content-Type"], answer.read()
    for container in "FRAGMENTED_MP4", "MPEG_TS":
        with S.step(f"GetHLSStreamingSessionURL, {container}"):
            url = c.get_hls_streaming_session_url(StreamName="cam-1", PlaybackMode="ON_DEMAND", HLSFragmentSelector=selector(0, 60), ContainerFormat=container,
                                                  DiscontinuityMode="ON_DISCONTINUITY", DisplayFragmentTimestamp="ALWAYS", Expires=600,
                                                  MaxMediaPlaylistFragmentResults=100)["HLSStreamingSessionURL"]
            S.true(f"{container}: its URL", re.fullmatch(re.escape(SITE[SERVER]) + r"/hls/v1/getHLSMasterPlaylist\.m3u8\?SessionToken=[A-Za-z0-9_~-]+", url), url)
            kind, playlist = fetch(url)
            S.equal(f"{container}: master playlist", (kind, playlist[:7]), ("application/vnd.apple.mpegurl", b"#EXTM3U"))
            media = next(line for line in playlist.decode().splitlines() if line and not line.startswith("#"))
            kind, playlist = fetch(url.rpartition("/")[0] + "/" + media)
            S.equal(f"{container}: media playlist", (kind, playlist.count(b"#EXTINF:1"), playlist.strip().endswith(b"#EXT-X-ENDLIST")), ("application/vnd.apple.mpegurl", 4, True))
    with S.step("GetDASHStreamingSessionURL"):
        url = c.get_dash_streaming_session_url(StreamName="cam-1", PlaybackMode="ON_DEMAND", DASHFragmentSelector=selector(0, 60), DisplayFragmentNumber="ALWAYS",
                                               DisplayFragmentTimestamp="ALWAYS")["DASHStreamingSessionURL"]
        S.true("DASH: its URL", re.fullmatch(re.escape(SITE[SERVER]) + r"/dash/v1/getDASHManifest\.mpd\?SessionToken=[A-Za-z0-9_~-]+", url), url)
        kind, manifest = fetch(url)
        S.equal("DASH: manifest", (kind, [n in manifest.decode() for n in FACTS["streams"]["cam-1"]["persisted"]]), ("application/dash+xml", [True] * 4))
    with S.step("LIVE"):
        S.fails("GetHLSStreamingSessionURL of what is live no more", lambda: c.get_hls_streaming_session_url(StreamName="boto-list-0"), typed("archived", "NoDataRetentionException"), 400)


def follow(payload, done, limit=30):
    """Reads GetMedia until what has come satisfies done, and returns the whole documents."""
    body, ends = b"", time.monotonic() + limit
    while time.monotonic() < ends:
        got = [d for d in ebml.documents(body, cut=True) if d.tag("AWS_KINESISVIDEO_CONTINUATION_TOKEN")] if body else []
        if done(got):
            return got
        body += payload._raw_stream.read1(1 << 16) if hasattr(payload._raw_stream, "read1") else payload._raw_stream._fp.read1(1 << 16)
    raise TimeoutError(f"after {len(body)} bytes")


def media():
    c = client("media")
    numbers = FACTS["streams"]["cam-1"]["persisted"]
    def chunks(count, stream="cam-1", **start):
        answer = c.get_media(StreamName=stream, StartSelector=start)
        try:
            return answer["ContentType"], follow(answer["Payload"], lambda got: len(got) >= count)[:count]
        finally:
            answer["Payload"].close()
    def first(documents):
        return documents[0].tag("AWS_KINESISVIDEO_FRAGMENT_NUMBER")
    with S.step("GetMedia"):
        content, got = chunks(4, StartSelectorType="EARLIEST")
        S.equal("GetMedia: Content-Type", content, "video/webm")
        S.equal("GetMedia, EARLIEST", [d.tag("AWS_KINESISVIDEO_FRAGMENT_NUMBER") for d in got], numbers)
        for d, f in zip(got, FACTS["streams"]["cam-1"]["fragments"]):
            S.equal("GetMedia: tags before the Cluster", d.before[-1], [("AWS_KINESISVIDEO_FRAGMENT_NUMBER", f["FragmentNumber"]),
                    ("AWS_KINESISVIDEO_SERVER_TIMESTAMP", f"{f['ServerTimestamp']:.3f}"), ("AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", f"{f['ProducerTimestamp']:.3f}")])
            S.equal("GetMedia: tags behind it", [[n for n, _ in t] for t in d.after], [["AWS_KINESISVIDEO_MILLIS_BEHIND_NOW", "AWS_KINESISVIDEO_CONTINUATION_TOKEN"]])
            S.equal("GetMedia: the token is the fragment's number", d.tag("AWS_KINESISVIDEO_CONTINUATION_TOKEN"), f["FragmentNumber"])
            behind = int(d.tag("AWS_KINESISVIDEO_MILLIS_BEHIND_NOW")) / 1000
            S.true("GetMedia: milliseconds behind now", abs(time.time() - f["ServerTimestamp"] - behind) < 30, behind)
        with open(os.path.join(TESTDATA, "sample.mkv"), "rb") as f:
            S.equal("GetMedia: Clusters as they were sent", [cluster for d in got for cluster in d.clusters], ebml.clusters(f.read()))
        S.equal("GetMedia, NOW", first(chunks(1, StartSelectorType="NOW")[1]), numbers[3])
        S.equal("GetMedia, FRAGMENT_NUMBER: what is after it", first(chunks(1, StartSelectorType="FRAGMENT_NUMBER", AfterFragmentNumber=numbers[1])[1]), numbers[2])
        S.equal("GetMedia, CONTINUATION_TOKEN", first(chunks(1, StartSelectorType="CONTINUATION_TOKEN", ContinuationToken=numbers[0])[1]), numbers[1])
        S.equal("GetMedia, PRODUCER_TIMESTAMP", first(chunks(1, StartSelectorType="PRODUCER_TIMESTAMP", StartTimestamp=at(2))[1]), numbers[2])
        hour = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
        S.equal("GetMedia, SERVER_TIMESTAMP before the first", first(chunks(1, StartSelectorType="SERVER_TIMESTAMP", StartTimestamp=hour)[1]), numbers[0])
        S.equal("GetMedia of a stream without retention", len(chunks(4, "cam-buffer", StartSelectorType="EARLIEST")[1]), 4)
    with S.step("GetMedia that follows"):
        client("control").create_stream(StreamName="boto-live", DataRetentionInHours=1)
        answer = c.get_media(StreamName="boto-live", StartSelector={"StartSelectorType": "NOW"})  # of nothing
        first_ones = curl.acks(curl.upload(SERVER, os.path.join(TESTDATA, "sample.mkv"), "boto-live"))
        got = follow(answer["Payload"], lambda d: len(d) >= 4)
        S.equal("GetMedia follows what is uploaded", [d.tag("AWS_KINESISVIDEO_FRAGMENT_NUMBER") for d in got],
                [a["FragmentNumber"] for a in first_ones if a["EventType"] == "PERSISTED"])
        arn = client("control").describe_stream(StreamName="boto-live")["StreamInfo"]["StreamARN"]
        client("control").delete_stream(StreamARN=arn)
        answer["Payload"]._raw_stream.read()  # comes to its end
        S.true("GetMedia ends with its stream", True, None)
    with S.step("GetMedia, too many"):
        open_ones = [c.get_media(StreamName="cam-hevc", StartSelector={"StartSelectorType": "NOW"}) for _ in range(3)]
        S.fails("GetMedia, the fourth at once", lambda: c.get_media(StreamName="cam-hevc", StartSelector={"StartSelectorType": "NOW"}),
                typed("media", "ConnectionLimitExceededException"), 400)
        open_ones.pop()["Payload"].close()
        for _ in range(100):  # the server sees it in a moment
            try:
                open_ones.append(c.get_media(StreamName="cam-hevc", StartSelector={"StartSelectorType": "NOW"}))
                break
            except client("media").exceptions.ConnectionLimitExceededException:
                time.sleep(0.1)
        S.equal("GetMedia, the fourth when one has ended", len(open_ones), 3)
        for answer in open_ones:
            answer["Payload"].close()


def exceptions():
    for case in FACTS["exceptions"]:
        service, name = case["service"], case["type"]
        c = client(service, case["as"], checked=False)
        what = f"{case['operation']} as {case['as']}: {name}"
        with S.step(what):
            method = c.meta.method_to_api_mapping
            call = getattr(c, next(python for python, api in method.items() if api == case["operation"]))
            def kind(error):
                good = isinstance(error, botocore.exceptions.ClientError) and error.response["Error"]["Code"] == name
                return good and (case.get("untyped") or typed(service, name)(error)) and error.response["Error"]["Message"]
            error = S.fails(what, lambda: call(**real(case["input"])), kind, case["status"], case.get("text"))
            if error is not None and not case.get("untyped") and not error.response.get("Message"):
                S.equal(what + ": its member Message", error.response.get("Message"), "the text")


def main():
    for part in (control, fragments, clips, images, sessions, media, exceptions):
        with S.step(part.__name__):
            part()
    S.end()


if __name__ == "__main__":
    main()
