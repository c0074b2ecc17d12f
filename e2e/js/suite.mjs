// Every operation with the SDK for JavaScript, and the table of exceptions.
//
//	node suite.mjs SERVER
import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {Agent} from 'node:https'
import {join} from 'node:path'
import * as control from '@aws-sdk/client-kinesis-video'
import * as archived from '@aws-sdk/client-kinesis-video-archived-media'
import * as media from '@aws-sdk/client-kinesis-video-media'
import {NodeHttpHandler, NodeHttp2Handler} from '@smithy/node-http-handler'

const server = process.argv[2]
const site = JSON.parse(readFileSync(process.env.WEIR_E2E, 'utf8'))
const facts = JSON.parse(readFileSync(join(site.dir, `facts-${server}.json`), 'utf8'))
const ca = readFileSync(site.ca)
const modules = {control, archived, media}
const classes = {control: control.KinesisVideoClient, archived: archived.KinesisVideoArchivedMediaClient, media: media.KinesisVideoMediaClient}
let count = 0, failed = 0

// check runs a function that throws when something is not as it has to be, and prints a line.
async function check(what, f) {
  count++
  try {
    await f()
    console.log(`ok    js/${server}: ${what}`)
  } catch (error) {
    failed++
    console.log(`FAIL  js/${server}: ${what}: ${error.stack}`)
  }
}

const clients = new Map()
function client(service, user = 'full', handler = 'http') {
  const key = `${service} ${user} ${handler}`
  if (!clients.has(key)) {
    const u = site.users[user]
    // How to trust the certificate differs between the two; everything else is what the SDK does by itself.
    const requestHandler = handler === 'http2' ? new NodeHttp2Handler({requestTimeout: 15000, sessionTimeout: 15000}) :
      new NodeHttpHandler({httpsAgent: new Agent({ca, keepAlive: true}), requestTimeout: 15000})
    clients.set(key, new classes[service]({
      endpoint: site[server], region: 'us-west-2', maxAttempts: 1, requestHandler,
      credentials: {accessKeyId: u.id, secretAccessKey: u.secret, sessionToken: u.token},
    }))
  }
  return clients.get(key)
}

const send = (service, operation, input, user, handler) => client(service, user, handler).send(new modules[service][`${operation}Command`](input))
const at = seconds => new Date((facts.start + seconds) * 1000)
const selector = (first, last, type = 'PRODUCER_TIMESTAMP') =>
  ({FragmentSelectorType: type, TimestampRange: {StartTimestamp: at(first), EndTimestamp: at(last)}})
const hash = bytes => createHash('sha256').update(bytes).digest('hex')
const bytes = async answer => answer.Payload.transformToByteArray()

// fails sends what has to fail with the SDK's own class of an exception, or with an untyped error of that name.
async function fails(service, operation, input, type, {user, status = 400, untyped = false, text = ''} = {}) {
  await assert.rejects(send(service, operation, input, user), error => {
    assert.equal(error.name, type)
    assert.equal(error.$metadata.httpStatusCode, status)
    assert.match(error.$metadata.requestId, /^[0-9a-f-]{36}$/)
    assert.ok(error.message.includes(text) && error.message !== '' && error.message !== 'UnknownError', error.message)
    if (!untyped) assert.ok(error instanceof modules[service][type], `${type} is not the SDK's own class`)
    return true
  })
}

async function controlPlane() {
  let arn, info
  await check('CreateStream, DescribeStream', async () => {
    arn = (await send('control', 'CreateStream', {StreamName: 'js-1', DeviceName: 'door', MediaType: 'video/h264', DataRetentionInHours: 24, Tags: {a: 'b'}})).StreamARN
    info = (await send('control', 'DescribeStream', {StreamName: 'js-1'})).StreamInfo
    assert.match(arn, /^arn:aws:kinesisvideo:us-west-2:000000000000:stream\/js-1\/\d+$/)
    assert.deepEqual([info.StreamARN, info.StreamName, info.DeviceName, info.MediaType, info.DataRetentionInHours, info.Status],
      [arn, 'js-1', 'door', 'video/h264', 24, 'ACTIVE'])
    assert.ok(info.CreationTime instanceof Date && String(info.CreationTime.getTime()) === arn.split('/')[2], String(info.CreationTime))
  })
  await check('UpdateStream, UpdateDataRetention', async () => {
    await send('control', 'UpdateStream', {StreamARN: arn, CurrentVersion: info.Version, MediaType: 'video/h265'})
    info = (await send('control', 'DescribeStream', {StreamARN: arn})).StreamInfo
    await send('control', 'UpdateDataRetention', {StreamName: 'js-1', CurrentVersion: info.Version, Operation: 'DECREASE_DATA_RETENTION', DataRetentionChangeInHours: 20})
    info = (await send('control', 'DescribeStream', {StreamName: 'js-1', StreamARN: arn})).StreamInfo
    assert.deepEqual([info.MediaType, info.DataRetentionInHours], ['video/h265', 4])
  })
  await check('TagStream, UntagStream, ListTagsForStream', async () => {
    await send('control', 'TagStream', {StreamName: 'js-1', Tags: {c: 'd', e: ''}})
    await send('control', 'UntagStream', {StreamARN: arn, TagKeyList: ['a']})
    assert.deepEqual((await send('control', 'ListTagsForStream', {StreamName: 'js-1'})).Tags, {c: 'd', e: ''})
  })
  await check('TagResource, UntagResource, ListTagsForResource', async () => {
    await send('control', 'TagResource', {ResourceARN: arn, Tags: [{Key: 'f', Value: 'g'}]})
    await send('control', 'UntagResource', {ResourceARN: arn, TagKeyList: ['c']})
    assert.deepEqual((await send('control', 'ListTagsForResource', {ResourceARN: arn})).Tags, {e: '', f: 'g'})
  })
  await check('DescribeStreamStorageConfiguration, UpdateStreamStorageConfiguration', async () => {
    if (!control.UpdateStreamStorageConfigurationCommand) throw new Error('this SDK has no such command')
    const version = (await send('control', 'DescribeStream', {StreamName: 'js-1'})).StreamInfo.Version
    await send('control', 'UpdateStreamStorageConfiguration', {StreamName: 'js-1', CurrentVersion: version, StreamStorageConfiguration: {DefaultStorageTier: 'WARM'}})
    const told = await send('control', 'DescribeStreamStorageConfiguration', {StreamARN: arn})
    assert.deepEqual([told.StreamName, told.StreamARN, told.StreamStorageConfiguration], ['js-1', arn, {DefaultStorageTier: 'WARM'}])
  })
  await check('ListStreams, pages', async () => {
    for (let i = 0; i < 3; i++) await send('control', 'CreateStream', {StreamName: `js-list-${i}`})
    const pages = []
    const condition = {StreamNameCondition: {ComparisonOperator: 'BEGINS_WITH', ComparisonValue: 'js-list-'}}
    for await (const page of control.paginateListStreams({client: client('control'), pageSize: 2}, condition)) pages.push(page.StreamInfoList.map(s => s.StreamName))
    assert.deepEqual(pages, [['js-list-0', 'js-list-1'], ['js-list-2']])
  })
  await check('GetDataEndpoint', async () => {
    for (const APIName of Object.values(control.APIName)) {
      assert.equal((await send('control', 'GetDataEndpoint', {StreamName: 'js-1', APIName})).DataEndpoint, site[server], APIName)
    }
  })
  await check('DeleteStream', async () => {
    await send('control', 'DeleteStream', {StreamARN: arn})
    await fails('control', 'DescribeStream', {StreamName: 'js-1'}, 'ResourceNotFoundException', {status: 404})
  })
  await check('a session token', async () => {
    assert.equal((await send('control', 'DescribeStream', {StreamName: 'cam-1'}, 'token')).StreamInfo.StreamName, 'cam-1')
  })
}

async function fragments() {
  const numbers = facts.streams['cam-1'].persisted
  await check('ListFragments', async () => {
    const {Fragments, NextToken} = await send('archived', 'ListFragments', {StreamName: 'cam-1'})
    assert.deepEqual(Fragments.map(f => f.FragmentNumber), numbers)
    assert.equal(NextToken, undefined)
    assert.deepEqual(Fragments.map(f => [f.ProducerTimestamp.getTime(), f.FragmentLengthInMilliseconds]), [0, 1, 2, 3].map(i => [at(i).getTime(), 1000]))
    // Milliseconds come through: curl has read the same numbers.
    assert.deepEqual(Fragments.map(f => f.ServerTimestamp.getTime()), facts.streams['cam-1'].fragments.map(f => Math.round(f.ServerTimestamp * 1000)))
  })
  await check('ListFragments, pages', async () => {
    const got = []
    for await (const page of archived.paginateListFragments({client: client('archived'), pageSize: 17}, {StreamName: 'cam-many'})) got.push(...page.Fragments)
    assert.deepEqual(got.map(f => f.FragmentNumber), facts.streams['cam-many'].persisted)
  })
  await check('ListFragments, borders in milliseconds', async () => {
    for (const [first, last, want] of [[0.001, 2, 2], [0, 2.999, 3], [1, 1.001, 1], [1.001, 1.999, 0]]) {
      const {Fragments} = await send('archived', 'ListFragments', {StreamARN: facts.streams['cam-1'].arn, FragmentSelector: selector(first, last)})
      assert.equal(Fragments.length, want, `${first} to ${last}`)
    }
  })
  await check('GetMediaForFragmentList', async () => {
    const answer = await send('archived', 'GetMediaForFragmentList', {StreamName: 'cam-1', Fragments: numbers})
    assert.equal(answer.ContentType, 'video/webm')
    assert.equal(hash(await bytes(answer)), facts.media)
  })
  await check('GetClip', async () => {
    const answer = await send('archived', 'GetClip', {StreamName: 'cam-1', ClipFragmentSelector: selector(0, 60)})
    assert.equal(answer.ContentType, 'video/mp4')
    assert.equal(hash(await bytes(answer)), facts.clip)
  })
  await check("GetClip by the server's clock, in milliseconds", async () => {
    const times = facts.streams['cam-1'].fragments.map(f => new Date(Math.round(f.ServerTimestamp * 1000)))
    const ClipFragmentSelector = {FragmentSelectorType: 'SERVER_TIMESTAMP', TimestampRange: {StartTimestamp: times[0], EndTimestamp: times[3]}}
    assert.equal(hash(await bytes(await send('archived', 'GetClip', {StreamName: 'cam-1', ClipFragmentSelector}))), facts.clip)
  })
}

async function images() {
  const ask = (StreamName, first, last, more) =>
    ({StreamName, ImageSelectorType: 'PRODUCER_TIMESTAMP', StartTimestamp: at(first), EndTimestamp: at(last), SamplingInterval: 1000, Format: 'PNG', ...more})
  for (const [stream, want] of Object.entries(facts.images)) {
    await check(`GetImages of ${stream}`, async () => {
      const {Images, NextToken} = await send('archived', 'GetImages', ask(stream, 0, 3), 'reader')
      assert.deepEqual(Images.map(i => i.TimeStamp.getTime()), [0, 1, 2, 3].map(s => at(s).getTime()))
      assert.deepEqual(Images.map(i => hash(Buffer.from(i.ImageContent, 'base64'))), want)
      assert.equal(NextToken, undefined)
    })
  }
  await check('GetImages, borders in milliseconds', async () => {
    const {Images} = await send('archived', 'GetImages', ask('cam-1', 0.999, 1.999))
    const [before, after] = Images.map(i => hash(Buffer.from(i.ImageContent, 'base64')))
    assert.ok(!facts.images['cam-1'].includes(before) && !facts.images['cam-1'].includes(after))
  })
  await check('GetImages, pages', async () => {
    const pages = []
    for await (const page of archived.paginateGetImages({client: client('archived'), pageSize: 3}, ask('cam-1', 0, 4, {Format: 'JPEG', FormatConfig: {JPEGQuality: '50'}}))) {
      pages.push(page.Images.map(i => i.Error ?? Buffer.from(i.ImageContent, 'base64').subarray(0, 2).toString('hex')))
    }
    assert.deepEqual(pages, [['ffd8', 'ffd8', 'ffd8'], ['ffd8', 'NO_MEDIA']])
  })
}

async function sessions() {
  // fetch trusts what NODE_EXTRA_CA_CERTS names, as a page trusts what its browser does.
  await check('GetHLSStreamingSessionURL', async () => {
    const url = (await send('archived', 'GetHLSStreamingSessionURL', {StreamName: 'cam-1', PlaybackMode: 'ON_DEMAND', HLSFragmentSelector: selector(0, 60)})).HLSStreamingSessionURL
    assert.ok(url.startsWith(`${site[server]}/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=`), url)
    const playlist = await fetch(url)
    assert.equal(playlist.headers.get('access-control-allow-origin'), '*')
    assert.match(await playlist.text(), /^#EXTM3U\n/)
  })
  await check('GetDASHStreamingSessionURL', async () => {
    const url = (await send('archived', 'GetDASHStreamingSessionURL', {StreamName: 'cam-1', PlaybackMode: 'ON_DEMAND', DASHFragmentSelector: selector(0, 60)})).DASHStreamingSessionURL
    assert.ok(url.startsWith(`${site[server]}/dash/v1/getDASHManifest.mpd?SessionToken=`), url)
    assert.match(await (await fetch(url)).text(), /<MPD /)
  })
}

// documents reads a body of GetMedia until it has the tags that end count documents, and returns their fragment numbers.
async function documents(answer, count) {
  let text = ''
  const numbers = () => [...text.matchAll(/AWS_KINESISVIDEO_CONTINUATION_TOKEN\x44\x87.(\d{47})/gs)].map(m => m[1])
  for await (const piece of answer.Payload) {
    text += Buffer.from(piece).toString('latin1')
    if (numbers().length >= count) break // which ends the request
  }
  return numbers()
}

async function live() {
  const numbers = facts.streams['cam-1'].persisted
  const from = async (count, StartSelector) => documents(await send('media', 'GetMedia', {StreamName: 'cam-1', StartSelector}), count)
  await check('GetMedia', async () => {
    assert.deepEqual(await from(4, {StartSelectorType: 'EARLIEST'}), numbers)
    assert.equal((await from(1, {StartSelectorType: 'NOW'}))[0], numbers[3])
    assert.equal((await from(1, {StartSelectorType: 'FRAGMENT_NUMBER', AfterFragmentNumber: numbers[0]}))[0], numbers[1])
    assert.equal((await from(1, {StartSelectorType: 'CONTINUATION_TOKEN', ContinuationToken: numbers[1]}))[0], numbers[2])
    assert.equal((await from(1, {StartSelectorType: 'PRODUCER_TIMESTAMP', StartTimestamp: at(1.5)}))[0], numbers[1])
    const first = new Date(Math.round(facts.streams['cam-1'].fragments[0].ServerTimestamp * 1000))
    assert.equal((await from(1, {StartSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: first}))[0], numbers[0])
  })
  await check('GetMedia, the fourth at once', async () => {
    const input = {StreamName: 'cam-records', StartSelector: {StartSelectorType: 'NOW'}}
    const open = [await send('media', 'GetMedia', input), await send('media', 'GetMedia', input), await send('media', 'GetMedia', input)]
    await fails('media', 'GetMedia', input, 'ConnectionLimitExceededException')
    open.forEach(answer => answer.Payload.destroy())
  })
}

// real makes dates of the times in an input of the table of exceptions.
function real(value) {
  if (Array.isArray(value)) return value.map(real)
  if (value === null || typeof value !== 'object') return value
  if ('$time' in value) return new Date(value.$time * 1000)
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, real(v)]))
}

async function exceptions() {
  for (const {service, operation, as, input, type, status, untyped, text} of facts.exceptions) {
    await check(`${operation} as ${as}: ${type}`, () => fails(service, operation, real(input), type, {user: as, status, untyped, text}))
  }
}

async function http2() {
  await check('HTTP/2: ListFragments and GetClip', async () => {
    const {Fragments} = await send('archived', 'ListFragments', {StreamName: 'cam-1'}, 'full', 'http2')
    assert.equal(Fragments.length, 4)
    assert.equal(hash(await bytes(await send('archived', 'GetClip', {StreamName: 'cam-1', ClipFragmentSelector: selector(0, 60)}, 'full', 'http2'))), facts.clip)
  })
}

await controlPlane()
await fragments()
await images()
await sessions()
await live()
await exceptions()
if (server === 'tls') await http2()
clients.forEach(c => c.destroy())
process.exit(failed || !count ? 1 : 0)
