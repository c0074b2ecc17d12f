// Numbers in pictures. The top of each picture has two rows of twelve squares: 20 bits of the picture's number, the least significant
// first, and 4 bits that check them. White is 1. The same code draws them and reads them, in Node and in the page.
export const width = 320, height = 180, rate = 25
export const columns = 12, rows = 2, strip = 48 // rows of samples that the squares take

const checkOf = (n) => (n ^ n >> 4 ^ n >> 8 ^ n >> 12 ^ n >> 16 ^ 9) & 15

// draw writes picture n in grey. A bar below the squares moves, so that each picture differs from the one before.
export function draw(grey, n) {
  grey.fill(64)
  const bits = n + checkOf(n) * 2 ** 20
  for (let y = 0; y < strip; y++) {
    for (let x = 0; x < width; x++) {
      const cell = Math.floor(y * rows / strip) * columns + Math.floor(x * columns / width)
      grey[y * width + x] = Math.floor(bits / 2 ** cell) & 1 ? 235 : 16
    }
  }
  const at = n * 7 % width
  for (let y = strip + 8; y < height; y++) grey.fill(180, y * width + at, y * width + Math.min(at + 24, width))
}

// read returns the number of a picture, or -1 where there is none that is right. level(x, y) is how light it is at a point, from 0 to 255;
// x and y go from 0 to 1 over the squares.
export function read(level) {
  let n = 0, check = 0
  for (let cell = 0; cell < rows * columns; cell++) {
    let light = 0
    for (const dx of [-0.2, 0, 0.2]) light += level((cell % columns + 0.5 + dx) / columns, (Math.floor(cell / columns) + 0.5) / rows)
    light /= 3
    if (light > 90 && light < 160) return -1
    if (light < 128) continue
    if (cell < 20) n += 2 ** cell
    else check += 2 ** (cell - 20)
  }
  return check === checkOf(n) ? n : -1
}
