// A proxy that damages what it passes on, to show that the judgements find it.
import {createServer} from 'node:http'

const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
const isList = (path) => path.includes('getHLSMediaPlaylist')
const isMedia = (path) => path.includes('getMP4MediaFragment')

// decodeTime is where a segment has its first decoding time, 64 bits.
const decodeTime = (b) => b.indexOf('tfdt') + 8

// damages are functions of an answer: {path, body, number, fetch}, where number counts segments of pictures in the order of the list, from
// 0. They return the body, or null for an answer of 404.
export const damages = {
  missing: ({number, body}) => number >= 3 ? null : body,
  slow: async ({path, body}) => { if (isMedia(path)) await sleep(3500); return body },
  // Pictures of the segment after: they come at the times of another.
  swapped: async ({number, body, next}) => {
    if (number < 3 || !next) return body
    const other = Buffer.from(await next())
    body.copy(other, decodeTime(other), decodeTime(body), decodeTime(body) + 8)
    return other
  },
  dates: ({path, body}) => isList(path) ? Buffer.from(body.toString().replace(/(PROGRAM-DATE-TIME:)(.*)/g,
    (_, name, date) => name + new Date(Date.parse(date) + 5000).toISOString())) : body,
  frozen: ({path, body, kept}) => {
    if (!isList(path)) return body
    const first = kept.get(path) ?? kept.set(path, {body, at: Date.now()}).get(path)
    return Date.now() - first.at < 8000 ? body : kept.get('last' + path) ?? kept.set('last' + path, body).get('last' + path)
  },
  // Lists are those of 20 seconds before.
  late: async ({path, body, kept}) => {
    if (!isList(path)) return body
    const all = kept.get(path) ?? kept.set(path, []).get(path)
    all.push({body, at: Date.now()})
    return (all.findLast((l) => Date.now() - l.at > 20_000) ?? all[0]).body
  },
  // From half a minute on pictures come too late for whoever seeks there.
  held: async ({number, body}) => { if (number >= 15) await sleep(30_000); return body },
}

// proxy starts one in front of a server.
export async function proxy(origin, damage) {
  const kept = new Map(), order = [] // segments of pictures, in the order of the list
  const server = createServer(async (request, response) => {
    try {
      const answer = await fetch(origin + request.url, {method: request.method})
      let body = Buffer.from(await answer.arrayBuffer()), status = answer.status
      if (isList(request.url)) {
        for (const line of body.toString().split('\n')) if (isMedia(line) && line.endsWith('TrackNumber=1') && !order.includes(`/hls/v1/${line}`)) order.push(`/hls/v1/${line}`)
      }
      const number = order.indexOf(request.url), after = number >= 0 ? order[number + 1] : undefined
      const next = after && (async () => (await fetch(origin + after)).arrayBuffer())
      body = await damages[damage]({path: request.url, body, number, next, kept})
      if (body === null) { status = 404; body = Buffer.alloc(0) }
      response.writeHead(status, {'Content-Type': answer.headers.get('content-type') ?? '', 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'no-store'})
      response.end(body)
    } catch {
      response.destroy()
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const here = `http://127.0.0.1:${server.address().port}`
  return {of: (url) => url.replace(origin, here), end: () => { server.close(); server.closeAllConnections() }}
}
