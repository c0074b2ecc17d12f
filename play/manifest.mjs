// What an MPD says about times.

const seconds = (iso) => {
  const [, h, m, s] = iso?.match(/^PT(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?$/) ?? []
  return (h ?? 0) * 3600 + (m ?? 0) * 60 + Number(s ?? 0)
}
const attribute = (tag, name) => tag.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1]

// segments returns the segments of pictures of an MPD of a session with DisplayFragmentTimestamp: {time, length} on the media timeline in
// seconds, date in milliseconds since 1970.
export function segments(mpd) {
  const out = []
  for (const period of mpd.split(/(?=<Period[\s>])/).slice(1)) {
    const start = seconds(attribute(period.slice(0, period.indexOf('>')), 'start'))
    const set = period.split(/(?=<AdaptationSet[\s>])/).slice(1).find((s) => /contentType="video"/.test(s)) ?? period
    const template = set.match(/<SegmentTemplate[^>]*>/)?.[0] ?? ''
    const scale = Number(attribute(template, 'timescale')), origin = Number(attribute(template, 'presentationTimeOffset') ?? 0)
    let t = 0
    for (const [s] of set.matchAll(/<S\s[^>]*>/g)) {
      t = Number(attribute(s, 't') ?? t)
      const d = Number(attribute(s, 'd')), ts = attribute(s, 'kvs:ts')
      out.push({time: start + (t - origin) / scale, length: d / scale, date: ts === undefined ? null : Number(ts) * 1000})
      t += d
    }
  }
  return out
}

// follow reads the MPD every two seconds until end is called, which returns all segments that it ever had.
export function follow(url) {
  const all = new Map()
  const read = async () => {
    const answer = await fetch(url)
    const text = await answer.text()
    if (answer.ok) for (const s of segments(text)) all.set(s.time.toFixed(3), s)
  }
  let last = read().catch(() => {})
  const timer = setInterval(() => { last = read().catch(() => {}) }, 2000)
  return async () => {
    clearInterval(timer)
    await last
    return [...all.values()]
  }
}
