// Drives the console in Chromium: a server with a day that has gaps, an overlap and a codec change, a live stream, and users.
//   node test/console.mjs [--shots DIR]      WEIR is the binary (../bin/weir), CHROMIUM the browser (/usr/bin/chromium)
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

process.env.TZ = "UTC";
const here = dirname(fileURLToPath(import.meta.url)), root = join(here, "..", "..");
const weir = process.env.WEIR ?? join(root, "bin", "weir");
const shots = process.argv[2] === "--shots" ? process.argv[3] : "";
const dir = mkdtempSync(join(tmpdir(), "weir-console-"));
const began = Date.now();
const children = [];
let failures = 0, checks = 0;

function ok(condition, what, detail = "") {
  checks++;
  if (condition) return;
  failures++;
  console.error(`FAIL ${what}${detail === "" ? "" : ": " + detail}`);
}

function run(command, args, options = {}) {
  const r = spawnSync(command, args, { encoding: "utf8", ...options });
  if (r.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${r.status} ${r.stderr}`);
  return r.stdout;
}

function start(command, args, options = {}) {
  const p = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], ...options });
  children.push(p);
  return p;
}

/** serve starts a server and returns its URL. */
function serve(name, ...args) {
  const p = start(weir, ["serve", "--data", join(dir, name), "--listen", "127.0.0.1:0", "--log", "json", ...args]);
  return new Promise((resolve, reject) => {
    let text = "";
    p.stderr.on("data", d => {
      text += d;
      for (const line of text.split("\n")) if (line.includes('"msg":"serving"')) resolve(JSON.parse(line).url);
    });
    p.on("exit", code => reject(new Error(`weir serve ended: ${code} ${text}`)));
  });
}

/** film makes a file of test pictures in which a second is told from the next. */
function film(name, seconds, rate, size, ...more) {
  const file = join(dir, name);
  run("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${rate}:duration=${seconds}`, ...more, "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", String(rate * 10), "-keyint_min", String(rate * 10), "-sc_threshold", "0", "-pix_fmt", "yuv420p", file]);
  return file;
}

const put = (url, stream, file, at, ...args) => run(weir, ["put", "-q", "--create", "--retention", "87600h", "--fragment", "10s", "--endpoint", url, "--start", at, ...args, stream, file]);

/** fill starts a server and uploads what the tests look at. */
async function fill(day) {
  const hour = film("hour.mkv", shots ? 3600 : 600, 1, shots ? "640x360" : "320x180"), small = film("small.mkv", 300, 1, "160x90");
  const url = await serve("open");
  for (const h of shots ? [5, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17] : [8, 9, 13]) put(url, "front-door", hour, `${day}T${String(h).padStart(2, "0")}:00:00Z`);
  put(url, "front-door", small, `${day}T11:00:00Z`);                               // another size
  put(url, "front-door", small, `${day}T${shots ? "16:30" : "13:04"}:00Z`);        // over what is there
  put(url, "front-door", small, `${day}T12:10:00Z`);
  run(weir, ["put", "-q", "--create", "--endpoint", url, "--start", `${day}T09:30:00Z`, "loading-dock", join(root, "testdata", "sample.mkv")]);
  await fetch(`${url}/createStream`, { method: "POST", body: JSON.stringify({ StreamName: "parking-north", DataRetentionInHours: 168, Tags: { site: "north" } }) });
  await fetch(`${url}/tagStream`, { method: "POST", body: JSON.stringify({ StreamName: "front-door", Tags: { site: "main gate", floor: "0" } }) });
  return url;
}

async function main() {
  const day = "2026-01-15", url = process.env.SITE ?? await fill(day); // SITE: a server that was filled before
  const camera = start("ffmpeg", ["-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=10", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-pix_fmt", "yuv420p", "-f", "matroska", "-live", "1", "-"]);
  const upload = start(weir, ["put", "-q", "--create", "--fragment", "1s", "--endpoint", url, "--start", "now", "till-1", "-"]);
  camera.stdout.pipe(upload.stdin);
  upload.stdin.on("error", () => {});

  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
  const open = async (options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, timezoneId: "UTC", acceptDownloads: true, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on("console", m => { if (m.type() === "error" && !/40[0-9]|Failed to load resource/.test(m.text())) ok(false, "an error in the browser's console", m.text()); });
    page.on("pageerror", e => ok(false, "an exception in the page", e.stack ?? String(e)));
    page.on("request", r => ok(/^(blob:|data:)?(http:\/\/127\.0\.0\.1:)?/.test(r.url()) && !/^https?:\/\/(?!127\.0\.0\.1)/.test(r.url()), "a request to elsewhere", r.url()));
    return page;
  };
  const shot = async (page, name) => { if (shots) { await page.waitForTimeout(350); await page.screenshot({ path: join(shots, name + ".png") }); } };
  if (shots) mkdirSync(shots, { recursive: true });

  const page = await open();
  await page.goto(url + "/");
  ok(page.url() === url + "/console/", "the console is where browsers land", page.url());
  await page.getByRole("link", { name: /front-door/ }).waitFor();
  await page.locator(".badge.live").first().waitFor();
  ok(await page.locator(".card h2").allTextContents().then(t => t.join()) === "front-door,loading-dock,parking-north,till-1", "streams are listed");
  await named(page, "streams");
  await shot(page, "streams-light");
  await page.getByRole("searchbox").fill("door");
  await page.waitForFunction(() => document.querySelectorAll(".card").length === 1);
  await page.getByRole("searchbox").fill("nothing has this");
  await page.getByText("No stream has that in its name").waitFor();

  // a day
  await page.goto(`${url}/console/#/s/front-door?day=${day}`);
  await page.locator(".summary", { hasText: "fragments" }).waitFor();
  const summary = await page.locator(".summary").textContent();
  ok(/gaps/.test(summary) && /1 overlap/.test(summary) && /codec changes/.test(summary), "the day's summary", summary);
  await named(page, "day");
  await shot(page, "day-light");
  const slider = page.getByRole("slider", { name: "Timeline of the day" });
  await slider.focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("n");
  const gap = await slider.getAttribute("aria-valuetext");
  ok(/missing/.test(gap), "N goes to the next gap", gap);
  for (let i = 0; i < 5; i++) await page.keyboard.press("+");
  const box = await slider.boundingBox();
  await shot(page, "day-zoomed-light");
  await page.keyboard.press("0");
  await page.mouse.move(box.x + box.width * 9.08 / 24, box.y + 60);
  await page.locator(".tip", { hasText: "recorded" }).waitFor();
  await page.mouse.wheel(0, -300);
  await page.waitForTimeout(100);
  await page.keyboard.press("0");

  // play on demand, HLS and DASH
  const playing = async what => {
    try {
      await page.waitForFunction(() => { const v = document.querySelector("video"); return v && v.readyState >= 3 && v.videoWidth > 0 && v.currentTime > 0.3; }, null, { timeout: 30_000 });
    } catch { ok(false, what, await page.locator(".cover").textContent() + " " + await page.evaluate(() => JSON.stringify({ r: document.querySelector("video").readyState, t: document.querySelector("video").currentTime, e: document.querySelector("video").error?.message }))); return ""; }
    await page.waitForTimeout(300);
    return await page.locator(".playing-at").textContent();
  };
  const at = (h, m = 0) => box.x + box.width * (h + m / 60) / 24;
  const laneY = box.y + 60;
  await page.mouse.click(at(9, 5), laneY);
  let when = await playing("HLS on demand");
  ok(/^09:0[3-7]/.test(when), "HLS plays from where was clicked", when);
  await shot(page, "playing-light");
  await page.getByRole("button", { name: "DASH", exact: true }).first().click();
  when = await playing("DASH on demand");
  ok(/^09:0[3-7]/.test(when), "DASH goes on there", when);
  await page.mouse.click(at(8, 6), laneY);
  when = await playing("DASH from another place");
  ok(/^08:0[4-8]/.test(when), "DASH plays from where was clicked", when);
  await page.getByRole("button", { name: "HLS", exact: true }).first().click();
  await playing("HLS again");
  await page.getByRole("button", { name: "Replay" }).click();
  when = await playing("replay");
  ok(/^08:0/.test(when), "replay goes on there", when);
  await page.getByRole("button", { name: "Stop" }).click();

  // a clip
  await page.mouse.move(at(8, 2), laneY);
  await page.mouse.down();
  await page.mouse.move(at(8, 4), laneY, { steps: 4 });
  await page.mouse.move(at(8, 8), laneY, { steps: 4 });
  await page.mouse.up();
  await page.getByRole("group", { name: "Clip" }).waitFor();
  await page.getByLabel("Start of the clip").fill("08:02:00");
  await page.getByLabel("End of the clip").fill("08:03:00");
  await page.getByLabel("End of the clip").blur();
  await page.getByRole("button", { name: "Zoom to it" }).click();
  await page.waitForTimeout(500);
  await shot(page, "clip-light");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download MP4" }).click()]);
  const file = join(dir, "clip.mp4");
  await download.saveAs(file);
  ok(download.suggestedFilename() === "front-door-20260115T080200Z.mp4", "the clip's name", download.suggestedFilename());
  const seconds = Number(run("ffprobe", ["-v", "error", "-show_entries", "format=duration", "-of", "default=nw=1:nk=1", file]));
  ok(seconds > 55 && seconds < 85, "the clip's length", seconds);

  // fragments, codecs and calls
  await page.locator("tbody tr").first().waitFor();
  ok(await page.locator("#panel-0 tbody tr").count() >= 5, "fragments of the clip are listed");
  await page.getByRole("tab", { name: "Codecs" }).click();
  ok(/H\.264.*160×90/s.test(await page.locator(".codecs").textContent()), "codecs are told");
  await page.getByRole("tab", { name: "SDK calls" }).click();
  await page.getByRole("button", { name: "AWS CLI" }).click();
  const call = await page.locator(".code code").textContent();
  ok(call.includes(`get-clip --endpoint-url ${url}`) && call.includes("StartTimestamp=2026-01-15T08:02:00Z"), "a call to copy", call);
  await page.getByRole("tab", { name: "SDK calls" }).scrollIntoViewIfNeeded();
  await shot(page, "calls-light");
  await named(page, "calls");

  // a day without anything, a stream that is not there, an empty one
  await page.goto(`${url}/console/#/s/front-door?day=2026-01-17`);
  await page.locator(".nothing").waitFor();
  await shot(page, "empty-day-light");
  await page.getByRole("button", { name: /Before that: Thu, 15 Jan/ }).click();
  await page.locator(".summary", { hasText: "fragments" }).waitFor();
  await page.goto(`${url}/console/#/s/nobody`);
  await page.getByText("There is no stream of that name").waitFor();

  // live
  await page.goto(`${url}/console/#/s/till-1`);
  await page.locator(".badge.live").first().waitFor();
  await page.getByRole("button", { name: "Live", exact: true }).click();
  when = await playing("live");
  ok(when === "" || Math.abs(Date.parse(`${new Date().toISOString().slice(0, 11)}${when}Z`) - Date.now()) < 30_000, "live is now", when);
  await shot(page, "live-light");

  // dark, and a phone
  if (shots) {
    for (const [name, options] of [["dark", { colorScheme: "dark" }], ["phone-light", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true }], ["phone-dark", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, colorScheme: "dark" }]]) {
      const p = await open(options);
      await p.goto(`${url}/console/`);
      await p.locator(".badge.live").first().waitFor();
      await shot(p, `streams-${name}`);
      await p.goto(`${url}/console/#/s/front-door?day=${day}`);
      await p.locator(".summary", { hasText: "fragments" }).waitFor();
      await shot(p, `day-${name}`);
      const b = await p.getByRole("slider").boundingBox();
      await p.mouse.click(b.x + b.width * 9.1 / 24, b.y + 60);
      await p.waitForFunction(() => document.querySelector("video").currentTime > 0.3, null, { timeout: 30_000 });
      await shot(p, `playing-${name}`);
      await p.getByRole("button", { name: "Select a clip" }).click();
      await p.getByLabel("Start of the clip").fill("09:00:00");
      await p.getByLabel("End of the clip").fill("09:40:00");
      await p.getByLabel("End of the clip").blur();
      await p.getByRole("button", { name: "Zoom to it" }).click();
      await p.locator(".strip").scrollIntoViewIfNeeded();
      await shot(p, `clip-${name}`);
      await p.locator(".panels").scrollIntoViewIfNeeded();
      await p.waitForTimeout(500);
      if (name.startsWith("phone")) await p.screenshot({ path: join(shots, `full-${name}.png`), fullPage: true });
      const wide = await p.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      ok(wide <= 0, `${name}: nothing is wider than the screen`, wide);
      await p.context().close();
    }
  }
  const phone = await open({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  for (const hash of ["#/", `#/s/front-door?day=${day}`, "#/s/parking-north"]) {
    await phone.goto(`${url}/console/${hash}`);
    await phone.waitForTimeout(600);
    const wide = await phone.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    ok(wide <= 0, `${hash}: nothing is wider than a phone`, wide);
  }

  // sign in
  const users = join(dir, "users.toml");
  writeFileSync(users, `[[user]]\nname = "guard"\naccess_key_id = "AKIDGUARD"\nsecret_access_key = "a-secret"\nactions = ["List*", "Describe*", "GetHLSStreamingSessionURL"]\nstreams = ["door-*"]\n`, { mode: 0o600 });
  const locked = await serve("locked", "--credentials", users);
  const guest = await open();
  await guest.goto(locked + "/console/");
  await guest.getByLabel("Access key ID").fill("AKIDGUARD");
  await guest.getByLabel("Secret access key").fill("wrong");
  await guest.getByRole("button", { name: "Sign in" }).click();
  await guest.getByText("do not belong together").waitFor();
  await named(guest, "sign-in");
  await shot(guest, "sign-in-light");
  await guest.getByLabel("Secret access key").fill("a-secret");
  await guest.getByRole("button", { name: "Sign in" }).click();
  await guest.getByText("No streams yet").waitFor();
  const cookies = await guest.context().cookies();
  ok(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === "Strict", "the cookie", JSON.stringify(cookies));
  await shot(guest, "no-streams-light");
  await guest.reload();
  await guest.getByText("No streams yet").waitFor();
  await guest.getByRole("button", { name: "Sign out" }).click();
  await guest.getByLabel("Access key ID").waitFor();
  await browser.close();
}

/** named has a name on each control of a page. */
async function named(page, what) {
  const bare = await page.evaluate(() => [...document.querySelectorAll("button, a, input, select, video, [role=slider], [role=tab], [tabindex='0']")].filter(e => e.getClientRects().length > 0 && !(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.textContent.trim() || e.labels?.length)).map(e => e.outerHTML.slice(0, 120)));
  ok(bare.length === 0, `${what}: controls without a name`, bare.join("\n"));
}

try {
  statSync(weir);
  await main();
} catch (e) {
  failures++;
  console.error(e);
} finally {
  for (const p of children) p.kill("SIGTERM");
  await Promise.all(children.map(p => p.exitCode !== null || p.signalCode !== null ? null : new Promise(r => { p.once("exit", r); setTimeout(() => { p.kill("SIGKILL"); r(); }, 5000); })));
  rmSync(dir, { recursive: true, force: true });
}
console.log(`console: ${checks} checks, ${failures} failed, ${((Date.now() - began) / 1000).toFixed(1)} s`);
process.exit(failures ? 1 : 0);
