// Chromium, and the server of the page that plays. The page has an origin of its own, so that the media needs CORS as it does for users.
import {createServer} from 'node:http'
import {mkdtemp, readFile, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join, normalize} from 'node:path'
import {fileURLToPath} from 'node:url'
import {chromium} from 'playwright-core'

const here = fileURLToPath(new URL('.', import.meta.url))
const types = {html: 'text/html', js: 'text/javascript'}

async function pages() {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://page').pathname))
    const file = path.startsWith('/lib/') ? join(here, 'node_modules', path.slice(5)) : join(here, 'page', path === '/' ? 'index.html' : path)
    try {
      const body = await readFile(file)
      response.writeHead(200, {'Content-Type': types[file.split('.').pop()] ?? 'application/octet-stream'})
      response.end(body)
    } catch {
      response.writeHead(404)
      response.end()
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {url: `http://127.0.0.1:${server.address().port}`, end: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections() })}
}

// open starts Chromium: CHROMIUM, or Debian's.
export async function launch() {
  const site = await pages()
  const profile = await mkdtemp(join(tmpdir(), 'weir-chromium-'))
  const args = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--mute-audio', '--autoplay-policy=no-user-gesture-required', '--disable-dev-shm-usage', '--no-sandbox', `--disk-cache-dir=${join(profile, 'cache')}`]
  const browser = await chromium.launch({executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true, args,
    handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false})
  let opening = Promise.resolve()
  const open = async () => {
    const context = await browser.newContext({viewport: {width: 340, height: 200}})
    context.setDefaultTimeout(150_000)
    const page = await context.newPage()
    await page.goto(site.url)
    await page.waitForFunction('globalThis.ready')
    return {
      run: (f, ...a) => page.evaluate(f, ...a),
      end: () => context.close(),
    }
  }
  return {
    version: browser.version(),
    // page opens a window of its own, for pages in the background are slowed down; one after the other, for each starts processes.
    page() {
      const page = opening.then(open)
      opening = page.catch(() => {})
      return page
    },
    async end() {
      await browser.close()
      await site.end()
      await rm(profile, {recursive: true, force: true})
    },
  }
}
