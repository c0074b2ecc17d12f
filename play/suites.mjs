// What is played: groups of runs that share their media. Each group has prepare, which uploads, and runs.
import {join} from 'node:path'
import {media} from './judge.mjs'
import {pattern} from './pattern.mjs'
import {rate} from './page/number.js'
import {put} from './weir.mjs'

const players = {'hls-fmp4': ['hls.js', 'shaka', 'native'], 'hls-ts': ['hls.js', 'shaka', 'native'], dash: ['dash.js', 'shaka']}
const outputs = Object.keys(players)
const gap = 600, pause = 40 // seconds
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// made keeps what has been made, so that groups share files.
const made = new Map()
function make(dir, name, options) {
  if (!made.has(name)) made.set(name, pattern(join(dir, `${name}.mkv`), options))
  return made.get(name)
}

const piece = (first, seconds, at) => ({first, count: seconds * rate, at})

// recorded are streams that are there before anybody plays. Their media is an hour old.
export const recorded = {
  async plain({weir, url, dir, stream}) {
    const at = Math.floor(Date.now() / 1000) * 1000 - 3_600_000, seconds = 90
    const file = await make(dir, `plain-${seconds}`, {seconds})
    await put(weir, url, stream, [file], {start: at}).ended
    return media([piece(0, seconds, at)])
  },
  async gap({weir, url, dir, stream}) {
    const at = Math.floor(Date.now() / 1000) * 1000 - 3_600_000, first = (14 + gap) * rate
    const files = [await make(dir, 'before-gap', {seconds: 14}), await make(dir, 'behind-gap', {first, seconds: 50, offset: 14 + gap})]
    await put(weir, url, stream, files, {start: at}).ended
    return media([piece(0, 14, at), piece(first, 50, at + (14 + gap) * 1000)])
  },
  async change({weir, url, dir, stream}) {
    const at = Math.floor(Date.now() / 1000) * 1000 - 3_600_000, first = 14 * rate
    const files = [await make(dir, 'before-change', {seconds: 14}), await make(dir, 'behind-change', {first, seconds: 50, size: '256x144'})]
    await put(weir, url, stream, files, {start: at}).ended
    return media([piece(0, 14, at), piece(first, 50, at + 14_000)])
  },
}

// Media that is not what it is said to be.
Object.assign(recorded, {
  async silent({weir, url, dir, stream}) {
    const at = Math.floor(Date.now() / 1000) * 1000 - 3_600_000
    await put(weir, url, stream, [await make(dir, 'silent', {seconds: 30, audio: null})], {start: at}).ended
    return media([piece(0, 30, at)])
  },
  async skipped({weir, url, dir, stream}) {
    const at = Math.floor(Date.now() / 1000) * 1000 - 3_600_000
    await put(weir, url, stream, [await make(dir, 'skipped', {seconds: 30, skip: {from: 150, by: 10}})], {start: at}).ended
    return media([piece(0, 40, at)])
  },
})

// only is media that Chromium cannot decode: ffmpeg and GStreamer play it.
export const only = async ({weir, url, dir, stream}, video, audio) => {
  const at = Math.floor(Date.now() / 1000) * 1000 - 3_600_000, seconds = 12
  await put(weir, url, stream, [await make(dir, `${video}-${audio}`, {seconds, video, audio})], {start: at}).ended
  return media([piece(0, seconds, at)])
}

// live are producers that send while others play. They resolve with what they will have sent, and end by themselves.
export const live = {
  async plain({weir, url, dir, stream, seconds}) {
    const file = await make(dir, `live-${seconds}`, {seconds})
    const at = Date.now()
    const upload = put(weir, url, stream, [file], {start: at, realtime: true})
    return {media: media([piece(0, seconds, at)]), ended: upload.ended, cut: upload.cut}
  },
  // gaps sends parts of so many seconds, with nothing for pause seconds between them, as a camera does whose network is away.
  async gaps({weir, url, dir, stream, parts, pause}) {
    const files = await Promise.all(parts.map((seconds, i) => make(dir, `part-${i}-${seconds}`, {first: i * 100_000, seconds})))
    const began = Date.now()
    const pieces = parts.map((seconds, i) => piece(i * 100_000, seconds, began))
    const out = {media: media(pieces)}
    out.ended = (async () => {
      for (let i = 0; i < parts.length && !out.over; i++) {
        pieces[i].at = Date.now()
        out.media = media(pieces)
        const upload = put(weir, url, stream, [files[i]], {start: pieces[i].at, realtime: true})
        out.cut = () => { out.over = true; upload.cut() }
        await upload.ended
        if (i + 1 < parts.length && !out.over) await sleep(pause * 1000)
      }
    })()
    out.ended.catch(() => {})
    return out
  },
  async change({weir, url, dir, stream, seconds}) {
    const before = 40, first = before * rate
    const files = [await make(dir, `before-change-${before}`, {seconds: before}), await make(dir, `behind-change-${before}`, {first, seconds, size: '256x144'})]
    const at = Date.now()
    const upload = put(weir, url, stream, files, {start: at, realtime: true})
    return {media: media([piece(0, before, at), piece(first, seconds, at + before * 1000)]), ended: upload.ended, cut: upload.cut}
  },
}

// settings are what a player needs beside its defaults; docs/players.md says why.
const settings = (output, mode, player) => mode === 'LIVE_REPLAY' && player === 'shaka' && output !== 'dash' ? {manifest: {availabilityWindowOverride: 30}} : {}

// run describes one page.
function run(output, mode, player, what, more = {}) {
  const r = {
    id: `${output} ${mode} ${player}${what === 'plain' ? '' : ` ${what}`}`, output, mode, player, what, settings: settings(output, mode, player),
    seconds: mode === 'LIVE' ? 60 : 25, seeks: 3, stall: 1.5, jump: 0, dateError: 250, pieces: what === 'plain' ? 1 : 2, sizes: what === 'change' ? 2 : 1,
    discontinuity: player === 'native' ? 'NEVER' : player === 'shaka' ? 'ALWAYS' : 'ON_DISCONTINUITY', max: mode === 'ON_DEMAND' ? undefined : 15, ...more,
  }
  if (mode !== 'ON_DEMAND') r.latency = 20
  // What comes live is looked at by the server's clock, which is the default: that of arrivals, up to two fragments behind the pictures.
  if (mode === 'LIVE' && what === 'plain' && player !== 'native') Object.assign(r, {by: 'SERVER_TIMESTAMP', discontinuity: 'ALWAYS', dateError: 4000})
  // In a list that grows Chromium offers nothing to seek in, and its clock begins before the first picture is there.
  if (mode !== 'ON_DEMAND' && player === 'native') Object.assign(r, {seeks: 0, jump: 1.2})
  if (what === 'gap') r.closed = true
  if (what === 'gap') r.stall = 2
  // hls.js may go back to the live edge. In HLS Shaka Player keeps its clock going, and steps on by 5 s at a time at the back of its window
  // until there is media again: the shorter the window, the sooner.
  if (what === 'stall') Object.assign(r, {stall: pause + 15, seeks: 0, jump: output === 'dash' ? 0 : 5})
  if (what === 'stall' && output !== 'dash' && player === 'shaka') Object.assign(r, {max: 5, jump: pause})
  if (what === 'gaps') Object.assign(r, {seeks: 0, pieces: 6, seconds: 400, stall: 5 * 30 + 30, wall: 600})
  if (what === 'change' && output === 'hls-ts') r.stall = 2
  return r
}

// marks tells whether Chromium's own player can play what.
const plays = (player, what) => player !== 'native' || what === 'plain'

export function full() {
  const groups = []
  for (const what of ['plain', 'stall', 'change']) {
    groups.push({name: `live ${what}`, live: what === 'stall' ? 'gaps' : what, seconds: 180, parts: [40, 180], pause,
      runs: outputs.flatMap((o) => players[o].filter((p) => plays(p, what)).map((p) => run(o, 'LIVE', p, what)))})
  }
  for (const what of ['plain', 'gap', 'change']) {
    for (const mode of ['LIVE_REPLAY', 'ON_DEMAND']) {
      groups.push({name: `${mode} ${what}`, recorded: what, runs: outputs.flatMap((o) => players[o].filter((p) => plays(p, what)).map((p) => run(o, mode, p, what)))})
    }
  }
  return groups
}

// broken is what has to fail, each run by the judgements that it names.
export function broken() {
  const runs = (mode, what, list, more) => list.map(([name, find, damage]) => ({...run('hls-fmp4', mode, 'hls.js', what, {seconds: 18, seeks: 1, by: undefined,
    discontinuity: 'ON_DISCONTINUITY', dateError: 250, ...more}), id: `broken ${name}`, find, damage}))
  return [
    {name: 'broken', recorded: 'plain', runs: runs('ON_DEMAND', 'plain', [['segments are missing', ['played'], 'missing'], ['segments are slow', ['stall'], 'slow'],
      ['pictures of another segment', ['times'], 'swapped'], ['dates of another time', ['dates'], 'dates']], {seconds: 12}).concat(
      runs('ON_DEMAND', 'plain', [['nothing at a seek', ['seeks'], 'held']], {seconds: 12, seeks: 2}))}, // the second seek is the one
    {name: 'broken, live', live: 'plain', seconds: 180, runs: runs('LIVE', 'plain', [['a list that does not grow', ['played'], 'frozen'], ['a list that is late', ['edge'], 'late']], {seconds: 25, latency: 20})},
    {name: 'broken, silent', recorded: 'silent', runs: runs('ON_DEMAND', 'plain', [['no sound', ['sound']]])},
    {name: 'broken, skipped', recorded: 'skipped', runs: runs('ON_DEMAND', 'plain', [['numbers that skip', ['times', 'dates']]])},
    {name: 'broken, a gap that is not closed', recorded: 'gap', runs: runs('ON_DEMAND', 'gap', [['a gap without a mark', ['stall']]], {discontinuity: 'NEVER', pieces: 2, seeks: 0})},
  ]
}

// others are the runs of ffmpeg and GStreamer: media as recorded has it, or of codecs that Chromium has not.
export function others(short) {
  const list = []
  const add = (output, mode, what, players) => { for (const player of players) list.push({id: `${output} ${mode} ${player} ${what}`, output, mode, player, what}) }
  const both = ['ffmpeg', 'gstreamer']
  add('hls-fmp4', 'ON_DEMAND', 'hevc aac', both)
  add('dash', 'ON_DEMAND', 'h264 alaw', both)
  if (short) return list
  add('hls-ts', 'ON_DEMAND', 'hevc aac', both)
  add('dash', 'ON_DEMAND', 'hevc aac', both)
  add('dash', 'ON_DEMAND', 'h264 mulaw', both)
  add('dash', 'ON_DEMAND', 'hevc alaw', both)
  for (const output of outputs) {
    add(output, 'ON_DEMAND', 'plain', both)
    add(output, 'ON_DEMAND', 'gap', both)
    if (output !== 'dash') add(output, 'ON_DEMAND', 'change', both) // neither plays a second Period of another codec record
    if (output === 'dash') continue // ffmpeg takes indexes for numbers when it reads a live MPD again, and repeats segments
    add(output, 'LIVE_REPLAY', 'plain', ['ffmpeg'])
    add(output, 'LIVE', 'plain', ['ffmpeg'])
  }
  return list
}

// long is one live session of ten minutes with five gaps, with few segments in its manifest and with more.
export function long() {
  const runs = [5, 15].flatMap((max) => players.dash.map((p) => {
    const r = run('dash', 'LIVE', p, 'gaps', {max})
    return {...r, id: `${r.id} ${max} segments`}
  }))
  return [{name: 'long', live: 'gaps', parts: [75, 75, 75, 75, 75, 90], pause: 30, runs}]
}

// short is what every change of the project is tested with: each output in each mode, and a gap.
export function short() {
  const first = {'hls-fmp4': 'hls.js', 'hls-ts': 'hls.js', dash: 'dash.js'}
  const other = {'hls-fmp4': 'shaka', 'hls-ts': 'shaka', dash: 'shaka'}
  const runs = (mode, choice) => outputs.map((o) => run(o, mode, choice[o], 'plain', {seconds: 21}))
  return [
    {name: 'live', live: 'plain', seconds: 180, runs: runs('LIVE', first)},
    {name: 'replay', recorded: 'plain', runs: runs('LIVE_REPLAY', other)},
    {name: 'on demand', recorded: 'plain', runs: runs('ON_DEMAND', first)},
    {name: 'gap', recorded: 'gap', runs: [run('dash', 'LIVE_REPLAY', 'dash.js', 'gap', {seconds: 21})]},
  ]
}
