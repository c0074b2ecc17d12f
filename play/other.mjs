// Players without a page: ffmpeg and GStreamer. They decode what Chromium cannot (H.265, G.711), and every picture is looked at.
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {height, rate, read, strip, width} from './page/number.js'

const soundRate = 8000 // to which sound is converted, 16 bits and one channel

const commands = {
  ffmpeg: (url, seconds) => ['ffmpeg', ['-v', 'error', '-nostdin', ...(seconds ? ['-t', String(seconds)] : []), '-i', url,
    '-map', '0:v:0', '-fps_mode', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${width}x${height}`, 'pipe:3',
    '-map', '0:a:0', '-f', 's16le', '-ar', String(soundRate), '-ac', '1', 'pipe:4']],
  gstreamer: (url) => ['gst-launch-1.0', ['-q', 'uridecodebin', `uri=${url}`, 'name=d',
    'd.', '!', 'queue', 'max-size-time=0', 'max-size-buffers=0', 'max-size-bytes=0', '!', 'videoconvert', '!', 'videoscale', '!',
    `video/x-raw,format=GRAY8,width=${width},height=${height}`, '!', 'fdsink', 'fd=3', 'sync=false',
    'd.', '!', 'queue', 'max-size-time=0', 'max-size-buffers=0', 'max-size-bytes=0', '!', 'audioconvert', '!', 'audioresample', '!',
    `audio/x-raw,format=S16LE,rate=${soundRate},channels=1`, '!', 'fdsink', 'fd=4', 'sync=false']],
}

// decode plays a URL as fast as it goes and returns the numbers of its pictures and how many seconds of sound there were.
export async function decode(player, url, {seconds, limit = 120} = {}) {
  const [command, args] = commands[player](url, seconds)
  const child = spawn(command, args, {stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe']})
  const ended = once(child, 'close')
  const timer = setTimeout(() => child.kill('SIGKILL'), limit * 1000)
  let said = '', sound = 0, left = Buffer.alloc(0)
  const numbers = []
  child.stderr.on('data', (data) => { said = (said + data).slice(-1000) })
  child.stdio[4].on('data', (data) => { sound += data.length })
  child.stdio[3].on('data', (data) => {
    left = left.length > 0 ? Buffer.concat([left, data]) : data
    for (; left.length >= width * height; left = left.subarray(width * height)) {
      const picture = left
      numbers.push(read((x, y) => picture[Math.floor(y * strip) * width + Math.floor(x * width)]))
    }
  })
  const [code, signal] = await ended
  clearTimeout(timer)
  return {numbers, sound: sound / 2 / soundRate, code: code ?? signal, said: said.trim()}
}

// judgeDecoded returns what is wrong. want has media, and whole where all of it has to come, else seconds.
export function judgeDecoded({numbers, sound, code, said}, want) {
  const wrong = []
  const say = (name, text) => wrong.push({name, text})
  if (code !== 0) say('fatal', `it ended with ${code}: ${said.split('\n').at(-1)}`)
  const {media: m} = want
  const strange = numbers.filter((n) => n < 0 || m.pieceOf(n) < 0).length
  if (strange > 0) say('pictures', `${strange} of ${numbers.length} are none that were sent`)
  const seen = numbers.filter((n) => n >= 0 && m.pieceOf(n) >= 0)
  if (want.whole) {
    const all = m.pieces.flatMap((p) => Array.from({length: p.count}, (_, i) => p.first + i))
    const at = all.findIndex((n, i) => seen[i] !== n)
    if (at >= 0) say('order', `picture ${at} is ${seen[at]}, not ${all[at]}`)
    if (seen.length > all.length) say('order', `${seen.length} pictures, not ${all.length}`)
  } else {
    if (seen.length < want.seconds * rate - 2) say('played', `${(seen.length / rate).toFixed(1)} s of ${want.seconds} s`)
    const at = seen.findIndex((n, i) => i > 0 && Math.abs(m.closed(n) - m.closed(seen[i - 1]) - 1 / rate) > 0.001)
    if (at >= 0) say('order', `picture ${seen[at]} follows ${seen[at - 1]}`)
  }
  if (Math.abs(sound - numbers.length / rate) > 0.5) say('sound', `${sound.toFixed(1)} s for ${(numbers.length / rate).toFixed(1)} s of pictures`)
  return wrong
}
