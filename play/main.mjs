// Plays streaming sessions of weir serve in real players, and judges what they show.
//
//	node main.mjs [--weir PATH] [--suite full|short|long|broken] [--only REGEXP] [--out DIR]
//
// It prints a line for each run, writes report.md and report.json into DIR, and exits with 1 when a run is not as it has to be.
import {mkdtemp, mkdir, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {parseArgs} from 'node:util'
import {launch} from './browser.mjs'
import {figures, judge} from './judge.mjs'
import {proxy} from './broken.mjs'
import {follow} from './manifest.mjs'
import {decode, judgeDecoded} from './other.mjs'
import {report} from './report.mjs'
import * as suites from './suites.mjs'
import {endAll, serve, session} from './weir.mjs'

const {values: flags} = parseArgs({options: {
  weir: {type: 'string', default: 'weir'}, suite: {type: 'string', default: 'full'}, only: {type: 'string', default: ''},
  out: {type: 'string', default: ''}, keep: {type: 'boolean', default: false},
}})
const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
const began = Date.now()
let ended // ends what main has started
const say = (text) => console.log(`${text} (${Math.round((Date.now() - began) / 1000)} s)`)

// page plays one run and returns its record.
async function page(p, url, r, limit) {
  await p.run(([name, to, settings]) => { globalThis.play(name, to, settings) }, [r.player, url, r.settings])
  const until = Date.now() + limit, least = Date.now() + (r.wall ?? 0) * 1000
  for (;;) {
    await sleep(500)
    const state = await p.run(() => globalThis.state())
    if (state.fatal || state.ended || state.played > r.seconds + 2 && Date.now() > least || Date.now() > until) break
  }
  for (const share of [0.2, 0.7, 0.45].slice(0, r.seeks)) {
    await p.run(([to, ms]) => globalThis.seek(to, true, ms), [share, 12_000])
    await sleep(1500)
  }
  return await p.run(() => globalThis.result())
}

// play opens a session, plays it in a page that is ready, and judges.
async function play(p, site, stream, source, r) {
  let end, between
  try {
    const first = source.media.pieces[0], last = source.media.pieces.at(-1)
    const to = r.mode === 'ON_DEMAND' ? last.at + last.count * 40 : undefined
    const url = await session(site.url, stream, {...r, from: r.mode === 'LIVE' ? undefined : first.at, to})
    const opened = Date.now()
    if (r.output === 'dash') end = follow(url)
    if (r.damage) between = await proxy(site.url, r.damage)
    const record = await page(p, between ? between.of(url) : url, r, (2 * r.seconds + r.stall + 20) * 1000)
    const want = {...r, media: source.media, noDates: r.player === 'native'}
    if (r.mode === 'LIVE_REPLAY') want.began = opened
    if (end) want.dates = await end()
    let wrong = judge(record, want)
    if (r.find) wrong = r.find.filter((name) => !wrong.some((w) => w.name === name)).map((name) => ({name, text: `it was not found, only ${wrong.map((w) => w.name)}`}))
    return {record, wrong, figures: figures(record, want)}
  } finally {
    await end?.()
    between?.end()
  }
}

// group uploads and plays what shares media, and returns the results.
async function group(browser, site, stream, g) {
  const pages = await Promise.all(g.runs.map(async (r) => {
    const p = await browser.page()
    await p.run((name) => globalThis.prepare(name), r.player)
    return p
  }))
  let source
  try {
    source = g.live ? await suites.live[g.live]({...site, stream, ...g}) : {media: await suites.recorded[g.recorded]({...site, stream}), ended: Promise.resolve()}
    if (g.live) await sleep(9000) // until there are some fragments
    return await Promise.all(g.runs.map(async (r, i) => {
      const result = {id: r.id, group: g.name, run: r}
      try {
        Object.assign(result, await play(pages[i], site, stream, source, r))
      } catch (error) {
        result.wrong = [{name: 'run', text: error.stack}]
      }
      tell(result)
      return result
    }))
  } finally {
    source?.cut?.()
    await source?.ended
    await Promise.all(pages.map((p) => p.end()))
  }
}

// other has ffmpeg or GStreamer play.
async function other(site, stream, source, r) {
  const result = {id: r.id, group: 'others', run: r}
  try {
    const {pieces} = source.media, last = pieces.at(-1)
    const live = r.mode === 'LIVE'
    const url = await session(site.url, stream, {...r, from: live ? undefined : pieces[0].at, to: r.mode === 'ON_DEMAND' ? last.at + last.count * 40 : undefined, max: r.mode === 'ON_DEMAND' ? undefined : 10})
    const seconds = r.mode === 'ON_DEMAND' ? undefined : live ? 60 : 25
    const got = await decode(r.player, url, {seconds})
    result.wrong = judgeDecoded(got, {media: source.media, whole: !seconds, seconds})
    result.decoded = {pictures: got.numbers.length, sound: got.sound, said: got.said}
  } catch (error) {
    result.wrong = [{name: 'run', text: error.stack}]
  }
  tell(result)
  return result
}

// playOthers plays what suites.others names: two at a time, those that go on live together.
async function playOthers(site, list) {
  const sources = new Map()
  const source = (what) => {
    if (!sources.has(what)) {
      const stream = 'o-' + what.replace(' ', '-')
      const uploaded = suites.recorded[what] ? suites.recorded[what]({...site, stream}) : suites.only({...site, stream}, ...what.split(' '))
      sources.set(what, uploaded.then((media) => ({stream, media})))
    }
    return sources.get(what)
  }
  const results = []
  const waiting = list.filter((r) => r.mode === 'ON_DEMAND')
  await Promise.all([0, 1].map(async () => {
    for (let r; (r = waiting.shift());) {
      const s = await source(r.what)
      results.push(await other(site, s.stream, s, r))
    }
  }))
  const live = list.filter((r) => r.mode === 'LIVE'), replay = list.filter((r) => r.mode === 'LIVE_REPLAY')
  if (live.length > 0) {
    const s = await suites.live.plain({...site, stream: 'o-live', seconds: 180})
    await sleep(9000)
    results.push(...await Promise.all(live.map((r) => other(site, 'o-live', s, r))))
    s.cut()
    await s.ended
  }
  const recorded = replay.length > 0 && await source('plain')
  results.push(...await Promise.all(replay.map((r) => other(site, recorded.stream, recorded, r))))
  return results
}

const tell = (result) => say(`${result.wrong.length === 0 ? 'ok   ' : 'FAIL '} ${result.id}${result.wrong.map((w) => `\n      ${w.name}: ${w.text}`).join('')}`)

async function main() {
  const dir = await mkdtemp(join(tmpdir(), 'weir-play-'))
  const out = flags.out && resolve(flags.out)
  const results = []
  let browser, site
  try {
    site = {...await serve(flags.weir, dir), weir: flags.weir, dir}
    browser = await launch()
    ended = async () => {
      await browser.end().catch(() => {})
      await rm(dir, {recursive: true, force: true})
    }
    say(`Chromium ${browser.version}`)
    const wanted = (list) => list.map((g) => ({...g, runs: g.runs.filter((r) => new RegExp(flags.only).test(r.id))})).filter((g) => g.runs.length > 0)
    const groups = wanted(flags.suite === 'full' ? [...suites.full(), ...suites.broken()] : suites[flags.suite]())
    const all = groups.map((g, i) => async () => { results.push(...await group(browser, site, `s${i}`, g)) })
    const others = flags.suite === 'short' || flags.suite === 'full' ? suites.others(flags.suite === 'short').filter((r) => new RegExp(flags.only).test(r.id)) : []
    all.push(async () => { results.push(...await playOthers(site, others)) })
    if (flags.suite === 'short') await Promise.all(all.map((f) => f()))
    else for (const f of all) await f()
    // A machine that is busy with something else makes pages stand still: what failed is played once more, and the report says so.
    await Promise.all([...results.entries()].map(async ([i, before]) => {
      const g = groups.find((g) => g.runs.includes(before.run))
      if (before.wrong.length === 0 || !g || flags.suite === 'long') return
      const [again] = await group(browser, site, `again-${i}`, {...g, runs: [before.run]})
      results[i] = {...again, before: before.wrong}
    }))
    const code = await site.end()
    if (code !== 0) throw new Error(`weir serve ended with code ${code}`)
  } finally {
    await browser?.end()
    endAll()
    if (flags.keep) console.log(`kept: ${dir}`)
    else await rm(dir, {recursive: true, force: true})
  }
  if (out) {
    await mkdir(out, {recursive: true})
    await writeFile(join(out, 'report.md'), report(results, browser.version))
    await writeFile(join(out, 'report.json'), JSON.stringify(results))
  }
  const failed = results.filter((r) => r.wrong.length > 0).length
  say(`${results.length} runs, ${failed} failed`)
  return failed > 0 || results.length === 0 ? 1 : 0
}

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) {
  process.once(signal, async () => {
    endAll()
    await ended?.()
    process.exit(code)
  })
}
process.exitCode = await main()
