// Test media: pictures that carry their number, with sound, as Matroska. A picture is due number/25 s after the picture 0.
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {draw, height, rate, width} from './page/number.js'

// pattern writes pictures first..first+seconds*25-1 with a key frame every so many seconds. Its times begin at offset seconds.
export async function pattern(file, {first = 0, seconds, key = 2, offset = 0, size = `${width}x${height}`, video = 'h264', audio = 'aac', skip}) {
  const codecs = {
    h264: ['libx264', '-preset', 'veryfast', '-profile:v', 'main', '-crf', '30'],
    hevc: ['libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:scenecut=0'],
  }
  const sounds = {aac: ['aac', '-ar', '48000', '-b:a', '48k'], alaw: ['pcm_alaw', '-ar', '8000'], mulaw: ['pcm_mulaw', '-ar', '8000']}
  const args = ['-v', 'error', '-nostdin', '-y', '-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${width}x${height}`, '-r', String(rate), '-i', 'pipe:3']
  if (audio) args.push('-f', 'lavfi', '-i', `sine=f=440:r=48000:d=${seconds}`)
  args.push('-vf', `scale=${size.replace('x', ':')}:flags=area,format=yuv420p`, '-c:v', ...codecs[video], '-g', String(key * rate),
    '-keyint_min', String(key * rate), '-sc_threshold', '0', '-threads', '2')
  if (audio) args.push('-c:a', ...sounds[audio])
  args.push('-output_ts_offset', String(offset), '-f', 'matroska', file)
  const ffmpeg = spawn('ffmpeg', args, {stdio: ['ignore', 'inherit', 'inherit', 'pipe']})
  const ended = once(ffmpeg, 'exit')
  const pipe = ffmpeg.stdio[3]
  pipe.on('error', () => {}) // ffmpeg says what is wrong
  for (let i = 0; i < seconds * rate && ffmpeg.exitCode === null; i++) {
    const grey = Buffer.alloc(width * height)
    // skip, for what has to be found out: from a picture on, numbers are so many too large.
    draw(grey, first + i + (skip && i >= skip.from ? skip.by : 0))
    if (!pipe.write(grey)) await Promise.race([once(pipe, 'drain'), ended])
  }
  pipe.end()
  const [code] = await ended
  if (code !== 0) throw new Error(`ffmpeg ended with code ${code} when it made ${file}`)
  return file
}
