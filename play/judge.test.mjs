// Each judgement has to fail where one thing is wrong, and all of them have to pass where nothing is. node --test runs this.
import assert from 'node:assert/strict'
import test from 'node:test'
import {judge, media} from './judge.mjs'
import {segments} from './manifest.mjs'
import {draw, height, read, strip, width} from './page/number.js'

const at = 1_700_000_000_000 // of picture 0
const gap = 600
const one = media([{first: 0, count: 2000, at}])
const two = media([{first: 0, count: 250, at}, {first: 15_250, count: 1000, at: at + (10 + gap) * 1000}])
const wanted = {media: one, seconds: 20, seeks: 1, stall: 1, jump: 0, pieces: 1, latency: 10, dateError: 100}

// good is the record of a run that plays from picture 50 on, 6 s behind the producer, and then seeks back.
function good(m = one, closed = false) {
  const r = {pictures: [], clock: [], errors: [], seeks: [], sizes: ['320x180'], decoded: 700, dropped: 0, sound: 50_000, ended: false, began: at + 7000, version: '1'}
  const shown = (wall, time) => {
    let n = Math.floor(time * 25)
    if (closed && n >= 250) n += gap * 25
    r.pictures.push([wall, Math.floor(time * 25) / 25, n, m.date(n)])
  }
  let wall = at + 8000, time = 2
  for (; time < 24; time += 0.2, wall += 200) {
    r.clock.push([wall, time, 4, 0, 30])
    shown(wall, time)
  }
  r.seeks.push({at: wall, to: 5, first: null})
  for (wall += 300, time = 5; time < 7; time += 0.2, wall += 200) {
    r.clock.push([wall, time, 4, 0, 30])
    shown(wall, time)
  }
  r.seeks[0].first = r.pictures.find((p) => p[0] > r.seeks[0].at)
  return r
}

const names = (record, want) => [...new Set(judge(record, want).map((w) => w.name))]

test('a run that is right', () => {
  assert.deepEqual(judge(good(), wanted), [])
  assert.deepEqual(judge(good(two, true), {...wanted, media: two, pieces: 2, closed: true, latency: undefined}), [])
  assert.deepEqual(judge({...good(), errors: [{fatal: false, text: 'a segment was asked for again', count: 1}]}, wanted), [])
})

const from = (r, i, f) => r.pictures.slice(i).forEach(f)
const faults = [
  ['an error that ends it', ['fatal'], (r) => r.errors.push({fatal: true, text: 'decode', count: 1})],
  ['it ends early', ['played'], (r) => { r.clock = r.clock.filter((c) => c[1] < 18); r.pictures = r.pictures.filter((p) => p[1] < 18) }],
  ['the clock stands still', ['stall'], (r) => { for (const list of [r.clock, r.pictures]) for (const x of list) if (x[0] > at + 15_000) x[0] += 3000; for (const s of r.seeks) s.at += 3000; for (let i = 0; i < 16; i++) r.clock.splice(36 + i, 0, [at + 15_000 + i * 180, r.clock[35][1], 2, 0, 30]) }],
  ['the clock jumps ahead', ['jump'], (r) => { for (const c of r.clock) if (c[0] > at + 15_000 && c[0] < r.seeks[0].at) c[1] += 2 }],
  ['the clock jumps back', ['jump'], (r) => { for (const c of r.clock) if (c[0] > at + 29_000 && c[0] < r.seeks[0].at) c[1] -= 1 }],
  ['no picture can be read', ['pictures', 'pieces', 'dates', 'seeks'], (r) => { r.pictures.forEach((p) => { p[2] = -1 }); r.seeks[0].first = null }, ['pictures']],
  ['some pictures cannot be read', ['pictures'], (r) => from(r, 100, (p) => { p[2] = -1 })],
  ['pictures of something else', ['pictures'], (r) => from(r, 100, (p) => { p[2] = 3000 })],
  ['pictures are missing', ['pictures'], (r) => { r.decoded = 300 }],
  ['pictures come too early', ['times'], (r) => from(r, 90, (p) => { p[2] += 3; p[3] += 120 })],
  ['a picture of another place after a seek', ['times'], (r) => from(r, 110, (p) => { p[2] += 50; p[3] += 2000 })],
  ['dates are wrong', ['dates'], (r) => r.pictures.forEach((p) => { p[3] += 500 })],
  ['there are no dates', ['dates'], (r) => r.pictures.forEach((p) => { p[3] = null })],
  ['no picture after a seek', ['seeks'], (r) => { r.seeks[0].first = null }],
  ['a seek that was not made', ['seeks'], (r) => { r.seeks = []; r.clock = r.clock.filter((c) => c[0] < at + 30_000); r.pictures = r.pictures.filter((p) => p[0] < at + 30_000) }],
  ['a slow seek', ['seeks'], (r) => { r.seeks[0].first = [r.seeks[0].at + 9000, ...r.seeks[0].first.slice(1)] }],
  ['far behind the edge', ['edge'], (r) => { for (const list of [r.clock, r.pictures]) for (const x of list) x[0] += 20_000; r.seeks[0].at += 20_000; r.began += 20_000 }],
  ['it falls behind', ['edge', 'stall'], (r) => { for (const list of [r.clock, r.pictures]) for (const x of list) if (x[0] > at + 15_000) x[0] += 9000; r.seeks[0].at += 9000; for (let i = 1; i < 45; i++) r.clock.splice(35 + i, 0, [at + 15_000 + i * 200, r.clock[35][1], 2, 0, 30]) }, ['edge']],
  ['no sound', ['sound'], (r) => { r.sound = 0 }],
]
for (const [what, want, damage, least = want] of faults) {
  test(what, () => {
    const r = good()
    damage(r)
    const got = names(r, wanted)
    assert.ok(least.every((name) => got.includes(name)), `got ${JSON.stringify(judge(r, wanted))}`)
    assert.ok(got.every((name) => want.includes(name)), `got ${JSON.stringify(judge(r, wanted))}`)
  })
}

test('gaps', () => {
  const want = {...wanted, media: two, pieces: 2, closed: true, latency: undefined}
  const open = good(two, true)
  for (const p of open.pictures) if (p[2] >= 15_250) p[1] += gap
  assert.deepEqual(names(open, want), ['gap'])
  assert.deepEqual(names(open, {...want, closed: false}), [])
  assert.deepEqual(names(good(two, true), {...want, closed: false}), ['gap'])
  const before = good(two, true)
  before.pictures = before.pictures.filter((p) => p[2] < 250)
  assert.deepEqual(names(before, want), ['pieces'])
})

test('sizes', () => {
  assert.deepEqual(names(good(), {...wanted, sizes: 2}), ['sizes'])
  assert.deepEqual(names({...good(), sizes: ['320x180', '256x144']}, {...wanted, sizes: 2}), [])
})

test('dates of a manifest', () => {
  const dates = (late) => Array.from({length: 15}, (_, i) => ({time: 2 * i, length: 2, date: at + 2000 * i + late}))
  const silent = good()
  for (const p of silent.pictures) p[3] = null
  assert.deepEqual(judge(silent, {...wanted, dates: dates(0)}), [])
  assert.deepEqual(names(silent, {...wanted, dates: dates(600)}), ['dates'])
  assert.deepEqual(names(silent, {...wanted, dates: []}), ['dates'])
})

test('a replay is measured from its begin', () => {
  const want = {...wanted, began: at + 3000, latency: 6}
  assert.deepEqual(judge(good(), want), [])
  assert.deepEqual(names(good(), {...want, began: at - 10_000}), ['edge'])
})

test('numbers in pictures', () => {
  const grey = Buffer.alloc(width * height)
  const level = (x, y) => grey[Math.floor(y * strip) * width + Math.floor(x * width)]
  for (const n of [0, 1, 2, 1023, 15_250, 99_999, 2 ** 20 - 1]) {
    draw(grey, n)
    assert.equal(read(level), n)
  }
  draw(grey, 1234)
  for (let y = 0; y < strip / 2; y++) grey.fill(235, y * width, y * width + 20) // one square is another
  assert.equal(read(level), -1)
  grey.fill(128)
  assert.equal(read(level), -1)
})

test('segments of an MPD', () => {
  const mpd = `<MPD><Period id="a" start="PT0S"><AdaptationSet contentType="audio"><SegmentTemplate timescale="8000"><SegmentTimeline><S t="1" d="2"/></SegmentTimeline></SegmentTemplate></AdaptationSet>
<AdaptationSet contentType="video"><Representation><SegmentTemplate timescale="1000" presentationTimeOffset="10000"><SegmentTimeline><S t="10000" d="2000" kvs:ts="100.5"/><S d="1000" kvs:ts="102.5"/>
</SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period><Period start="PT1M3.5S"><AdaptationSet contentType="video"><SegmentTemplate timescale="10" presentationTimeOffset="130"><SegmentTimeline><S t="135" d="20"/>
</SegmentTimeline></SegmentTemplate></AdaptationSet></Period></MPD>`
  assert.deepEqual(segments(mpd), [{time: 0, length: 2, date: 100_500}, {time: 2, length: 1, date: 102_500}, {time: 64, length: 2, date: null}])
})
