package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/mkv"
)

// What the producer SDK in C sends, replayed over a connection of its own: headers in their order and spelling, the Host without a port,
// a security token that is not signed, Expect: 100-continue, and a body that is signed as nothing.

const producerAgent = "AWS-PRODUCER-SDK-KVS/1.6.4 GCC/12.2.0 Linux/6.1.0 x86_64"

// patience is how long the SDK waits for 100 Continue before it sends its body all the same. What is to come at once comes before that.
const patience = time.Second

// producer is a connection of the SDK.
type producer struct {
	t        *testing.T
	conn     net.Conn
	r        *bufio.Reader
	fragment int
	acks     chan ack // closed at the regular end of the answer
}

// ack is an acknowledgement.
type ack struct {
	EventType        string
	FragmentTimecode *int64
	FragmentNumber   string
	ErrorCode        string
	ErrorId          int
}

// connect opens an upload and waits for 100 Continue.
func (s *server) connect(t *testing.T, stream string, start time.Time) *producer {
	t.Helper()
	u := site.Users["token"]
	host, date := "127.0.0.1", now()
	started := fmt.Sprintf("%d.%d", start.Unix(), start.UnixMilli()%1000) // the SDK leaves zeros out
	signed := map[string]string{
		"connection": "keep-alive", "host": host, "transfer-encoding": "chunked", "user-agent": producerAgent, "x-amz-date": date,
		"x-amzn-fragment-acknowledgment-required": "1", "x-amzn-fragment-timecode-type": "ABSOLUTE", "x-amzn-producer-start-timestamp": started,
		"x-amzn-stream-name": stream,
	}
	return s.begin(t, strings.Join([]string{
		"POST /putMedia HTTP/1.1", "Host: " + host, "Accept: */*", "Authorization: " + u.authorization("/putMedia", signed, emptyHash),
		"connection: keep-alive", "content-type: application/json", "transfer-encoding: chunked", "user-agent: " + producerAgent, "X-Amz-Date: " + date,
		"x-amz-security-token: " + u.Token, "x-amzn-fragment-acknowledgment-required: 1", "x-amzn-fragment-timecode-type: ABSOLUTE",
		"x-amzn-producer-start-timestamp: " + started, "x-amzn-stream-name: " + stream, "Expect: 100-continue", "", ""}, "\r\n"))
}

// begin sends the head of an upload and waits for 100 Continue.
func (s *server) begin(t *testing.T, head string) *producer {
	t.Helper()
	conn, err := dial(s.base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	sent := time.Now()
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	p := &producer{t: t, conn: conn, r: bufio.NewReader(conn), acks: make(chan ack, 1000)}
	status, _ := p.head()
	if took := time.Since(sent); status != "100 Continue" || took >= patience {
		t.Fatalf("%s after %v, expected 100 Continue before %v", status, took, patience)
	}
	return p
}

// head reads a status line and the headers behind it.
func (p *producer) head() (status string, header textproto.MIMEHeader) {
	p.t.Helper()
	r := textproto.NewReader(p.r)
	line, err := r.ReadLine()
	if err != nil {
		p.t.Fatal(err)
	}
	if header, err = r.ReadMIMEHeader(); err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimPrefix(line, "HTTP/1.1 "), header
}

// send sends a piece of the body as an HTTP chunk.
func (p *producer) send(data ...[]byte) {
	p.t.Helper()
	body := bytes.Join(data, nil)
	if _, err := fmt.Fprintf(p.conn, "%x\r\n%s\r\n", len(body), body); err != nil {
		p.t.Fatal(err)
	}
}

// listen reads the head of the answer, and from then on acknowledgements.
func (p *producer) listen() {
	p.t.Helper()
	status, header := p.head()
	if status != "200 OK" || header.Get("Transfer-Encoding") != "chunked" {
		p.t.Fatalf("%s %v", status, header)
	}
	errs := make(chan error, 1)
	go func() {
		defer close(p.acks)
		errs <- p.read()
	}()
	p.t.Cleanup(func() {
		p.conn.Close()
		if err := <-errs; err != nil && !strings.Contains(err.Error(), "use of closed network connection") {
			p.t.Error(err)
		}
	})
}

// read reads the chunks of the answer. Each has one acknowledgement, of a form that the SDK's parser takes: that has a buffer of 1024
// bytes, and knows neither nested objects, nor null, nor escapes, nor a key that comes twice.
func (p *producer) read() error {
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(strings.TrimSuffix(line, "\r\n"), 16, 32)
		if err != nil {
			return fmt.Errorf("chunk size %q: %w", line, err)
		}
		chunk := make([]byte, size+2)
		if _, err := io.ReadFull(p.r, chunk); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
		chunk = chunk[:size]
		var a ack
		var members map[string]any
		if err := json.Unmarshal(chunk, &a); err != nil {
			return fmt.Errorf("a chunk is not one acknowledgement: %q", chunk)
		}
		if err := json.Unmarshal(chunk, &members); err != nil {
			return err
		}
		if chunk[0] != '{' || !bytes.HasSuffix(chunk, []byte("}\n")) || bytes.ContainsAny(chunk[1:], "{\\[") || bytes.Contains(chunk, []byte("null")) ||
			size > 1024 || bytes.Count(chunk, []byte(":")) != len(members) {
			return fmt.Errorf("the SDK does not take %q", chunk)
		}
		p.acks <- a
	}
}

// expect waits for acknowledgements of the events, of a fragment with a timecode, and returns its number. IDLE is passed over.
func (p *producer) expect(timecode int64, events ...string) (number string) {
	p.t.Helper()
	for _, event := range events {
		a, ok := p.next(10 * time.Second)
		if !ok || a.EventType != event || a.FragmentTimecode == nil || *a.FragmentTimecode != timecode || number != "" && a.FragmentNumber != number {
			p.t.Fatalf("expected %s of %d, got %+v", event, timecode, a)
		}
		number = a.FragmentNumber
	}
	return number
}

func (p *producer) next(wait time.Duration) (a ack, ok bool) {
	p.t.Helper()
	late := time.After(wait)
	for {
		select {
		case a, ok = <-p.acks:
			if !ok || a.EventType != "IDLE" {
				return a, ok
			}
		case <-late:
			p.t.Fatalf("no acknowledgement in %v", wait)
		}
	}
}

// open tells that the answer has not ended, and that nothing more was said.
func (p *producer) open() {
	p.t.Helper()
	select {
	case a, ok := <-p.acks:
		if ok && a.EventType == "IDLE" {
			return
		}
		p.t.Fatalf("%+v, open %v: expected nothing while the body is open", a, ok)
	default:
	}
}

// end ends the body and expects the end of the answer.
func (p *producer) end() {
	p.t.Helper()
	if _, err := io.WriteString(p.conn, "0\r\n\r\n"); err != nil {
		p.t.Fatal(err)
	}
	if a, ok := p.next(10 * time.Second); ok {
		p.t.Fatalf("%+v: expected the end of the answer", a)
	}
}

// upload sends a fragment, frame by frame, with the tags and then the mark that end it. It returns its number when it is PERSISTED.
func (p *producer) upload(timecode int64, frames []frame, tags ...string) (number string) {
	p.t.Helper()
	p.send(clusterStart(uint64(timecode)), simpleBlock(frames[0].at, frames[0].key, frames[0].data))
	if p.fragment == 0 {
		p.listen()
	}
	p.fragment++
	number = p.expect(timecode, "BUFFERING") // while the fragment arrives
	for _, f := range frames[1:] {
		p.send(simpleBlock(f.at, f.key, f.data))
	}
	p.open()
	for i := 0; i < len(tags); i += 2 {
		p.send(tagElement(tags[i], tags[i+1]))
	}
	p.open()
	p.send(tagElement(endOfFragment, ""))
	if got := p.expect(timecode, "RECEIVED", "PERSISTED"); got != number {
		p.t.Fatalf("RECEIVED of %s, BUFFERING of %s", got, number)
	}
	p.open()
	return number
}

// ask sends a JSON call as the SDK does: tabs and line ends in the body, three headers signed.
func (s *server) ask(t *testing.T, path, body string) answer {
	t.Helper()
	u := site.Users["token"]
	r, err := http.NewRequest(http.MethodPost, s.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "127.0.0.1"
	signed := map[string]string{"host": r.Host, "user-agent": producerAgent, "x-amz-date": now()}
	r.Header.Set("User-Agent", producerAgent)
	r.Header.Set("X-Amz-Date", signed["x-amz-date"])
	r.Header.Set("X-Amz-Security-Token", u.Token)
	r.Header.Set("Authorization", u.authorization(path, signed, hash([]byte(body))))
	res, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, text}
}

// TestProducer takes a stream from the calls that the SDK begins with to the end of its upload.
func TestProducer(t *testing.T) {
	private, fragments := camera(t)
	each(t, func(t *testing.T, s *server) {
		const stream = "c-producer"
		describe := "{\n\t\"StreamName\": \"" + stream + "\"\n}"
		if a := s.ask(t, "/describeStream", describe); a.status != http.StatusNotFound || a.header.Get("x-amzn-ErrorType") != "ResourceNotFoundException" {
			t.Fatalf("DescribeStream: %d %s", a.status, a.body)
		}
		a := s.ask(t, "/createStream", "{\n\t\"DeviceName\": \"device\",\n\t\"StreamName\": \""+stream+"\",\n\t\"MediaType\": \"video/h264\",\n\t\"DataRetentionInHours\": 24\n}")
		var created struct{ StreamARN string }
		if err := json.Unmarshal(a.body, &created); a.status != http.StatusOK || err != nil {
			t.Fatalf("CreateStream: %d %s", a.status, a.body)
		}
		if a := s.ask(t, "/tagStream", "{\n\t\"StreamARN\": \""+created.StreamARN+"\",\n\t\"Tags\": {\"a\":\"b\"}\n}"); a.status != http.StatusOK {
			t.Errorf("TagStream: %d %s", a.status, a.body)
		}
		if a := s.ask(t, "/describeStream", describe); a.status != http.StatusOK || !bytes.Contains(a.body, []byte(`"Status":"ACTIVE"`)) {
			t.Errorf("DescribeStream: %d %s", a.status, a.body)
		}
		// Without --public-url the answer is made of the Host as it was sent.
		u, err := url.Parse(s.base)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.ask(t, "/getDataEndpoint", "{\n\t\"StreamName\": \""+stream+"\",\n\t\"APIName\": \"PUT_MEDIA\"\n}"); string(a.body) != `{"DataEndpoint":"`+u.Scheme+`://127.0.0.1"}` {
			t.Errorf("GetDataEndpoint: %d %s", a.status, a.body)
		}

		start := time.Now().Truncate(time.Millisecond)
		p := s.connect(t, stream, start)
		p.send(producerHeader(private, tagElement("TEST_KEY_0", "before the first")))
		var numbers []string
		for i, frames := range fragments {
			numbers = append(numbers, p.upload(start.UnixMilli()+int64(i)*1000, frames, "TEST_KEY_1", fmt.Sprint("one ", i), "TEST_KEY_2", "two"))
		}
		p.end()

		var list struct {
			Fragments []struct {
				FragmentNumber               string
				ProducerTimestamp            json.Number
				FragmentLengthInMilliseconds int64
			}
		}
		s.call(t, "/listFragments", map[string]any{"StreamName": stream}, &list)
		var listed []string
		for i, f := range list.Fragments {
			listed = append(listed, f.FragmentNumber)
			at, err := f.ProducerTimestamp.Float64()
			if want := start.UnixMilli() + int64(i)*1000; err != nil || int64(at*1000+0.5) != want || f.FragmentLengthInMilliseconds != 1000 {
				t.Errorf("fragment %d: %+v, expected %d ms", i, f, want)
			}
		}
		same(t, "ListFragments", listed, numbers)
		r, err := site.Users["full"].request(s.base, "/getMediaForFragmentList", `{"StreamName":"`+stream+`","Fragments":["`+strings.Join(numbers, `","`)+`"]}`)
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		checkStored(t, res.Body, start, fragments)
	})
}

// checkStored compares what comes back with what was sent: frames and times, and tags where their fragment has them.
func checkStored(t *testing.T, media io.Reader, start time.Time, fragments [][]frame) {
	t.Helper()
	data := must[[]byte](t)(io.ReadAll(media))
	r := mkv.NewBytesReader(data, nil)
	at, frames := -1, 0
	tags := map[string]string{}
	whole := func() {
		if at < 0 {
			return
		}
		want := map[string]string{"TEST_KEY_1": fmt.Sprint("one ", at), "TEST_KEY_2": "two", endOfFragment: ""}
		if at == 0 {
			want["TEST_KEY_0"] = "before the first"
		}
		maps.DeleteFunc(tags, func(name, _ string) bool { return strings.HasPrefix(name, "AWS_") && name != endOfFragment })
		same(t, fmt.Sprintf("tags of fragment %d", at), tags, want)
		same(t, fmt.Sprintf("frames of fragment %d", at), frames, len(fragments[at]))
		clear(tags)
	}
	for {
		token, err := r.Read()
		if err == io.EOF {
			whole()
			same(t, "fragments", at+1, len(fragments))
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token {
		case mkv.TokenDocument:
			whole()
			at, frames = at+1, 0
		case mkv.TokenBlock:
			b := r.Block()
			f := fragments[at][frames]
			if want := time.Duration(start.UnixMilli()+int64(at)*1000)*time.Millisecond + f.at; b.PTS != want || !bytes.Equal(data[b.Offset:][:b.Size], f.data) {
				t.Fatalf("fragment %d, frame %d at %v: expected %v, %d bytes", at, frames, b.PTS, want, len(f.data))
			}
			frames++
		case mkv.TokenTags:
			for _, tag := range r.Tags() {
				if _, twice := tags[tag.Name]; twice {
					t.Errorf("fragment %d has the tag %s twice", at, tag.Name)
				}
				tags[tag.Name] = tag.Value
			}
		}
	}
}

// TestRotation has two connections of a producer at a time: it opens the next before it ends the one that it has.
func TestRotation(t *testing.T) {
	private, fragments := camera(t)
	each(t, func(t *testing.T, s *server) {
		s.create(t, "c-rotation")
		start := time.Now().Truncate(time.Millisecond)
		first := s.connect(t, "c-rotation", start)
		first.send(producerHeader(private, nil))
		numbers := []string{first.upload(start.UnixMilli(), fragments[0])}
		second := s.connect(t, "c-rotation", start.Add(2*time.Second))
		second.send(producerHeader(private, nil))
		numbers = append(numbers, first.upload(start.UnixMilli()+1000, fragments[1]))
		numbers = append(numbers, second.upload(start.UnixMilli()+2000, fragments[2]))
		first.end()
		numbers = append(numbers, second.upload(start.UnixMilli()+3000, fragments[3]))
		second.end()
		var list struct {
			Fragments []struct{ FragmentNumber string }
		}
		s.call(t, "/listFragments", map[string]any{"StreamName": "c-rotation"}, &list)
		var listed []string
		for _, f := range list.Fragments {
			listed = append(listed, f.FragmentNumber)
		}
		slices.Sort(numbers)
		same(t, "ListFragments", listed, numbers)
	})
}

// TestBreak has a connection break within a fragment. What was PERSISTED stays, and the producer sends the rest again.
func TestBreak(t *testing.T) {
	private, fragments := camera(t)
	each(t, func(t *testing.T, s *server) {
		s.create(t, "c-break")
		start := time.Now().Truncate(time.Millisecond)
		p := s.connect(t, "c-break", start)
		p.send(producerHeader(private, nil))
		numbers := []string{p.upload(start.UnixMilli(), fragments[0])}
		p.send(clusterStart(uint64(start.UnixMilli()+1000)), simpleBlock(0, true, fragments[1][0].data))
		p.expect(start.UnixMilli()+1000, "BUFFERING")
		p.conn.Close()
		again := s.connect(t, "c-break", start)
		again.send(producerHeader(private, nil))
		numbers = append(numbers, again.upload(start.UnixMilli()+1000, fragments[1]))
		again.end()
		var list struct {
			Fragments []struct{ FragmentNumber string }
		}
		s.call(t, "/listFragments", map[string]any{"StreamName": "c-break"}, &list)
		var listed []string
		for _, f := range list.Fragments {
			listed = append(listed, f.FragmentNumber)
		}
		same(t, "ListFragments", listed, numbers)
	})
}

// TestCodes has what a producer is told when media cannot be taken, and that the connection goes on where only a fragment is bad.
func TestCodes(t *testing.T) {
	private, fragments := camera(t)
	each(t, func(t *testing.T, s *server) {
		s.create(t, "c-codes")
		start := time.Now().Truncate(time.Millisecond)
		p := s.connect(t, "c-codes", start)
		p.send(producerHeader(private, nil))
		at := start.UnixMilli()
		p.upload(at+1000, fragments[0])
		failed := func(timecode int64, id int, code string) {
			t.Helper()
			for {
				a, ok := p.next(10 * time.Second)
				if ok && a.EventType == "BUFFERING" {
					continue
				}
				if !ok || a.EventType != "ERROR" || a.ErrorId != id || a.ErrorCode != code || a.FragmentTimecode == nil || *a.FragmentTimecode != timecode {
					t.Fatalf("expected ERROR %d %s, got %+v, open %v", id, code, a, ok)
				}
				return
			}
		}
		p.send(clusterStart(uint64(at)), simpleBlock(0, true, fragments[1][0].data), tagElement(endOfFragment, ""))
		failed(at, 4004, "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS")
		stranger := simpleBlock(0, true, fragments[1][0].data)
		stranger[9] = 0x82
		p.send(clusterStart(uint64(at+2000)), simpleBlock(0, true, fragments[1][0].data), stranger, tagElement(endOfFragment, ""))
		failed(at+2000, 4010, "TRACK_NUMBER_MISMATCH")
		p.send(clusterStart(uint64(at+3000)), simpleBlock(0, true, fragments[1][0].data), simpleBlock(21*time.Second, true, fragments[1][0].data), tagElement(endOfFragment, ""))
		failed(at+3000, 4002, "MAX_FRAGMENT_DURATION_REACHED")
		p.upload(at+30_000, fragments[2])
		p.send(make([]byte, 64)) // no element begins with it
		for a, ok := p.next(10 * time.Second); ok; a, ok = p.next(10 * time.Second) {
			if a.EventType != "ERROR" || a.ErrorId != 4006 || a.ErrorCode != "INVALID_MKV_DATA" {
				t.Fatalf("%+v, expected ERROR 4006", a)
			}
		}
	})
}
