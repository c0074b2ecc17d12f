import type { Clock } from "./api";
import { button, choice, copy, h } from "./dom";

export interface Call { endpoint: string; region: string; name: string; clock: Clock; from: number; to: number }

type Language = "python" | "cli" | "js" | "go" | "curl";
type Operation = "clip" | "hls" | "dash" | "list" | "media";

const iso = (t: number, up: boolean) => new Date((up ? Math.ceil(t / 1000) : Math.floor(t / 1000)) * 1000).toISOString().replace(".000Z", "Z");

/** snippet is a call of the archive's own API, to paste into a program. SDKs cut times to whole seconds, so whole ones are given. */
export function snippet(language: Language, operation: Operation, c: Call): string {
  const type = c.clock === "producer" ? "PRODUCER_TIMESTAMP" : "SERVER_TIMESTAMP", from = iso(c.from, false), to = iso(c.to, true);
  const seconds = [Math.floor(c.from / 1000), Math.ceil(c.to / 1000)] as const;
  switch (language) {
    case "python": {
      const sel = `selector = {"FragmentSelectorType": "${type}", "TimestampRange": {\n    "StartTimestamp": datetime.fromisoformat("${from}"), "EndTimestamp": datetime.fromisoformat("${to}")}}\n`;
      const call = {
        clip: `answer = archive.get_clip(StreamName="${c.name}", ClipFragmentSelector=selector)\nopen("${c.name}.mp4", "wb").write(answer["Payload"].read())`,
        hls: `answer = archive.get_hls_streaming_session_url(StreamName="${c.name}", PlaybackMode="ON_DEMAND",\n    HLSFragmentSelector=selector, Expires=3600)\nprint(answer["HLSStreamingSessionURL"])`,
        dash: `answer = archive.get_dash_streaming_session_url(StreamName="${c.name}", PlaybackMode="ON_DEMAND",\n    DASHFragmentSelector=selector, Expires=3600)\nprint(answer["DASHStreamingSessionURL"])`,
        list: `for page in archive.get_paginator("list_fragments").paginate(StreamName="${c.name}", FragmentSelector=selector):\n    for fragment in page["Fragments"]:\n        print(fragment["FragmentNumber"], fragment["ProducerTimestamp"])`,
        media: `numbers = [f["FragmentNumber"] for f in archive.list_fragments(StreamName="${c.name}", FragmentSelector=selector, MaxResults=1000)["Fragments"]]\nanswer = archive.get_media_for_fragment_list(StreamName="${c.name}", Fragments=numbers)\nopen("${c.name}.mkv", "wb").write(answer["Payload"].read())`,
      }[operation];
      return `import boto3\nfrom datetime import datetime\n\narchive = boto3.client("kinesis-video-archived-media", endpoint_url="${c.endpoint}", region_name="${c.region}")\n${sel}${call}\n`;
    }
    case "cli": {
      const sel = `'FragmentSelectorType=${type},TimestampRange={StartTimestamp=${from},EndTimestamp=${to}}'`;
      const start = (op: string) => `aws kinesis-video-archived-media ${op} --endpoint-url ${c.endpoint} --region ${c.region} \\\n    --stream-name ${c.name} \\\n    `;
      switch (operation) {
        case "clip": return start("get-clip") + `--clip-fragment-selector ${sel} ${c.name}.mp4\n`;
        case "hls": return start("get-hls-streaming-session-url") + `--playback-mode ON_DEMAND --expires 3600 \\\n    --hls-fragment-selector ${sel}\n`;
        case "dash": return start("get-dash-streaming-session-url") + `--playback-mode ON_DEMAND --expires 3600 \\\n    --dash-fragment-selector ${sel}\n`;
        case "list": return start("list-fragments") + `--fragment-selector ${sel}\n`;
        case "media": return start("list-fragments") + `--fragment-selector ${sel} \\\n    --query 'Fragments[].FragmentNumber' --output text > numbers\n` + start("get-media-for-fragment-list") + `--fragments $(cat numbers) ${c.name}.mkv\n`;
      }
      break;
    }
    case "js": {
      const name = { clip: "GetClip", hls: "GetHLSStreamingSessionURL", dash: "GetDASHStreamingSessionURL", list: "ListFragments", media: "GetMediaForFragmentList" }[operation];
      const member = { clip: "ClipFragmentSelector", hls: "HLSFragmentSelector", dash: "DASHFragmentSelector", list: "FragmentSelector", media: "FragmentSelector" }[operation];
      const mode = operation === "hls" || operation === "dash" ? `PlaybackMode: "ON_DEMAND", Expires: 3600, ` : "";
      const names = operation === "media" ? `ListFragmentsCommand, ${name}Command` : `${name}Command`;
      const first = `import { KinesisVideoArchivedMediaClient, ${names} } from "@aws-sdk/client-kinesis-video-archived-media";\n${operation === "clip" || operation === "media" ? `import { writeFile } from "node:fs/promises";\n` : ""}\n` +
        `const archive = new KinesisVideoArchivedMediaClient({ endpoint: "${c.endpoint}", region: "${c.region}" });\nconst selector = { FragmentSelectorType: "${type}", TimestampRange: {\n  StartTimestamp: new Date("${from}"), EndTimestamp: new Date("${to}") } };\n`;
      if (operation === "media") return first + `const { Fragments } = await archive.send(new ListFragmentsCommand({ StreamName: "${c.name}", FragmentSelector: selector, MaxResults: 1000 }));\n` +
        `const answer = await archive.send(new GetMediaForFragmentListCommand({ StreamName: "${c.name}", Fragments: Fragments.map(f => f.FragmentNumber) }));\nawait writeFile("${c.name}.mkv", await answer.Payload.transformToByteArray());\n`;
      const then = { clip: `await writeFile("${c.name}.mp4", await answer.Payload.transformToByteArray());\n`, hls: "console.log(answer.HLSStreamingSessionURL);\n", dash: "console.log(answer.DASHStreamingSessionURL);\n", list: "console.log(answer.Fragments);\n" }[operation];
      return first + `const answer = await archive.send(new ${name}Command({ StreamName: "${c.name}", ${mode}${member}: selector }));\n` + then;
    }
    case "go": {
      const name = { clip: "GetClip", hls: "GetHLSStreamingSessionURL", dash: "GetDASHStreamingSessionURL", list: "ListFragments", media: "ListFragments" }[operation];
      const [member, selType, rangeType] = {
        clip: ["ClipFragmentSelector", "ClipFragmentSelector", "ClipTimestampRange"], hls: ["HLSFragmentSelector", "HLSFragmentSelector", "HLSTimestampRange"],
        dash: ["DASHFragmentSelector", "DASHFragmentSelector", "DASHTimestampRange"], list: ["FragmentSelector", "FragmentSelector", "TimestampRange"], media: ["FragmentSelector", "FragmentSelector", "TimestampRange"],
      }[operation] as [string, string, string];
      const mode = operation === "hls" || operation === "dash" ? `\n\tPlaybackMode: aws.String("ON_DEMAND"), Expires: aws.Int64(3600),` : "";
      const then = operation === "media" ? `\nvar numbers []*string\nfor _, f := range out.Fragments {\n\tnumbers = append(numbers, f.FragmentNumber)\n}\nmedia, err := archive.GetMediaForFragmentList(&kinesisvideoarchivedmedia.GetMediaForFragmentListInput{\n\tStreamName: aws.String("${c.name}"), Fragments: numbers})\n` : "";
      return `archive := kinesisvideoarchivedmedia.New(session.Must(session.NewSession(&aws.Config{\n\tEndpoint: aws.String("${c.endpoint}"), Region: aws.String("${c.region}")})))\n` +
        `out, err := archive.${name}(&kinesisvideoarchivedmedia.${name}Input{StreamName: aws.String("${c.name}"),${mode}\n\t${member}: &kinesisvideoarchivedmedia.${selType}{FragmentSelectorType: aws.String("${type}"),\n` +
        `\t\tTimestampRange: &kinesisvideoarchivedmedia.${rangeType}{\n\t\t\tStartTimestamp: aws.Time(time.Unix(${seconds[0]}, 0)), EndTimestamp: aws.Time(time.Unix(${seconds[1]}, 0))}}})\n` + then;
    }
    case "curl": {
      const path = { clip: "getClip", hls: "getHLSStreamingSessionURL", dash: "getDASHStreamingSessionURL", list: "listFragments", media: "listFragments" }[operation];
      const member = { clip: "ClipFragmentSelector", hls: "HLSFragmentSelector", dash: "DASHFragmentSelector", list: "FragmentSelector", media: "FragmentSelector" }[operation];
      const mode = operation === "hls" || operation === "dash" ? `"PlaybackMode":"ON_DEMAND",` : "";
      return `curl --aws-sigv4 "aws:amz:${c.region}:kinesisvideo" -u "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" ${c.endpoint}/${path} \\\n    -H 'Content-Type: application/json'${operation === "clip" ? ` -o ${c.name}.mp4` : ""} \\\n    -d '{"StreamName":"${c.name}",${mode}"${member}":{"FragmentSelectorType":"${type}",\n        "TimestampRange":{"StartTimestamp":${seconds[0]},"EndTimestamp":${seconds[1]}}}}'\n`;
    }
  }
  return "";
}

/** Snippets shows calls for a range, to copy. */
export class Snippets {
  readonly element: HTMLElement;
  private language: Language = "python";
  private operation: Operation = "clip";
  private code = h("code");
  private call: Call | null = null;

  constructor() {
    const language = choice<Language>("Language", [["python", "Python"], ["cli", "AWS CLI"], ["js", "JavaScript"], ["go", "Go"], ["curl", "curl"]], this.language, v => { this.language = v; this.render(); });
    const operation = choice<Operation>("Operation", [["clip", "Clip"], ["hls", "HLS"], ["dash", "DASH"], ["list", "Fragments"], ["media", "Media"]], this.operation, v => { this.operation = v; this.render(); });
    this.element = h("div", { class: "snippets" }, h("div", { class: "row" }, operation.element, language.element),
      h("div", { class: "code" }, h("pre", { tabindex: "0", "aria-label": "The call" }, this.code), button("Copy the call", { class: "quiet square", icon: "copy", text: false }, () => void copy(this.code.textContent ?? ""))),
      h("p", { class: "muted" }, "For the selected clip, or for what the timeline shows. SDKs send whole seconds."));
  }

  show(c: Call): void { this.call = c; this.render(); }
  private render(): void { if (this.call) this.code.textContent = snippet(this.language, this.operation, this.call); }
}
