// The server, uploads and sessions.
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {createWriteStream} from 'node:fs'
import {join} from 'node:path'
import {createInterface} from 'node:readline'

const running = new Set()

function run(command, args, stdio) {
  const child = spawn(command, args, {stdio})
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.once('error', () => running.delete(child))
  return child
}

// serve starts a server of an empty archive below dir.
export async function serve(weir, dir, ...flags) {
  const child = run(weir, ['serve', '--data', join(dir, 'archive'), '--listen', '127.0.0.1:0', '--uploads-per-stream', '-1', ...flags], ['ignore', 'ignore', 'pipe'])
  const log = createWriteStream(join(dir, 'serve.log'))
  const lines = createInterface({input: child.stderr})
  const url = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`weir serve ended with code ${code}`)))
    lines.on('line', (line) => {
      log.write(line + '\n')
      const found = line.match(/msg=serving url=(\S+)/)
      if (found) resolve(found[1])
    })
  })
  return {url, async end() {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    return (await ended)[0]
  }}
}

// put uploads files, and resolves when all is acknowledged. start is in milliseconds since 1970.
export function put(weir, url, stream, files, {start, realtime = false, fragment = '2s'} = {}) {
  const args = ['put', '--endpoint', url, '--create', '--retention', '24h', '--fragment', fragment]
  if (start !== undefined) args.push('--start', (start / 1000).toFixed(3))
  if (realtime) args.push('--realtime')
  const child = run(weir, [...args, stream, ...files], ['ignore', 'ignore', 'pipe'])
  let said = ''
  child.stderr.on('data', (data) => { said = (said + data).slice(-2000) })
  const ended = once(child, 'exit').then(([code, signal]) => {
    if (code !== 0 && !child.cut) throw new Error(`weir put ${stream} ended with ${code ?? signal}: ${said}`)
  })
  ended.catch(() => {})
  return {ended, cut() { child.cut = true; child.kill('SIGTERM') }}
}

// call is one call of the API.
export async function call(url, operation, input) {
  const answer = await fetch(`${url}/${operation}`, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(input)})
  const body = await answer.json()
  if (!answer.ok) throw Object.assign(new Error(`${operation}: ${answer.status} ${answer.headers.get('x-amzn-errortype')}: ${body.Message ?? body.message}`),
    {type: answer.headers.get('x-amzn-errortype')})
  return body
}

// session opens one and returns its URL. from and to are in milliseconds since 1970.
export async function session(url, stream, {output, mode, by = 'PRODUCER_TIMESTAMP', from, to, max, discontinuity = 'ON_DISCONTINUITY', expires = 3600}) {
  const selector = {FragmentSelectorType: by}
  if (mode !== 'LIVE') selector.TimestampRange = {StartTimestamp: from / 1000, ...(to && {EndTimestamp: to / 1000})}
  const common = {StreamName: stream, PlaybackMode: mode, DisplayFragmentTimestamp: 'ALWAYS', Expires: expires}
  if (output === 'dash') {
    const input = {...common, DASHFragmentSelector: selector, DisplayFragmentNumber: 'ALWAYS', ...(max && {MaxManifestFragmentResults: max})}
    return (await call(url, 'getDASHStreamingSessionURL', input)).DASHStreamingSessionURL
  }
  const input = {...common, HLSFragmentSelector: selector, ContainerFormat: output === 'hls-ts' ? 'MPEG_TS' : 'FRAGMENTED_MP4', DiscontinuityMode: discontinuity,
    ...(max && {MaxMediaPlaylistFragmentResults: max})}
  return (await call(url, 'getHLSStreamingSessionURL', input)).HLSStreamingSessionURL
}

// endAll ends what still runs.
export function endAll() {
  for (const child of running) child.kill('SIGKILL')
}
