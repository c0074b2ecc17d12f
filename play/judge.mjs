// Judges what a page wrote down. No browser is needed for it, so each judgement is tested with records that are wrong in one way.
import {rate} from './page/number.js'

const second = 1000

// media describes what was uploaded: pieces in order, {first, count, at}: picture numbers first..first+count-1, the first of them due at
// a time in milliseconds since 1970.
export function media(pieces) {
  let closed = 0
  pieces = pieces.map((p) => ({...p, closed: (closed += p.count / rate) - p.count / rate}))
  const pieceOf = (n) => pieces.findIndex((p) => n >= p.first && n < p.first + p.count)
  return {
    pieces, pieceOf,
    date: (n) => { const p = pieces[pieceOf(n)]; return p.at + (n - p.first) / rate * second },
    closed: (n) => { const p = pieces[pieceOf(n)]; return p.closed + (n - p.first) / rate }, // as if there were no gaps, in seconds
  }
}

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1]

// away tells whether a moment belongs to a seek.
const away = (record, at) => record.seeks.some((s) => at >= s.at - 100 && at <= (s.first ? s.first[0] + 400 : s.at + 15 * second))

// clockOf follows the media clock: how much was played, where it stood still and where it jumped.
export function clockOf(record) {
  const out = {played: 0, stalls: [], jumps: []}
  const begin = record.pictures[0]?.[0] ?? Infinity
  let before, standing
  for (const now of record.clock) {
    const [at, time, , seeking] = now
    if (at < begin) continue
    const skipped = away(record, at) || before && away(record, before[0])
    if (before && !skipped) {
      const wall = (at - before[0]) / second, step = time - before[1]
      if (step < -0.1 || step > 1.5 * wall + 0.3) out.jumps.push({at: before[0], from: before[1], to: time})
      else out.played += Math.max(step, 0)
      if (Math.abs(step) < 0.02 || seeking) {
        if (!standing) out.stalls.push(standing = {at: before[0], time, length: 0})
        standing.length += wall
      } else {
        standing = null
      }
    }
    if (skipped) standing = null
    before = now
  }
  if (record.ended) out.stalls = out.stalls.filter((s) => s !== standing)
  out.stalls = out.stalls.filter((s) => s.length > 0.35)
  return out
}

// judge returns what is wrong, as {name, text}. want has:
//
//	media     of what was uploaded
//	seconds   to be played
//	seeks     how many
//	stall     how long the clock may stand still in all, in seconds
//	jump      the longest jump of the clock, in seconds; 0: none
//	pieces    how many of media have to be seen
//	closed    gaps between pieces are closed; otherwise media time has them
//	sizes     how many sizes of pictures have to be seen
//	latency   how far the picture may be behind its time, in seconds: behind the producer or, where began is set, behind a producer that
//	          sent its first picture then; a player that took long to begin is behind by that
//	dates     what the manifest says about times, [{time, length, date}], where the player does not say it
//	dateError how far such a date may be from a picture's, in milliseconds
//	noDates   nothing says it
export function judge(record, want) {
  const wrong = []
  const say = (name, text) => wrong.push({name, text})
  const {media: m} = want

  for (const e of record.errors) if (e.fatal) say('fatal', e.text)

  const clock = clockOf(record)
  if (clock.played < want.seconds) say('played', `${clock.played.toFixed(1)} s of ${want.seconds} s`)
  const stalled = clock.stalls.reduce((sum, s) => sum + s.length, 0)
  if (stalled > want.stall) say('stall', `the clock stood still for ${stalled.toFixed(1)} s: ${clock.stalls.map((s) => `${s.length.toFixed(1)} s at ${s.time}`).join(', ')}`)
  const jumps = clock.jumps.filter((j) => Math.abs(j.to - j.from) > want.jump)
  if (jumps.length > 0) say('jump', jumps.map((j) => `from ${j.from} to ${j.to}`).join(', '))

  const seen = record.pictures.filter((p) => p[2] >= 0 && m.pieceOf(p[2]) >= 0)
  const strange = record.pictures.length - seen.length
  if (seen.length < want.seconds * 2) say('pictures', `${seen.length} were read`)
  if (strange > record.pictures.length * 0.01) say('pictures', `${strange} of ${record.pictures.length} are none that were sent`)
  if (record.decoded < 0.9 * rate * Math.min(clock.played, want.seconds)) say('pictures', `${record.decoded} were decoded in ${clock.played.toFixed(1)} s`)

  // Within a piece pictures and media times go together, before and after seeks.
  const offsets = m.pieces.map((p, i) => {
    const all = seen.filter((s) => m.pieceOf(s[2]) === i).map((s) => s[1] - (s[2] - p.first) / rate)
    const middle = all.length > 0 ? median(all) : null
    const off = all.filter((o) => Math.abs(o - middle) > 0.05)
    if (off.length > Math.max(1, all.length * 0.01)) say('times', `${off.length} of ${all.length} pictures of piece ${i} are off by up to ${Math.max(...off.map((o) => Math.abs(o - middle))).toFixed(2)} s`)
    return middle
  })
  for (let i = 1; i < offsets.length; i++) {
    if (offsets[i] === null || offsets[i - 1] === null) continue
    const p = m.pieces[i - 1], q = m.pieces[i]
    const distance = offsets[i] - offsets[i - 1], should = want.closed ? p.count / rate : (q.at - p.at) / second
    if (want.closed !== undefined && Math.abs(distance - should) > 0.15) say('gap', `piece ${i} begins ${distance.toFixed(2)} s behind piece ${i - 1}, not ${should.toFixed(2)} s`)
  }
  const pieces = offsets.filter((o) => o !== null).length
  if (pieces < want.pieces) say('pieces', `${pieces} of ${want.pieces} were seen`)
  if (new Set(record.sizes).size < (want.sizes ?? 1)) say('sizes', `only ${record.sizes.join(' ')}`)

  // The date of a picture, as the playlist or the manifest has it.
  if (!want.noDates) {
    const dated = [], begin = seen[0]?.[0] ?? 0
    let asked = 0
    for (const s of seen) {
      if (away(record, s[0]) || s[0] < begin + 6 * second) continue // what a player says is late by a moment then
      asked++
      let dates = s[3] === null ? [] : [s[3]]
      if (want.dates) dates = want.dates.filter((d) => s[1] >= d.time - 0.05 && s[1] < d.time + d.length + 0.05).map((d) => d.date + (s[1] - d.time) * second)
      if (dates.length > 0) dated.push(Math.min(...dates.map((d) => Math.abs(d - m.date(s[2])))))
    }
    const off = dated.filter((d) => d > want.dateError)
    if (asked === 0 || dated.length < asked / 2) say('dates', `${dated.length} of ${asked} pictures have a date`)
    if (off.length > dated.length * 0.03) say('dates', `${off.length} of ${dated.length} are wrong by up to ${(Math.max(...off) / second).toFixed(2)} s`)
  }

  if (want.seeks) {
    if (record.seeks.length < want.seeks) say('seeks', `${record.seeks.length} of ${want.seeks}`)
    for (const s of record.seeks) {
      if (!s.first) say('seeks', `no picture came at ${s.to}`)
      else if (s.first[0] - s.at > 8 * second) say('seeks', `the first picture at ${s.to} came after ${((s.first[0] - s.at) / second).toFixed(1)} s`)
    }
  }

  if (want.latency && seen.length > 0) {
    // At the end, before anybody sought.
    const until = record.seeks[0]?.at ?? Infinity
    const behind = seen.filter((s) => s[0] < until).map((s) => latencyOf(want, s))
    const slow = (seen[0][0] - record.began) / second // it took long to begin
    const last = behind.length > 10 ? median(behind.slice(-10)) : behind.at(-1)
    for (const [i, p] of m.pieces.entries()) { // it has come back to the edge by the end of each piece
      const late = seen.filter((s) => s[0] < until && m.pieceOf(s[2]) === i && s[2] > p.first + p.count / 2).slice(-10).map((s) => latencyOf(want, s))
      if (i < m.pieces.length - 1 && late.length > 5 && median(late) > want.latency + 3 + slow) say('edge', `the picture is ${median(late).toFixed(1)} s behind at the end of piece ${i}`)
    }
    if (last === undefined || last > want.latency + slow || last < -want.latency) say('edge', `the picture is ${last?.toFixed(1)} s behind its time`)
  }

  if (want.sound !== false && !(record.sound > 1000)) say('sound', `${record.sound} bytes of it were decoded`)
  return wrong
}

// latencyOf is how far a picture is behind its time, in seconds.
function latencyOf(want, [at, , n]) {
  if (want.began === undefined) return (at - want.media.date(n)) / second
  return (at - want.began) / second - (want.media.closed(n) - want.media.closed(want.from ?? want.media.pieces[0].first))
}

// figures are what a report tells of a run.
export function figures(record, want) {
  const clock = clockOf(record)
  const until = record.seeks[0]?.at ?? Infinity
  const seen = record.pictures.filter((p) => p[2] >= 0 && want.media.pieceOf(p[2]) >= 0 && p[0] < until)
  const behind = want.latency ? seen.map((s) => latencyOf(want, s)) : []
  return {
    version: record.version, played: clock.played, first: record.pictures.length > 0 ? (record.pictures[0][0] - record.began) / second : null,
    stalls: clock.stalls, jumps: clock.jumps, pictures: record.pictures.length, decoded: record.decoded, dropped: record.dropped,
    latency: behind.length > 0 ? {first: behind[0], last: behind.at(-1), most: Math.max(...behind)} : null,
    seeks: record.seeks.map((s) => ({to: s.to, took: s.first ? (s.first[0] - s.at) / second : null})), sizes: [...new Set(record.sizes)],
    errors: record.errors, sound: record.sound,
  }
}
