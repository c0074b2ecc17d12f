// The report of a matrix, as Markdown.

const number = (x, digits = 1) => x === null || x === undefined ? '' : x.toFixed(digits)

export function report(results, chromium) {
  const lines = ['# Players', '', `Chromium ${chromium}; ` +
    [...new Set(results.filter((r) => r.figures?.version && r.run.player !== 'native').map((r) => `${r.run.player} ${r.figures.version}`))].join(', '), '',
  `${results.length} runs, ${results.filter((r) => r.wrong.length > 0).length} failed. Times in seconds. Latency: how far the picture is behind the moment it was due.`, '',
  '| output | mode | player | media | result | played | first picture | stood still | latency | slowest seek | pictures decoded, dropped |',
  '|---|---|---|---|---|---|---|---|---|---|---|']
  for (const {run, wrong, figures: f, decoded, before} of results.filter((r) => !r.run.find)) {
    const cells = [run.output, run.mode, run.player, run.what, wrong.length === 0 ? before ? 'ok at the second try' : 'ok' : `**${[...new Set(wrong.map((w) => w.name))].join(', ')}**`]
    if (f) {
      cells.push(number(f.played), number(f.first), number(f.stalls.reduce((sum, s) => sum + s.length, 0)), f.latency ? `${number(f.latency.last)}, at most ${number(f.latency.most)}` : '',
        f.seeks.length > 0 ? number(Math.max(...f.seeks.map((s) => s.took ?? Infinity))) : '', `${f.decoded}, ${f.dropped}`)
    }
    if (decoded) cells.push(number(decoded.sound), '', '', '', '', `${decoded.pictures}`)
    while (cells.length < 11) cells.push('')
    lines.push(`| ${cells.join(' | ')} |`)
  }
  const broken = results.filter((r) => r.run.find)
  if (broken.length > 0) lines.push('', '## What has to be found wrong', '', '| what | judgements that have to fail | result |', '|---|---|---|')
  for (const {id, run, wrong} of broken) lines.push(`| ${id} | ${run.find.join(', ')} | ${wrong.length === 0 ? 'found' : `**not found: ${wrong.map((w) => w.name).join(', ')}**`} |`)
  const noted = results.filter((r) => !r.run.find && (r.wrong.length > 0 || r.before || r.figures?.errors.length > 0 || r.figures?.jumps.length > 0))
  if (noted.length > 0) lines.push('', '## Notes', '')
  for (const {id, wrong, figures: f, before} of noted) {
    lines.push(`- ${id}`)
    for (const w of before ?? []) lines.push(`  - at the first try: ${w.name}: ${w.text.split('\n')[0]}`)
    for (const w of wrong) lines.push(`  - ${w.name}: ${w.text.split('\n')[0]}`)
    for (const e of f?.errors ?? []) lines.push(`  - ${e.fatal ? 'fatal' : 'passing'} error, ${e.count} times: ${e.text}`)
    for (const j of f?.jumps ?? []) lines.push(`  - the clock went from ${j.from} to ${j.to}`)
  }
  return lines.join('\n') + '\n'
}
