// Plays one URL with one player and writes down what happens: which picture is shown at which media time, where the clock stands, errors.
// Nothing is judged here.
import {read, rate, strip, height, width} from './number.js'

const video = document.querySelector('video')
const canvas = new OffscreenCanvas(width, strip)
const context = canvas.getContext('2d', {willReadFrequently: true})
const record = {pictures: [], clock: [], errors: [], seeks: [], sizes: [], bad: 0, version: ''}
let player, date = () => null

const now = () => performance.timeOrigin + performance.now()
const fixed = (x, digits) => Number.isFinite(x) ? Number(x.toFixed(digits)) : null

function failed(fatal, text) {
  const last = record.errors.at(-1)
  if (last?.text === text && last.fatal === fatal) last.count++
  else if (record.errors.length < 100) record.errors.push({at: Math.round(now()), fatal, text: String(text).slice(0, 400), count: 1})
}

// look reads the picture that is shown. A VideoFrame has the picture and its time together, which the element by itself has not.
let shown = -1
function look() {
  const frame = new VideoFrame(video)
  try {
    const time = frame.timestamp / 1e6
    if (time === shown) return
    shown = time
    const {visibleRect: {width: w, height: h}} = frame
    const size = `${w}x${h}`
    if (record.sizes.at(-1) !== size) record.sizes.push(size)
    context.drawImage(frame, 0, 0, w, h * strip / height, 0, 0, width, strip)
    const {data} = context.getImageData(0, 0, width, strip)
    const n = read((x, y) => data[4 * (Math.floor(y * strip) * width + Math.floor(x * width))])
    if (n < 0) record.bad++
    const at = date()
    record.pictures.push([Math.round(now()), fixed(time, 4), n, at === null ? null : Math.round(at + 1000 * (time - video.currentTime))])
  } finally {
    frame.close()
  }
}

// Every fourth picture is read, and each of the first after a seek.
let skip = 0
function each() {
  video.requestVideoFrameCallback(() => {
    if (--skip <= 0) {
      skip = 4
      try { look() } catch (error) { failed(false, `picture: ${error}`) }
    }
    each()
  })
}
each()

let played = 0, before = 0
setInterval(() => {
  const ranges = video.seekable, step = video.currentTime - before
  before += step
  if (step > 0 && step < 1) played += step
  record.clock.push([Math.round(now()), fixed(video.currentTime, 3), video.readyState, video.seeking ? 1 : 0,
    ranges.length ? fixed(ranges.end(ranges.length - 1), 3) : null])
}, 200)

video.addEventListener('error', () => failed(true, `media: ${video.error?.code} ${video.error?.message}`))

const libraries = {
  'hls.js': '/lib/hls.js/dist/hls.min.js', 'dash.js': '/lib/dashjs/dist/modern/umd/dash.all.min.js', shaka: '/lib/shaka-player/dist/shaka-player.compiled.js',
}

const start = {
  'hls.js'(url, settings) {
    record.version = Hls.version
    player = new Hls(settings)
    player.on(Hls.Events.ERROR, (_, e) => failed(e.fatal, [e.type, e.details, e.response?.code, e.error?.message ?? e.reason].filter(Boolean).join(' ')))
    date = () => player.playingDate?.getTime() ?? null
    player.loadSource(url)
    player.attachMedia(video)
    video.play().catch(() => {})
  },
  'dash.js'(url, settings) {
    player = dashjs.MediaPlayer().create()
    record.version = player.getVersion()
    player.updateSettings({debug: {logLevel: 0}, ...settings})
    const {ERROR, PLAYBACK_ERROR} = dashjs.MediaPlayer.events
    // A segment that could not be had is asked for again, and so is the time; what dash.js gives up on leaves the picture standing.
    player.on(ERROR, (e) => failed(![16, 25, 26, 27, 28].includes(e.error?.code), `${e.error?.code} ${e.error?.message}`))
    player.on(PLAYBACK_ERROR, (e) => failed(true, `playback ${e.error?.code} ${e.error?.message}`))
    player.initialize(video, url, true)
  },
  async shaka(url, settings) {
    shaka.polyfill.installAll()
    record.version = shaka.Player.version
    player = new shaka.Player()
    await player.attach(video)
    player.configure(settings)
    const text = (e) => `${e.category}/${e.code} ${JSON.stringify(e.data ?? e.message)}`
    player.addEventListener('error', (e) => failed(e.detail.severity === shaka.util.Error.Severity.CRITICAL, text(e.detail)))
    date = () => player.getPlayheadTimeAsDate()?.getTime() ?? null
    try {
      await player.load(url)
      video.play().catch(() => {})
    } catch (e) {
      failed(true, e.code ? text(e) : e)
    }
  },
  native(url) {
    record.version = navigator.userAgent.match(/Chrome\/(\S+)/)?.[1]
    video.src = url
    video.play().catch(() => {})
  },
}

// prepare loads a player.
globalThis.prepare = (name) => libraries[name] && new Promise((resolve, reject) => {
  const s = document.createElement('script')
  s.onload = () => resolve()
  s.onerror = () => reject(new Error(`${name} was not loaded`))
  s.src = libraries[name]
  document.head.append(s)
})

// play begins. Times of everything that is written down are in milliseconds since 1970.
globalThis.play = async (name, url, settings) => {
  record.began = Math.round(now())
  try { await start[name](url, settings ?? {}) } catch (error) { failed(true, error) }
}

// seek goes to a time, or to a share of what can be sought in, and waits until pictures go on from there.
globalThis.seek = async (to, share, limit) => {
  const range = globalThis.range()
  const target = range && share ? range[0] + (range[1] - range[0]) * to : to
  const seek = {at: Math.round(now()), to: fixed(target, 3), first: null}
  record.seeks.push(seek)
  if (!Number.isFinite(target)) return seek
  skip = 0
  video.currentTime = target
  if (video.paused) video.play().catch(() => {})
  for (const end = performance.now() + limit; performance.now() < end; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const last = record.pictures.at(-1)
    if (!video.seeking && last && last[0] > seek.at && Math.abs(last[1] - target) < 1.5) {
      seek.first = last
      break
    }
    skip = 0
  }
  return seek
}

// range is what can be sought in.
globalThis.range = () => {
  if (player?.seekRange) {
    const {start, end} = player.seekRange()
    return end > start ? [start, end] : null
  }
  const details = player?.levels?.[player.currentLevel]?.details
  if (details) return [details.fragmentStart, details.edge]
  const window = player?.getDvrWindow?.()
  if (window && player.isDynamic()) return [window.start, window.end]
  const r = video.seekable
  return r.length && Number.isFinite(r.end(r.length - 1)) ? [r.start(0), r.end(r.length - 1)] : null
}

globalThis.state = () => ({fatal: record.errors.some((e) => e.fatal), ended: video.ended, shown: record.pictures.length, played})

globalThis.result = () => {
  const quality = video.getVideoPlaybackQuality()
  const buffered = []
  for (let i = 0; i < video.buffered.length; i++) buffered.push([fixed(video.buffered.start(i), 3), fixed(video.buffered.end(i), 3)])
  return {...record, rate, ended: video.ended, duration: fixed(video.duration, 3), buffered, range: globalThis.range(),
    decoded: quality.totalVideoFrames, dropped: quality.droppedVideoFrames, sound: video.webkitAudioDecodedByteCount}
}
globalThis.ready = true
